"""Measures real shapes on a GPU: training memory against the estimate, and throughput beside TRL and plain generate.

python -m tests.bench.gpu_models                   # Llama-3.2-1B and Qwen2.5-7B, random weights: shapes decide
python -m tests.bench.gpu_models --models Llama-3.2-1B --methods qlora
python -m tests.bench.gpu_models --tiny            # two layers on whatever is here: shows that every part runs

Each measurement in a process of its own, so that a peak is its own and the card is empty before it; the weights too are
made in one. Trainers: two epochs, of which the second is timed, by the same marks, without validation. Generation: the
ways take turns, three rounds, their median; an answer that is missing or failed ends the measurement.
Prints; asserts nothing else. Needs room for the weights on disk (15 GB for 7B). TRL is measured where it is installed,
or by the Python that BENCH_TRL names (`make gpu` installs it).
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import unittest.mock
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "advisor" / "demo" / "model"
MODELS = ("Llama-3.2-1B", "Qwen2.5-7B")
TASKS = ("ours", "trl", "generate")
ROUNDS = 3
NEW_TOKENS = 32
TINY = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 128,
    "vocab_size": 2048,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "tie_word_embeddings": True,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parent: one process a measurement. Child: `--one TASK`. Ends with 3 where there is no GPU and no --tiny."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--methods", nargs="+", default=("qlora", "lora"))
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    parser.add_argument("--examples", type=int, default=128)
    parser.add_argument("--length", type=int, default=512, help="longest example in tokens")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--name", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one:
        print(json.dumps(_one(args)))
        return 0
    if args.tiny:
        args.models, args.examples, args.length = ("tiny",), 12, 60
    elif not _has_gpu():
        print("There is no GPU here: nothing was measured.")
        return 3
    for name in args.models:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "model"
            print(f"\n{name}, {args.examples} examples of up to {args.length} tokens, batches of 16")
            made = _spawn("build", name, folder, args)
            if isinstance(made, str):
                print(f"its weights cannot be made: {made}")
                continue
            for task in args.tasks:
                for method in args.methods if task != "generate" else args.methods[:1]:
                    print(_line(task, method, _spawn(task, method, folder, args)))
    return 0


def random_model(folder: Path, name: str) -> Path:
    """A model of a published shape with random bf16 weights; float32 where there is no GPU."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    from finetune.architectures import architecture
    from finetune.loading import reclaim_memory

    gpu = torch.cuda.is_available()
    shape = TINY if name == "tiny" else architecture(name)[1]
    qwen = name.startswith("Qwen")
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    known = {**shape, "max_position_embeddings": 4096, **ends}
    config: Any = Qwen2Config(**known) if qwen else LlamaConfig(**known)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if gpu else torch.float32)
    torch.manual_seed(0)
    try:
        with torch.device("cuda" if gpu else "cpu"):
            model = Qwen2ForCausalLM(config) if qwen else LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder, max_shard_size="4GB")
    tokenizer.save_pretrained(folder)
    del model
    reclaim_memory("cuda" if gpu else "cpu")  # what is measured after it, also in this process, has the whole card
    return folder


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _spawn(task: str, method: str, folder: Path, args: argparse.Namespace) -> dict[str, float] | str:
    """What the process printed, or why it ended. `method` is the model's name where its weights are made."""
    python = os.environ.get("BENCH_TRL", sys.executable) if task == "trl" else sys.executable
    what = ["--name", method] if task == "build" else ["--methods", method]
    command = [python, "-m", "tests.bench.gpu_models", "--one", task, *what]
    command += ["--folder", str(folder), "--examples", str(args.examples), "--length", str(args.length)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=ROOT)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _line(task: str, method: str, found: dict[str, float] | str) -> str:
    """One measurement for a reader."""
    if isinstance(found, str):
        return f"{task} {method}: not measured ({found})"
    if task == "generate":
        each = [f"{name} {value:,.1f} answers/s" for name, value in found.items()]
        ratios = [f"{found['ours'] / value:.1f}x {name}" for name, value in found.items() if name != "ours"]
        return f"generate: {', '.join(each)}; ours is {', '.join(ratios)}"
    line = f"{task} {method}: {found['tokens_per_second']:,.0f} tokens/s, peak {found['peak'] / 1e9:.2f} GB"
    if "estimate" in found:
        line += f", estimated {found['estimate'] / 1e9:.2f} GB ({found['estimate'] / found['peak'] - 1:+.0%})"
    return line


