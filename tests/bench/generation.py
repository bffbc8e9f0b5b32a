"""Measures local generation against transformers' own and, where it is installed, lm-evaluation-harness. Prints ratios.

python -m tests.bench.generation --rounds 1 --batches 32 64     # everything, about 5 minutes on two quiet cores
python -m tests.bench.generation --only fixed                   # plain, varied, shared or fixed: minutes each
PYTHONPATH=. /path/to/python -m tests.bench.generation          # a Python that has lm-eval beside the product's needs

Same weights, same prompts, greedy, float32, rounds interleaved, the memory settings of a worker's process for all. `one
by one` is measured on a sample. "fixed" asks for 16, 64 and 128 new tokens from every prompt: nobody's answer can end
before. "limit" is what this machine's measured peaks allow (generation_limit.py). The bundled model is used where it is
there, else a random one of its shape. Prints; asserts nothing.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import importlib
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.workers import KEEPS_MEMORY
from tests.bench.generation_limit import Peaks, peaks_of, words, work_of

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "advisor" / "demo" / "model"
BATCHES = (16, 32, 64, 128)
FIXED = (16, 32, 64, 128)
"""New tokens of every answer, chosen before anything was measured."""


@dataclass(frozen=True)
class Workload:
    """Prompts and how answers end."""

    name: str
    prompts: list[Any]
    new_tokens: int
    end_share: float
    """Share of the vocabulary that ends an answer: lengths then vary as a geometric distribution."""
    endless: bool = False
    """No answer ends before it has `new_tokens`."""


@dataclass(frozen=True)
class Measured:
    """Prompts a second of each system, a value a round, and what the machine's peaks allow."""

    rates: dict[str, list[float]]
    new_tokens: float
    """A prompt, on average."""
    limit: float

    def rate(self, name: str) -> float:
        """The median round of the fastest system whose name begins so."""
        found = [statistics.median(rates) for system, rates in self.rates.items() if system.startswith(name)]
        return max(found, default=0.0)


def main() -> None:
    """Workloads, a table of prompts a second and ratios for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sample", type=int, default=40, help="prompts for the one-by-one rate")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true", help="process time instead of wall time (busy machine)")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--only", default="", help="plain, varied, shared or fixed")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    args = parser.parse_args()
    if KEEPS_MEMORY.keys() - os.environ.keys():  # read when a process starts; for every system alike
        again = [sys.executable, "-m", "tests.bench.generation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**KEEPS_MEMORY, **os.environ})

    import torch

    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = args.model if (args.model / "model.safetensors").is_file() else _random_model(args.model, Path(place))
        peaks: Peaks | None = None
        fixed: list[Measured] = []
        for workload in _workloads(args.prompts):
            if workload.name.startswith(args.only):
                model = _loaded(folder, workload)
                if peaks is None:
                    peaks = peaks_of(model.core.model, _clock(args))
                    print(words(peaks, work_of(model.core.model)))
                found = measure(folder, model, workload, peaks, args)
                fixed += [found] if workload.endless else []
        _table(fixed)


def _loaded(folder: Path, workload: Workload) -> Any:
    from baselines.models.local import load
    from reports.run.schema import ModelSpec

    model = load(ModelSpec(id=str(folder)), device="cpu")
    _widen_ends(model, workload.end_share)
    if workload.endless:
        ends = sorted(model.layout.end_ids)
        head = model.core.model.get_output_embeddings()
        head.register_forward_hook(lambda _, __, logits: logits.index_fill(-1, _tensor(ends), float("-inf")))
    return model


def _table(fixed: list[Measured]) -> None:
    """Ratios by answer length, and why they grow."""
    if not fixed:
        return
    print("\nnew tokens | ours | one by one | sorted batches | lm-eval | limit, prompts/s")
    for found in fixed:
        ours = found.rate("ours")
        others = [found.rate(name) for name in ("one by one", "sorted batches", "lm-eval")]
        cells = " | ".join(f"{ours / rate:.1f}x" if rate else "–" for rate in others)
        print(f"{found.new_tokens:10.0f} | {ours:.1f}/s | {cells} | {found.limit:.0f}")
    print(
        "One by one, a new token costs a pass over all weights and every kernel's start, in a batch a share of both; a "
        "prompt's own tokens cost the same arithmetic either way, so short answers leave little to win."
    )


def measure(folder: Path, model: Any, workload: Workload, peaks: Peaks, args: argparse.Namespace) -> Measured:
    """One workload on every system, interleaved."""
    clock = _clock(args)
    ids = model.layout.prompt_ids([prompt.text for prompt in workload.prompts])
    systems: dict[str, Callable[[], int]] = {
        "one by one": lambda: _fixed(model, ids[: args.sample], workload, 1),
        "ours": lambda: _ours(model, workload),
        **{f"sorted batches of {size}": _bound(_fixed, model, ids, workload, size) for size in args.batches},
        **{name: _bound(run, workload) for name, run in _harness(folder, model, args)},
    }
    rates: dict[str, list[float]] = {name: [] for name in systems}
    new_tokens = _new_tokens(model, workload)
    for turn in range(args.rounds):
        order = list(systems)
        random.Random(turn).shuffle(order)
        for name in order:
            start = clock()
            count = systems[name]()
            rates[name].append(count / (clock() - start))
    lengths = sorted(map(len, ids))
    middle_length = lengths[len(ids) // 2]
    print(f"\n{workload.name}: {len(ids)} prompts of {lengths[0]} to {lengths[-1]} tokens, median {middle_length}")
    low, high = min(ids), max(ids)
    shared = next(at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b)
    limit = len(ids) / work_of(model.core.model).seconds(peaks, lengths, new_tokens, shared)
    best = statistics.median(rates["ours"])
    print(f"  {new_tokens:.1f} new tokens a prompt; limit {limit:.0f} prompts/s, ours reaches {best / limit:.0%} of it")
    for name, found in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        middle = statistics.median(found)
        print(f"  {name:24} {middle:8.1f} prompts/s   ours is {best / middle:5.2f} x   (rounds: {_list(found)})")
    return Measured(rates, new_tokens, limit)


def _new_tokens(model: Any, workload: Workload) -> float:
    """A prompt, on average; the warm-up of the model at the same time."""
    from baselines.models.contract import Decoding

    prompts = workload.prompts[:100]
    batches = model.generate(prompts, Decoding(max_new_tokens=workload.new_tokens))
    return sum(answer.completion_tokens or 0 for batch in batches for answer in batch) / len(prompts)


def _clock(args: argparse.Namespace) -> Callable[[], float]:
    return time.process_time if args.cpu_time else time.perf_counter


def _ours(model: Any, workload: Workload) -> int:
    from baselines.models.contract import Decoding

    decoding = Decoding(max_new_tokens=workload.new_tokens)
    return sum(len(batch) for batch in model.generate(workload.prompts, decoding))


def _fixed(model: Any, ids: list[list[int]], workload: Workload, size: int) -> int:
    """transformers' generate in length-sorted, left-padded batches."""
    import torch

    order = sorted(ids, key=lambda row: -len(row))
    with torch.inference_mode():
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            width = len(batch[0])
            model.core.model.generate(
                input_ids=torch.tensor([[0] * (width - len(row)) + row for row in batch]),
                attention_mask=torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in batch]),
                max_new_tokens=workload.new_tokens,
                do_sample=False,
                eos_token_id=sorted(model.layout.end_ids),
                pad_token_id=0,
            )
            model.core.files.tokenizer.batch_decode(batch)
    return len(ids)


