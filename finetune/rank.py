"""One of several processes that train together: a job as a JSON line on stdin, JSON lines on stdout.

    RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29501 python -m finetune.rank < job.json

Started by `ranks.py` alone. The first process says each step and warning and saves the result; the others speak only
to say an error. Nothing else reaches stdout, and when standard input closes, the process ends at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune.data import Pair
from finetune.recipe import Recipe
from reports.errors import AdvisorError
from reports.run.schema import TrainingStep


def main() -> int:
    """Entry point of the process. Exit code 0: done; an AdvisorError's own where it was told one."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**word: Any) -> None:
        out.write(json.dumps(word) + "\n")
        out.flush()

    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    try:
        _train(told, tell)
    except AdvisorError as error:
        tell(error=str(error), kind=type(error).__name__, hint=error.hint)
        return error.exit_code
    return 0


def _train(told: dict[str, Any], tell: Any) -> None:
    import torch

    from finetune.train import Job, plan_of, train_here

    first, local = os.environ["RANK"] == "0", os.environ["LOCAL_RANK"]
    pairs = tuple(Pair.read(pair) for pair in told.pop("pairs"))
    job = Job(**told | {"pairs": pairs, "recipe": Recipe(**told["recipe"]), "out": Path(told["out"])})
    if torch.cuda.is_available() and (job.device or "cuda").startswith("cuda"):
        job = replace(job, device=f"cuda:{local}")

    def on_step(point: TrainingStep, total: int, left: float | None) -> None:
        if first:
            tell(step=point.model_dump(mode="json"), total=total, left=left)

    def on_warning(text: str) -> None:
        if first:
            tell(warning=text)

    train_here(job, plan_of(job), on_step, on_warning)
    torch.distributed.destroy_process_group()


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