def _one(args: argparse.Namespace) -> dict[str, float]:
    folder, method, examples, length = args.folder, args.methods[0], args.examples, args.length
    if args.one == "build":
        random_model(folder, args.name)
        return {}
    measure: dict[str, Callable[[], dict[str, float]]] = {
        "ours": lambda: train_ours(folder, method, examples, length),
        "trl": lambda: train_trl(folder, method, examples, length),
        "generate": lambda: generate(folder, examples, length),
    }
    return measure[args.one]()


class Stretch:
    """The second of two epochs: every example once, with all that is done only once behind it."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0
        self.tokens = 0
        """Of an epoch, prompts included."""

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / (self.ended - self.began)

    def callback(self) -> Any:
        """For transformers' Trainer, which both trainers are underneath."""
        import torch
        from transformers import TrainerCallback

        stretch = self

        def now() -> float:
            if torch.cuda.is_available():
                torch.cuda.synchronize()  # what was asked of the card is done
            return time.perf_counter()

        class Marks(TrainerCallback):  # type: ignore[misc]
            def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if state.global_step == state.max_steps // 2:
                    stretch.began = now()

            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if state.global_step == state.max_steps:
                    stretch.ended = now()

        return Marks()


def train_ours(folder: Path, method: str, examples: int, length: int) -> dict[str, float]:
    """Tokens a second, peak and estimated bytes, without the CUDA context that torch does not count."""
    from finetune.data import Pair
    from finetune.fit import beginning
    from finetune.loading import default_device, free_memory
    from finetune.model_files import open_model
    from finetune.recipe import Recipe
    from finetune.train import train
    from finetune.trainer import AnswerTrainer

    device = default_device()
    gpu = device.startswith("cuda")
    recipe = Recipe.from_options(method, {"epochs": 2, "evaluations": 1, "patience": 0})  # type: ignore[arg-type]
    pairs = [Pair(prompt, answer) for prompt, answer in texts(examples, length)]
    config, longest, stretch = open_model(str(folder)).config, length + 24, Stretch()
    overhead = 0.0 if gpu else 0.6e9
    begun = beginning(config, recipe, memory=free_memory(device), longest=longest, gpu=gpu, overhead=overhead)
    begin = AnswerTrainer.__init__

    def marked(self: Any, inner: Any, model: Any, prepared: Any, *rest: Any, **more: Any) -> None:
        begin(self, inner, model, prepared, *rest, **more)
        self.add_callback(stretch.callback())
        stretch.tokens = sum(len(sample.ids) for sample in prepared.train)

    with tempfile.TemporaryDirectory() as out, unittest.mock.patch.object(AnswerTrainer, "__init__", marked):
        record = train(pairs, str(folder), recipe, Path(out), device=device, devices=1, checkpoint_seconds=1e9)
    return {
        "tokens_per_second": stretch.tokens_per_second,
        "peak": float(record.peak_memory_bytes or 0),
        "estimate": begun.estimate.total,
    }


def train_trl(folder: Path, method: str, examples: int, length: int) -> dict[str, float]:
    """TRL's SFTTrainer as it comes, LoRA rank 16 on all linear layers, NF4 for qlora."""
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    datasets, trl = importlib.import_module("datasets"), importlib.import_module("trl")
    gpu = torch.cuda.is_available()
    quantised = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if gpu else torch.float32,
    )
    rows = [
        {"prompt": [{"role": "user", "content": p}], "completion": [{"role": "assistant", "content": a}]}
        for p, a in texts(examples, length)
    ]
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.bfloat16 if gpu else torch.float32,
        device_map={"": "cuda:0" if gpu else "cpu"},
        **({"quantization_config": quantised} if method == "qlora" else {}),
    )
    stretch = Stretch()
    with tempfile.TemporaryDirectory() as out:
        arguments = trl.SFTConfig(
            output_dir=out,
            per_device_train_batch_size=16,
            num_train_epochs=2,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            use_cpu=not gpu,
            disable_tqdm=True,
        )
        adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        trainer = trl.SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=datasets.Dataset.from_list(rows),
            peft_config=adapter,
            callbacks=[stretch.callback()],
        )
        stretch.tokens = sum(len(row["input_ids"]) for row in trainer.train_dataset)
        trainer.train()
    peak = torch.cuda.max_memory_allocated() if gpu else _resident()
    return {"tokens_per_second": stretch.tokens_per_second, "peak": float(peak)}


