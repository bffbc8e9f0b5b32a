"""Trains the bundled model from nothing. A kill costs a few minutes: run the same command again and it goes on.

    python -m advisor.demo.train --out OUT --minutes 65 --seed 0      # one CPU core; a GPU is used where there is one

OUT gets `checkpoint.pt`, `log.jsonl`, and after every checkpoint a folder `model/` that transformers loads.
The schedule follows the clock given by --minutes: the first part short and easy, then the full mix, at the end longer
rows while the step size falls to nothing. --steps makes it follow the step count instead, which repeats bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from advisor.demo import model_folder, network, packing, text_mix, tokens
from advisor.demo.muon import Muon

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@dataclass(frozen=True)
class Phase:
    """A stretch of the schedule, up to the fraction `until` of the whole."""

    until: float
    mix: text_mix.Mix
    length: int


PHASES = [
    Phase(0.12, text_mix.EASY, 256),
    Phase(0.90, text_mix.FULL, 640),
    Phase(1.00, text_mix.FULL, 1024),
]


@dataclass
class Progress:
    """Where the training stands; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0


def rate(done: float, warm: float = 0.01, flat: float = 0.34) -> float:
    """Step size as a share of the highest: a short rise, level, then down to 0 in a line."""
    if done < warm:
        return done / warm
    return 1.0 if done < flat else max(0.0, (1 - done) / (1 - flat))


def optimizers(net: network.Network, peak: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for the embedding and the gains."""
    matrices = [p for n, p in net.named_parameters() if p.ndim == 2 and "embed" not in n]
    gains = [p for p in net.parameters() if p.ndim == 1]
    muon = Muon(matrices, lr=peak)
    adam = torch.optim.AdamW(
        [{"params": [net.embed_tokens.weight], "lr": peak * 0.2}, {"params": gains, "lr": peak * 0.25}],
        betas=(0.9, 0.98),
        weight_decay=0.0,
    )
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return [muon, adam]


def loss_of(net: network.Network, batch: packing.Batch, device: torch.device) -> torch.Tensor:
    """Weighted mean of the cross entropy at the loss positions."""
    with torch.autocast(device.type, dtype=torch.bfloat16):
        logits = net(
            batch.tokens.to(device), batch.position.to(device), batch.mask.to(device).bfloat16(), batch.where.to(device)
        )
    each = F.cross_entropy(logits.float(), batch.target.to(device), reduction="none")
    weight = batch.weight.to(device)
    return (each * weight).sum() / weight.sum()


class Trainer:
    """One training, resumable."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.out = Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(options.seed)
        self.net = network.Network(network.Shape())
        network.initialise(self.net, options.seed)
        self.net.to(self.device)
        self.optimizers = optimizers(self.net, options.rate)
        self.progress = Progress()
        self.tokenizer = tokens.load(Path(options.tokenizer))
        if (self.out / "checkpoint.pt").exists():
            self._resume()

    def _resume(self) -> None:
        stored = torch.load(self.out / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.net.load_state_dict(stored["net"])
        for optimizer, state in zip(self.optimizers, stored["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.progress = Progress(**stored["progress"])

    def done(self) -> float:
        """How much of the training is over, 0 to 1."""
        if self.options.steps:
            return self.progress.step / int(self.options.steps)
        return self.progress.seconds / (60 * float(self.options.minutes))

    def _batches(self, number: int) -> Iterator[packing.Batch]:
        phase = PHASES[number]
        encoder = tokens.Encoder(self.tokenizer)
        seed = self.options.seed * 1000 + number * 100_000 + self.progress.step
        return packing.batches(encoder, seed, phase.mix, phase.length)

    def run(self) -> None:
        """Until the time or the steps are over."""
        progress, source, phase = self.progress, None, -1
        saved = clock = time.perf_counter()
        average = 0.0
        while self.done() < 1:
            wanted = next(i for i, p in enumerate(PHASES) if self.done() < p.until)
            if wanted != phase or source is None:
                phase, source = wanted, self._batches(wanted)
            batch = next(source)
            loss = loss_of(self.net, batch, self.device)
            torch.autograd.backward(loss)
            factor = rate(self.done())
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak"] * factor
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            now = time.perf_counter()
            progress.seconds += now - clock
            clock = now
            progress.step += 1
            progress.tokens += batch.tokens.numel()
            value = float(loss.detach())
            average = value if not average else 0.98 * average + 0.02 * value
            if progress.step % 25 == 0:
                self._log(value, average, factor, phase)
            if now - saved > 60 * self.options.every:
                self.save()
                saved = clock = time.perf_counter()
        self.save()

    def _log(self, value: float, average: float, factor: float, phase: int) -> None:
        line = {**asdict(self.progress), "phase": phase, "loss": round(value, 4), "average": round(average, 4),
                "factor": round(factor, 4)}  # fmt: skip
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Checkpoint and a loadable model, each replaced at once."""
        stored = {
            "net": self.net.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "progress": asdict(self.progress),
        }
        torch.save(stored, self.out / "checkpoint.new")
        os.replace(self.out / "checkpoint.new", self.out / "checkpoint.pt")
        folder = self.out / "model"
        network.save(
            self.net, folder, pad=tokens.id_of(self.tokenizer, tokens.PAD), end=tokens.id_of(self.tokenizer, tokens.END)
        )
        for name in TOKENIZER_FILES:
            shutil.copy(Path(self.options.tokenizer) / name, folder / name)


def parser() -> argparse.ArgumentParser:
    """The options of the command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", required=True, help="folder for checkpoints, log and model")
    options.add_argument("--minutes", type=float, default=65, help="length of the training")
    options.add_argument("--steps", type=int, default=0, help="follow a step count instead of the clock")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--rate", type=float, default=0.02, help="highest step size of Muon")
    options.add_argument("--every", type=float, default=4, help="minutes between checkpoints")
    options.add_argument("--tokenizer", default=str(model_folder()), help="folder with the tokenizer files")
    return options


if __name__ == "__main__":
    Trainer(parser().parse_args()).run()
