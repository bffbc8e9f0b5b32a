"""Measures training against transformers' Trainer, TRL's SFTTrainer and LLaMA-Factory where installed. Prints ratios.

python tests/bench/training.py                    # about 7 minutes on two quiet cores
python tests/bench/training.py --rounds 1 --cpu-time
python tests/bench/training.py --trl PEERS/bin/python --llamafactory LF/bin/python    # peers in environments of theirs
python tests/bench/training.py --tiny             # seconds: shows that every part runs, measures nothing

LoRA rank 16 on all linear layers, float32, 400 examples of 20 to 120 tokens, batches of 8, one epoch, completion-only
loss; each system in a process of its own, rounds interleaved. "first step" counts from the start of the process.
Validation and saving are counted for none: time runs to the last step but one, and is scaled to all of them. All are
transformers' Trainer underneath, and one and the same callback marks the begin and the steps of each.
Random weights of the bundled model's shape. Prints; asserts nothing.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "advisor" / "demo" / "model"
EXAMPLES = 400
BATCH = 8
SYSTEMS = ("ours", "ours, qlora", "trainer", "trl", "llamafactory")
PROMISED = {"trl": 2.5, "llamafactory": 2.2, "trainer": 1.7}
"""Times that ours is to be faster, in training alone."""
SHAPE = {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 6, "num_attention_heads": 4}
TINY = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 2}


def main() -> None:
    """Parent: spawns one process a system and round, prints the table. Child: `--one NAME` trains and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true", help="process time instead of wall time (busy machine)")
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=SYSTEMS)
    for peer in ("trl", "llamafactory"):
        default = os.environ.get(f"BENCH_{peer.upper()}", sys.executable)
        parser.add_argument(f"--{peer}", default=default, metavar="PYTHON", help=f"the Python that has {peer}")
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--tiny", action="store_true", help="one round of 24 examples on a model of one layer")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.tiny:
        args.rounds, args.examples = 1, 24
    if args.one:
        _child(args)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = _random_model(Path(place) / "model", TINY if args.tiny else SHAPE)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in args.systems}
        for turn in range(args.rounds):
            for name in random.Random(turn).sample(list(found), len(found)):
                result = _spawn(name, folder, args)
                if result is not None:
                    found[name].append(result)
    _print(found)


def _print(found: dict[str, list[dict[str, float]]]) -> None:
    if not found.get("ours"):
        print("ours did not run: no ratio can be given")
        return
    ours = statistics.median(row["train"] for row in found["ours"])
    print(f"{'system':14} {'train s':>8} {'against ours':>13} {'promised':>9} {'first step s':>13} {'mean loss':>11}")
    for name, rows in found.items():
        if not rows:
            print(f"{name:14} did not run here: left out")
            continue
        train = statistics.median(row["train"] for row in rows)
        first = statistics.median(row["first_step"] for row in rows)
        promised = f"{PROMISED[name]:.1f}x" if name in PROMISED else "-"
        ratio, loss = train / ours, rows[-1]["loss"]
        print(f"{name:14} {train:8.1f} {ratio:12.2f}x {promised:>9} {first:13.1f} {loss:11.3f}")