Way = Callable[[Sequence[list[int]]], int]
"""Answers prompts given as ids; returns how many answers there are. Raises where one failed."""


def generate(folder: Path, examples: int, length: int) -> dict[str, float]:
    """Answers a second, 32 new tokens each: our engine, plain generate one by one and in padded batches of 32.

    On a GPU also transformers' continuous batching. The same ids and the same ends for all.
    """
    import torch

    from baselines.models.local import load
    from reports.run.schema import ModelSpec

    model: Any = load(ModelSpec(id=str(folder)))
    prompts = model.layout.prompt_ids([prompt for prompt, _ in texts(examples, length)])
    few = prompts[: max(4, examples // 16)]
    ways: dict[str, tuple[Way, Sequence[list[int]]]] = {
        "ours": (lambda some: _ours(model, some), prompts),
        "one by one": (lambda some: _plain(model, some, 1), few),
        "batches of 32": (lambda some: _plain(model, some, 32), prompts),
    }
    if torch.cuda.is_available():
        ways["continuous batching"] = (lambda some: _continuous(model, some), prompts)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (way, some) in ways.items():
            way(some if name == "continuous batching" else some[:4])  # its manager is laid out for its first prompts
            started = time.perf_counter()
            answered = way(some)
            rates[name].append(answered / (time.perf_counter() - started))
            if answered != len(some):
                raise RuntimeError(f"{name}: {answered} of {len(some)} prompts were answered")
            _empty(model)
    return {name: statistics.median(each) for name, each in rates.items()}


def _ours(model: Any, some: Sequence[list[int]]) -> int:
    from baselines.models.generation import Job, Stopping

    stopping = Stopping(model.layout.end_ids, NEW_TOKENS)
    jobs = [Job(at, ids) for at, ids in enumerate(some)]
    return sum(done.reason != "memory" for batch in model.core.engine.run(jobs, stopping) for done in batch)


def _plain(model: Any, some: Sequence[list[int]], rows: int) -> int:
    import torch

    answered = 0
    for at in range(0, len(some), rows):
        batch = some[at : at + rows]
        width = max(map(len, batch))
        padded = [[0] * (width - len(ids)) + ids for ids in batch]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in batch]
        with torch.inference_mode():
            output = model.core.model.generate(
                input_ids=torch.tensor(padded, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                max_new_tokens=NEW_TOKENS,
                do_sample=False,
                eos_token_id=sorted(model.layout.end_ids),
                pad_token_id=0,
            )
        answered += len(output)
    return answered


def _continuous(model: Any, some: Sequence[list[int]]) -> int:
    """It swallows what goes wrong and returns what it has: what failed is not counted."""
    import transformers

    ends = sorted(model.layout.end_ids)
    outputs = model.core.model.generate_batch(
        inputs=list(some),
        generation_config=transformers.GenerationConfig(
            max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=ends, pad_token_id=0
        ),
        persistent_manager=True,  # its graphs are captured in the call before the one that is timed
    )
    return sum(output.error is None and bool(output.generated_tokens) for output in outputs.values())


def _empty(model: Any) -> None:
    """What a way keeps of the card must not be missing to the next one."""
    from finetune.loading import reclaim_memory

    model.core.model.destroy_cached_continuous_batching_manager()
    reclaim_memory(model.device)


def texts(count: int, length: int) -> list[tuple[str, str]]:
    """Prompts and answers of a quarter of `length` to `length` tokens together, the first one the longest."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    chance = random.Random(0)
    words = ["order", "house", "river", "number", "letter", "garden", "window", "table", "paper", "stone"]
    size = {word: len(tokenizer.encode(f" {word}").ids) for word in words}

    def text(tokens: float) -> str:
        chosen: list[str] = []
        while tokens > 0:
            chosen.append(chance.choice(words))
            tokens -= size[chosen[-1]]
        return " ".join(chosen)

    lengths = [length, *(chance.uniform(length / 4, length) for _ in range(count - 1))]
    return [(text(0.7 * n), text(0.3 * n)) for n in lengths]


def _resident() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
