"""Measures real shapes on a GPU: training memory against the estimate, and throughput beside TRL and plain generate.

python -m tests.bench.gpu_models                   # Llama-3.2-1B and Qwen2.5-7B, random weights: shapes decide
python -m tests.bench.gpu_models --models Llama-3.2-1B --methods qlora
python -m tests.bench.gpu_models --tiny            # two layers on whatever is here: shows that every part runs

Each measurement in a process of its own, so that a peak is its own. Prints; asserts nothing. Needs room for the
weights on disk (15 GB for 7B). TRL is measured where it is installed, or by the Python that BENCH_TRL names.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOKENIZER = ROOT / "advisor" / "demo" / "model"
MODELS = ("Llama-3.2-1B", "Qwen2.5-7B")
TASKS = ("ours", "trl", "generate")
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
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one:
        print(json.dumps(_one(args.one, args.methods[0], args.folder, args.examples, args.length)))
        return 0
    if args.tiny:
        args.models, args.examples, args.length = ("tiny",), 12, 60
    elif not _has_gpu():
        print("There is no GPU here: nothing was measured.")
        return 3
    for name in args.models:
        with tempfile.TemporaryDirectory() as place:
            folder = random_model(Path(place) / "model", name)
            print(f"\n{name}, {args.examples} examples of up to {args.length} tokens, batches of 16")
            for task in args.tasks:
                for method in args.methods if task != "generate" else args.methods[:1]:
                    print(_line(task, method, _spawn(task, method, folder, args)))
    return 0


def random_model(folder: Path, name: str) -> Path:
    """A model of a published shape with random bf16 weights; float32 where there is no GPU."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    from finetune.architectures import architecture

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
    return folder


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _spawn(task: str, method: str, folder: Path, args: argparse.Namespace) -> dict[str, float] | str:
    python = os.environ.get("BENCH_TRL", sys.executable) if task == "trl" else sys.executable
    command = [python, "-m", "tests.bench.gpu_models", "--one", task, "--methods", method]
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
        return "generate: " + ", ".join(f"{name} {value:,.1f} answers/s" for name, value in found.items())
    line = f"{task} {method}: {found['tokens_per_second']:,.0f} tokens/s, peak {found['peak'] / 1e9:.2f} GB"
    if "estimate" in found:
        line += f", estimated {found['estimate'] / 1e9:.2f} GB ({found['estimate'] / found['peak'] - 1:+.0%})"
    return line


def _one(task: str, method: str, folder: Path, examples: int, length: int) -> dict[str, float]:
    measure: dict[str, Callable[[], dict[str, float]]] = {
        "ours": lambda: train_ours(folder, method, examples, length),
        "trl": lambda: train_trl(folder, method, examples, length),
        "generate": lambda: generate(folder, examples, length),
    }
    return measure[task]()


def train_ours(folder: Path, method: str, examples: int, length: int) -> dict[str, float]:
    """Tokens a second (median step), peak and estimated bytes, without the CUDA context that torch does not count."""
    from finetune.data import Pair
    from finetune.fit import beginning
    from finetune.loading import default_device, free_memory
    from finetune.model_files import open_model
    from finetune.recipe import Recipe
    from finetune.train import train

    device = default_device()
    gpu = device.startswith("cuda")
    recipe = Recipe.from_options(method, {"epochs": 1, "evaluations": 1, "patience": 0})  # type: ignore[arg-type]
    pairs = [Pair(prompt, answer) for prompt, answer in texts(examples, length)]
    rates: list[float] = []
    begun = beginning(
        open_model(str(folder)).config,
        recipe,
        memory=free_memory(device),
        longest=length + 24,
        gpu=gpu,
        overhead=0.0 if gpu else 0.6e9,
    )
    with tempfile.TemporaryDirectory() as out:
        record = train(
            pairs,
            str(folder),
            recipe,
            Path(out),
            device=device,
            on_step=lambda point, *_: rates.append(point.tokens_per_second or 0.0),
        )
    return {
        "tokens_per_second": statistics.median(rates[1:]),
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
    with tempfile.TemporaryDirectory() as out:
        arguments = trl.SFTConfig(
            output_dir=out,
            per_device_train_batch_size=16,
            num_train_epochs=1,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            use_cpu=not gpu,
            disable_tqdm=True,
        )
        adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        data = datasets.Dataset.from_list(rows)
        trainer = trl.SFTTrainer(model=model, args=arguments, train_dataset=data, peft_config=adapter)
        tokens = sum(len(row["input_ids"]) for row in trainer.train_dataset)
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_allocated() if gpu else _resident()
    return {"tokens_per_second": tokens / seconds, "peak": float(peak)}


def generate(folder: Path, examples: int, length: int) -> dict[str, float]:
    """Answers a second, 32 new tokens each: our engine, plain generate one by one and in padded batches of 32.

    On a GPU also transformers' continuous batching.
    """
    import torch
    import transformers

    from baselines.models.contract import Decoding
    from baselines.models.local import load
    from baselines.prompts import Prompt
    from reports.run.schema import ModelSpec

    prompts = [prompt for prompt, _ in texts(examples, length)]
    model: Any = load(ModelSpec(id=str(folder)))
    inner, tokenizer = model.core.model, model.core.files.tokenizer

    def ours(some: list[str]) -> None:
        for _ in model.generate([Prompt(text) for text in some], Decoding(max_new_tokens=32)):
            pass

    def plain(some: list[str], rows: int) -> None:
        tokenizer.padding_side = "left"
        for at in range(0, len(some), rows):
            batch = tokenizer(some[at : at + rows], return_tensors="pt", padding=True).to(inner.device)
            with torch.inference_mode():
                inner.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    max_new_tokens=32,
                    do_sample=False,
                    pad_token_id=tokenizer.pad_token_id,
                )

    def continuous(some: list[str]) -> None:
        settings = transformers.GenerationConfig(
            max_new_tokens=32,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        inner.generate_batch(inputs=tokenizer(some)["input_ids"], generation_config=settings)

    few = prompts[: max(4, examples // 16)]
    ways: dict[str, tuple[Callable[[list[str]], None], list[str]]] = {
        "ours": (ours, prompts),
        "one by one": (lambda some: plain(some, 1), few),
        "batches of 32": (lambda some: plain(some, 32), prompts),
    }
    if torch.cuda.is_available():
        ways["continuous batching"] = (continuous, prompts)
    found = {}
    for name, (run, some) in ways.items():
        run(some[:4])
        started = time.perf_counter()
        run(some)
        found[name] = len(some) / (time.perf_counter() - started)
    return found


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