def _spawn(name: str, folder: Path, args: argparse.Namespace) -> dict[str, float] | None:
    python = getattr(args, name, sys.executable)
    command = [python, __file__, "--one", name, "--model", str(folder), "--threads", str(args.threads)]
    command += ["--examples", str(args.examples)]
    command += ["--cpu-time"] if args.cpu_time else []
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(args.threads), "PYTHONPATH": str(ROOT)}
    environment["BENCH_STARTED"] = repr(time.time())
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        print(f"{name}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


class Clock:
    """Marks the first step and the end."""

    def __init__(self, cpu_time: bool) -> None:
        started = float(os.environ["BENCH_STARTED"])
        self.now: Callable[[], float] = time.process_time if cpu_time else lambda: time.time() - started
        self.began = 0.0
        self.steps: list[float] = []

    def step(self) -> None:
        self.steps.append(self.now())

    @property
    def train(self) -> float:
        """Of all steps, by all but the last: ours validates after that one, the others do not."""
        return (self.steps[-2] - self.began) * len(self.steps) / (len(self.steps) - 1)


def _child(args: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(args.threads)
    clock = Clock(args.cpu_time)
    systems: dict[str, Callable[[Path, Clock, str], float]] = {
        "ours": _ours,
        "ours, qlora": _ours,
        "trainer": _trainer,
        "trl": _trl,
        "llamafactory": _llamafactory,
    }
    global EXAMPLES  # noqa: PLW0603 - one process, one system
    EXAMPLES = args.examples
    loss = systems[args.one](args.model, clock, args.one)
    print(json.dumps({"train": clock.train, "first_step": clock.steps[0], "loss": loss}))


def _ours(folder: Path, clock: Clock, name: str) -> float:
    from finetune.data import Pair
    from finetune.recipe import Recipe
    from finetune.train import train

    method = "qlora" if "qlora" in name else "lora"
    recipe = Recipe.from_options(
        method,  # type: ignore[arg-type]
        {"batch": BATCH, "epochs": 1, "evaluations": 1, "eval_share": 1 / (EXAMPLES + 1), "patience": 0, "seed": 0},
    )
    losses: list[float] = []
    _mark_ours(clock)

    def on_step(point: Any, *_: Any) -> None:
        if point.step:
            losses.append(point.loss)

    with tempfile.TemporaryDirectory() as out:
        pairs = [Pair(prompt, answer) for prompt, answer in _examples(EXAMPLES + 1)]
        train(pairs, str(folder), recipe, Path(out), device="cpu", on_step=on_step)
    return statistics.mean(losses)


def _mark_ours(clock: Clock) -> None:
    """The marks of the other trainers on ours, which is a Trainer too; validating the untrained model is left out.

    Put on when ours loads its weights: it has imported what it imports then, in its own order.
    """
    train: Any = importlib.import_module("finetune.train")
    load = train.load_weights

    def loaded(*args: Any, **kwargs: Any) -> Any:
        from finetune.course import Course
        from finetune.trainer import AnswerTrainer

        begin, measure = AnswerTrainer.__init__, Course._measure_base

        def marked(self: Any, *args: Any, **kwargs: Any) -> None:
            begin(self, *args, **kwargs)
            self.add_callback(_callback(clock))

        def timed(self: Any) -> None:
            started = clock.now()
            measure(self)
            clock.began += clock.now() - started

        AnswerTrainer.__init__ = marked  # type: ignore[method-assign]
        Course._measure_base = timed  # type: ignore[method-assign]
        return load(*args, **kwargs)

    train.load_weights = loaded


def _trainer(folder: Path, clock: Clock, _: str) -> float:
    """transformers' Trainer: random batches, padded to the longest."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer

    from finetune.chat import layout_of

    tokenizer = AutoTokenizer.from_pretrained(folder)
    layout = layout_of(tokenizer)
    rows = []
    for prompt, answer in _examples(EXAMPLES):
        first, second = layout.pair_ids(prompt, answer)
        rows.append({"input_ids": first + second, "labels": [-100] * len(first) + second})
    from peft import get_peft_model

    model = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), _adapter())
    trainer = Trainer(
        model=model,
        args=_arguments("TrainingArguments"),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        callbacks=[_callback(clock)],
    )
    return float(trainer.train().training_loss)


def _trl(folder: Path, clock: Clock, _: str) -> float:
    """TRL's SFTTrainer as it comes: checkpointing and bf16 autocast on."""
    datasets, trl = importlib.import_module("datasets"), importlib.import_module("trl")
    rows = [
        {"prompt": [{"role": "user", "content": p}], "completion": [{"role": "assistant", "content": a}]}
        for p, a in _examples(EXAMPLES)
    ]
    trainer = trl.SFTTrainer(
        model=str(folder),
        args=_arguments("SFTConfig"),
        train_dataset=datasets.Dataset.from_list(rows),
        peft_config=_adapter(),
        callbacks=[_callback(clock)],
    )
    return float(trainer.train().training_loss)


def _llamafactory(folder: Path, clock: Clock, _: str) -> float:
    """LLaMA-Factory as it comes: checkpointing on, the tokenizer's own template."""
    tuner = importlib.import_module("llamafactory.train.tuner")
    place = Path(tempfile.mkdtemp())
    rows = [{"instruction": prompt, "input": "", "output": answer} for prompt, answer in _examples(EXAMPLES)]
    (place / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    (place / "dataset_info.json").write_text(json.dumps({"a": {"file_name": "a.json"}}), encoding="utf-8")
    marks = _callback(clock)
    settings = {
        "model_name_or_path": str(folder),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "dataset_dir": str(place),
        "dataset": "a",
        "cutoff_len": 512,
        "output_dir": str(place / "out"),
        "lora_rank": 16,
        "lora_alpha": 32,
        "lora_target": "all",
        "per_device_train_batch_size": BATCH,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": 1.0,
        "learning_rate": 2e-4,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 2,
        "logging_strategy": "no",
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "overwrite_cache": True,
    }
    tuner.run_exp(settings, [marks])
    return float(json.loads((place / "out" / "all_results.json").read_text(encoding="utf-8"))["train_loss"])


def _arguments(kind: str) -> Any:
    maker = getattr(importlib.import_module("trl" if kind == "SFTConfig" else "transformers"), kind)
    return maker(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=2e-4,
        lr_scheduler_type="cosine",
        warmup_steps=2,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
    )


def _adapter() -> Any:
    from peft import LoraConfig

    return LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")


def _callback(clock: Clock) -> Any:
    from transformers import TrainerCallback

    class Marks(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            clock.began = clock.now()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.step()

    return Marks()


def _examples(count: int) -> list[tuple[str, str]]:
    """Prompts and answers of 20 to 120 tokens together, median 44, two fifths of them in the answer."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    chance = random.Random(0)
    words = sorted({word for word in re.findall(r"[a-z]+", Path(__file__).read_text()) if len(word) < 8})
    sizes = {word: len(tokenizer.encode(f" {word}").ids) for word in words}

    def text(tokens: float) -> str:
        chosen: list[str] = []
        while tokens > 0:
            chosen.append(chance.choice(words))
            tokens -= sizes[chosen[-1]]
        return " ".join(chosen)

    pairs = []
    for _ in range(count):
        length = min(120.0, max(20.0, chance.lognormvariate(math.log(44), 0.5)))
        pairs.append((text(0.6 * length - 6), text(0.4 * length)))
    return pairs


def _random_model(folder: Path, sizes: dict[str, int]) -> Path:
    """Width 256, 6 layers unless tiny: near the bundled model's shape, random weights."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        num_key_value_heads=sizes["num_attention_heads"],
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        **sizes,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
