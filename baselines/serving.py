"""Measures one form of a model in a process of its own: seconds of single answers and the highest memory it took.

    measure(ServingJob(model=spec, folder="model", adapter=None, prompts=[…]))      # starts the process, waits
    echo '{…}' | python -m baselines.serving                                        # the process

A process of its own, because the peak memory of one form must not hide behind that of another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from finetune.chat import Message
from reports.errors import EnvironmentFault
from reports.run.schema import ModelSpec, Record


class ServingJob(Record):
    """What the process is told."""

    model: ModelSpec
    folder: str
    adapter: str | None = None
    prompts: tuple[str, ...]
    messages: tuple[tuple[Message, ...], ...] = ()
    """Of each prompt, where they are conversations; empty for one that is not."""
    max_new_tokens: int


class ServingFigures(Record):
    """What it measured."""

    seconds: tuple[float, ...]
    peak_bytes: int | None
    threads: int
    texts: tuple[str, ...]


def measure(job: ServingJob) -> ServingFigures:
    """Runs the job. Raises EnvironmentFault where its process failed, with the last thing it said."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "baselines.serving"],
        input=job.model_dump_json().encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise EnvironmentFault(f"Serving {job.model.id} could not be measured: {said[0]}", "Export without --measure.")
    return ServingFigures.model_validate_json(done.stdout)


def answer(job: ServingJob) -> ServingFigures:
    """Answers the prompts one at a time after a warm-up, in this process."""
    from baselines.models import local
    from baselines.models.contract import Decoding
    from baselines.prompts import Prompt

    model = local.load(job.model, model_path=Path(job.folder))
    if job.adapter:
        model = model.with_adapter(Path(job.adapter))
    decoding = Decoding(max_new_tokens=job.max_new_tokens)
    turns = job.messages or ((),) * len(job.prompts)
    prompts = [Prompt(text, messages=own) for text, own in zip(job.prompts, turns, strict=True)]
    model.generate_one(prompts[0], decoding)
    found = [model.generate_one(prompt, decoding) for prompt in prompts]
    return ServingFigures(
        seconds=tuple(one.seconds or 0.0 for one in found),
        peak_bytes=_peak_bytes(model.device),
        threads=_threads(),
        texts=tuple(one.text for one in found),
    )


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _peak_bytes(device: str) -> int | None:
    """Of the GPU, or of this process on a CPU (where the platform says)."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    # Not getrusage: its peak is inherited from the process that started this one.
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


def main() -> int:
    """Entry point of the process: libraries that print reach stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    figures = answer(ServingJob.model_validate(json.load(sys.stdin)))
    out.write(figures.model_dump_json())
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