def _harness(folder: Path, model: Any, args: argparse.Namespace) -> Iterator[tuple[str, Callable[[Workload], int]]]:
    """lm-evaluation-harness at several batch sizes; nothing where it is not installed."""
    try:
        instance = importlib.import_module("lm_eval.api.instance").Instance
        backend = importlib.import_module("lm_eval.models.huggingface").HFLM
    except ImportError:
        print("lm-evaluation-harness is not installed here: left out")
        return

    def run(workload: Workload, size: int) -> int:
        harness = backend(
            pretrained=model.core.model, tokenizer=model.core.files.tokenizer, batch_size=size, backend="causal"
        )
        texts = [model.layout.prompt_text(prompt.text) for prompt in workload.prompts]
        settings = {"until": [], "max_gen_toks": workload.new_tokens, "do_sample": False}
        requests = [
            instance("generate_until", {}, (text, dict(settings)), at, ("bench", at, 1))
            for at, text in enumerate(texts)
        ]
        return len(harness.generate_until(requests, disable_tqdm=True))

    for size in [size for size in args.batches if size >= 16]:
        yield f"lm-eval, batch {size}", _bound(run, size=size)


def _bound(function: Callable[..., int], *values: Any, **named: Any) -> Callable[..., int]:
    return lambda *more: function(*values, *more, **named)


def _widen_ends(model: Any, share: float) -> None:
    """Let more tokens end an answer, for every system alike."""
    from dataclasses import replace

    size = model.core.model.config.vocab_size
    extra = random.Random(0).sample(range(8, size), int(size * share))
    model.core.layout = replace(model.core.layout, end_ids=model.layout.end_ids | frozenset(extra))
    model.core.model.generation_config.eos_token_id = sorted(model.layout.end_ids)
    model.core.model.generation_config.pad_token_id = 0
    model.core.model.generation_config.max_new_tokens = None  # the harness says max_length


def _workloads(count: int) -> list[Workload]:
    from baselines.prompts import Prompt, render
    from reports.run.schema import Example, Question, Task

    chance = random.Random(0)
    read = Path(__file__).read_text(encoding="utf-8")
    words = sorted({word for word in re.findall(r"[a-z]+", read) if len(word) < 8})
    task = Task(
        type="classification", instruction="Name the intent of the message.", labels=("refund", "card", "other")
    )

    def text(low: int, high: int) -> str:
        return " ".join(chance.choices(words, k=chance.randint(low, high)))

    shots = [Example(id=str(i), input=text(5, 20), output=chance.choice(task.labels)) for i in range(8)]
    mixed = [render(task, Question(id=str(i), input=text(2, 60))) for i in range(count)]
    few = [render(task, Question(id=str(i), input=text(3, 20)), examples=shots) for i in range(count)]
    return [
        Workload("plain: answers as they end", mixed, 16, 0.0),
        Workload("varied answer lengths", [Prompt(p.text) for p in mixed], 128, 0.05),
        Workload("shared: 8 shots", few[: count // 2], 16, 0.0),
        *(Workload(f"fixed: {new} new tokens", mixed[: _of(count, new)], new, 0.0, endless=True) for new in FIXED),
    ]


def _of(count: int, new: int) -> int:
    """All prompts where answers are short; a quarter of them says as much of long ones."""
    return count if new <= 32 else count // 4


def _random_model(tokenizer: Path, folder: Path) -> Path:
    """Width 256, 6 layers: the bundled model's shape with random weights."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    print("the bundled model is not there: random weights of its shape")
    loaded = AutoTokenizer.from_pretrained(tokenizer)
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(loaded),
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=loaded.eos_token_id,
        pad_token_id=loaded.pad_token_id,
        bos_token_id=None,
        initializer_range=0.1,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    loaded.save_pretrained(folder)
    return folder


def _tensor(values: list[int]) -> Any:
    import torch

    return torch.tensor(values)


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)


if __name__ == "__main__":
    main()
