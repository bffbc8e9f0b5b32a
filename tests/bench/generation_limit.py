"""How fast generation can be on this machine: the arithmetic and the bytes that cannot be avoided, at measured peaks.

python -m tests.bench.generation_limit            # seconds: peaks, and the limit for the bundled model

Counted for each prompt token: all linear layers, but of the last layer keys and values alone, and causal attention. For
each new token: all linear layers, the head, and reading the keys and values of all tokens before it from memory. Not
counted: norms, rotations, activations, sampling, Python. So the limit says what a faster program could win at most.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

ROWS = 128
"""Answers that decode together."""


@dataclass(frozen=True)
class Peaks:
    """Of this machine, with the threads that torch was given."""

    flops: float
    """A second, float32 matrix products of 512 to 2,048 rows with the model's own weights."""
    step_flops: float
    """The same with ROWS rows: a decode step."""
    bytes: float
    """A second, read from memory."""


@dataclass(frozen=True)
class Work:
    """What one prompt token and one new token take."""

    prompt_flops: float
    new_flops: float
    attention_flops: float
    """A token and a token before it, over all layers."""
    cache_bytes: float
    """A token before it, over all layers."""

    def seconds(self, peaks: Peaks, lengths: Sequence[int], new_tokens: float, shared: int = 0) -> float:
        """Least time for prompts of these lengths, each answered with so many tokens, in full batches.

        `shared`: tokens that all begin with, computed once.
        """
        total = 0.0
        for length in lengths:
            prompt = (length - shared) * (self.prompt_flops + self.attention_flops * (length + shared) / 2)
            read = sum(length + at for at in range(int(new_tokens))) * self.cache_bytes
            total += prompt / peaks.flops + new_tokens * self.new_flops / peaks.step_flops + read / peaks.bytes
        return total


def work_of(model: Any) -> Work:
    """Of a transformers model in float32."""
    import torch

    head = model.get_output_embeddings()
    layers = model.config.num_hidden_layers
    all_linear = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear) and m is not head)
    width = model.config.num_key_value_heads * model.config.head_dim
    queries = model.config.num_attention_heads * model.config.head_dim
    kept = (layers - 1) * all_linear / layers + 2 * width * model.config.hidden_size
    return Work(
        prompt_flops=2 * kept,
        new_flops=2 * (all_linear + head.weight.numel()),
        attention_flops=4 * queries * layers,
        cache_bytes=2 * width * layers * 4,
    )


def peaks_of(model: Any, clock: Callable[[], float] = time.perf_counter) -> Peaks:
    """Measured now, the best of several tries."""
    import torch

    shapes = {(m.out_features, m.in_features) for m in model.modules() if isinstance(m, torch.nn.Linear)}
    large = torch.randn(64 * 1024 * 1024)

    def product(rows: int, shape: tuple[int, int]) -> float:
        left, right = torch.randn(rows, shape[1]), torch.randn(*shape)
        repeat = max(1, int(2e8 / (rows * right.numel())))
        seconds = _best(lambda: [torch.nn.functional.linear(left, right) for _ in range(repeat)], clock)
        return 2 * rows * right.numel() * repeat / seconds

    return Peaks(
        flops=max(product(rows, shape) for rows in (512, 1024, 2048) for shape in shapes),
        step_flops=max(product(ROWS, shape) for shape in shapes),
        bytes=large.numel() * 4 / _best(large.sum, clock),
    )


def _best(work: Callable[[], object], clock: Callable[[], float]) -> float:
    work()
    taken = []
    for _ in range(5):
        started = clock()
        work()
        taken.append(clock() - started)
    return min(taken)


def words(peaks: Peaks, work: Work) -> str:
    """Peaks and work in one line."""
    return (
        f"this machine: {peaks.flops / 1e9:.0f} GFLOP/s (steps of {ROWS} rows: {peaks.step_flops / 1e9:.0f}), "
        f"{peaks.bytes / 1e9:.0f} GB/s; a prompt token takes {work.prompt_flops / 1e6:.2f} MFLOP, a new one "
        f"{work.new_flops / 1e6:.2f} MFLOP and {work.cache_bytes / 1e3:.1f} kB for each token before it"
    )


def main() -> int:
    """Prints the limit for prompts of 100 tokens."""
    import torch

    from advisor.demo import model_folder
    from baselines.models.local import load
    from reports.run.schema import ModelSpec

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    if not (model_folder() / "model.safetensors").is_file():
        print("the bundled model is not here")
        return 3
    model = load(ModelSpec(id=str(model_folder())), device="cpu").core.model
    peaks, work = peaks_of(model), work_of(model)
    print(words(peaks, work))
    for new in (4, 16, 64, 128):
        print(f"prompts of 100 tokens, {new} new ones: at most {1 / work.seconds(peaks, [100], new):.0f} prompts/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
