"""A training that is killed with -9 and goes on, beside one that nobody touched: on any device.

    distance = killed_and_resumed(base, folder, "lora", "cpu")          # 0.0: the same weights, bit by bit

python -m tests.finetune.resuming BASE OUT METHOD DEVICE                # the child that is killed
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from finetune.data import Pair
from finetune.recipe import Method, Recipe
from reports.run.schema import TrainingRecord, TrainingStep

ROOT = Path(__file__).parents[2]
RATES: dict[Method, float] = {"lora": 3e-3, "qlora": 3e-3, "full": 1e-3}
LAST = 60
"""Of some 140 steps: a kill after it could come too late."""


def pairs(count: int = 96) -> list[Pair]:
    """Four categories that stand in the text."""
    words = ["refund", "card", "transfer", "balance"]
    return [
        Pair(f"Input: {'order ' * (i % 7)}{words[i % 4]}\n\nName the category of the input.", words[i % 4], f"row {i}")
        for i in range(count)
    ]


def learn(base: Path, out: Path, method: Method, device: str) -> TrainingRecord:
    """Twelve epochs, a checkpoint after every step."""
    import torch

    from finetune.train import train

    if device.startswith("cuda"):  # else two trainings of the same differ there
        torch.use_deterministic_algorithms(True, warn_only=True)
    dials = {"learning_rate": RATES[method], "epochs": 12, "batch": 8, "patience": 0}
    return train(
        pairs(), str(base), Recipe.from_options(method, dials), out, device=device, devices=1, checkpoint_seconds=0.0
    )


def killed_and_resumed(base: Path, folder: Path, method: Method, device: str) -> float:
    """Distance of the resumed training's weights from the untouched one's, relative to their size.

    Fails where the child ended before it could be killed, or the resumed training took other steps.
    """
    from finetune.train import result_folder

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA needs to repeat its sums
    whole = learn(base, folder / "whole", method, device)
    step = _killed(base, folder / "cut", method, device)
    resumed = learn(base, folder / "cut", method, device)
    for one, other in zip(_steps(resumed), _steps(whole), strict=True):
        assert (one.step, one.epoch, one.learning_rate) == (other.step, other.epoch, other.learning_rate), (
            f"killed at step {step}"
        )
    return _distance(*(result_folder(folder / name, method) for name in ("whole", "cut")))


def _killed(base: Path, out: Path, method: Method, device: str) -> int:
    """Starts the training and kills it at a step of chance; returns the step that it had kept."""
    command = [sys.executable, "-m", "tests.finetune.resuming", str(base), str(out), method, device]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    step, deadline = random.SystemRandom().randint(1, LAST), time.monotonic() + 200
    while reached(out) < step and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert reached(out), f"the training ended or failed before its first checkpoint (to be killed at step {step})"
    return reached(out)


def reached(out: Path) -> int:
    """Step of the newest checkpoint, 0 without one. Files come and go while it is asked."""
    return max((int(path.name.partition("-")[2]) for path in out.glob("checkpoints/checkpoint-*")), default=0)


def _steps(record: TrainingRecord) -> list[TrainingStep]:
    return [point for point in record.history if point.step]


def _distance(one: Path, other: Path) -> float:
    from safetensors.torch import load_file

    parts = [
        {k: v for file in sorted(f.glob("*.safetensors")) for k, v in load_file(file).items()} for f in (one, other)
    ]
    assert parts[0].keys() == parts[1].keys()
    apart = sum(float((parts[0][name].double() - parts[1][name].double()).square().sum()) for name in parts[0])
    size = sum(float(value.double().square().sum()) for value in parts[0].values())
    return float((apart / size) ** 0.5)


if __name__ == "__main__":
    learn(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])  # type: ignore[arg-type]
