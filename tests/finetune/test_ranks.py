"""Training in several processes: the same result as in one, resumed after a kill; and what becomes of failures."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from finetune import ranks
from finetune.batches import share_of, step_loader
from finetune.data import Pair, Sample
from finetune.recipe import Recipe
from finetune.train import Job
from reports.errors import EnvironmentFault, UsageError
from tests.finetune.resuming import reached
from tests.finetune.test_train import Stop, run

QUICKLY = {"epochs": 1}
JOB = Job((Pair("a", "b"),), "base", Recipe(), Path("out"))
LISTENS = "import os, sys\nsys.stdin.readline()\n"
WAITS = "while os.read(0, 4096):\n    pass\nopen({!r}, 'w').close()\n"


def as_children(monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    """The processes run these scripts instead: a rank is cheap then, and fails as asked."""
    started = ranks.command
    monkeypatch.setattr(ranks, "command", lambda rank: [started(rank)[0], "-c", scripts[rank]])


@pytest.mark.slow
def test_two_processes_train_what_one_does_though_they_are_killed_on_the_way(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    def stop(point: Any, *_: object) -> None:
        if point.step == 8:
            raise Stop

    alone = run(tiny_model, tmp_path / "alone", options=QUICKLY)
    with pytest.raises(Stop):  # which kills both
        run(tiny_model, tmp_path / "two", options=QUICKLY, devices=2, checkpoint_seconds=0.0, on_step=stop)
    step = reached(tmp_path / "two")
    assert step >= 6
    seen: list[int] = []
    two = run(tiny_model, tmp_path / "two", options=QUICKLY, devices=2, on_step=lambda p, *_: seen.append(p.step))
    assert seen == list(range(step + 1, alone.steps + 1))
    assert [p.step for p in two.history] == [p.step for p in alone.history]
    assert [p.loss for p in two.history] == pytest.approx([p.loss for p in alone.history], rel=1e-4)
    assert two.best_validation_loss == pytest.approx(alone.best_validation_loss, rel=1e-4)
    assert two.trained_tokens == alone.trained_tokens
    one, other = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("alone", "two"))
    assert all(torch.allclose(one[name], other[name], atol=1e-4) for name in one)


def test_what_a_process_says_is_wrong_is_raised_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where another one, which lost its partner, ended before."""
    word = '{"error": "no such layer", "kind": "UsageError", "hint": "use all-linear"}'
    says = f"{LISTENS}import time\ntime.sleep(0.2)\nprint('{word}', flush=True)\n{WAITS.format(str(tmp_path / 'gone'))}"
    as_children(monkeypatch, f"{LISTENS}sys.exit(1)", says)
    with pytest.raises(UsageError, match="no such layer") as caught:
        ranks.train_in_ranks(JOB, 2, lambda *_: None, lambda _: None)
    assert caught.value.hint == "use all-linear"


def test_a_process_that_dies_without_a_word_ends_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ranks, "LAST_WORDS", 0.1)
    (tmp_path / "pids").mkdir()
    tells = f"import os\nopen({str(tmp_path / 'pids')!r} + f'/{{os.getpid()}}', 'w').close()\n"
    as_children(monkeypatch, f"{tells}{LISTENS}os.kill(os.getpid(), 9)", f"{tells}{LISTENS}{WAITS.format('/dev/null')}")
    with pytest.raises(EnvironmentFault, match=r"Process 1 of the 2 .* ended \(-9\)"):
        ranks.train_in_ranks(JOB, 2, lambda *_: None, lambda _: None)
    assert not [path for path in (tmp_path / "pids").iterdir() if Path(f"/proc/{path.name}").exists()]


def test_the_processes_end_when_whoever_started_them_is_killed(tmp_path: Path) -> None:
    """Their standard input closes: `rank` ends at once then, whatever it computes."""
    root = str(Path(__file__).parents[2])
    busy = "import os, threading, time\nfrom finetune import rank\n"
    busy += "threading.Thread(target=rank._end_with_parent, daemon=True).start()\n"
    busy += f"open({str(tmp_path / 'up')!r}, 'w').write(str(os.getpid()))\nwhile True:\n    time.sleep(0.01)\n"
    parent = "import subprocess, sys, time\n"
    parent += (
        f"subprocess.Popen([sys.executable, '-c', {busy!r}], stdin=subprocess.PIPE, cwd={root!r})\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent]) as killed:
        deadline = time.monotonic() + 60
        while not (tmp_path / "up").is_file() or not (tmp_path / "up").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        killed.kill()
    child = Path(f"/proc/{(tmp_path / 'up').read_text()}/stat")
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.02)


def test_the_shares_of_the_processes_are_the_whole_step_and_alike_in_length() -> None:
    samples = [Sample(tuple(range(length)), 1) for length in (9, 3, 8, 4, 7, 5, 6)]
    shares = [share_of(samples, process, 3) for process in range(3)]
    assert sorted(len(s.ids) for share in shares for s in share) == [3, 4, 5, 6, 7, 8, 9]
    assert [sum(len(s.ids) for s in share) for share in shares] == [9 + 6 + 3, 8 + 5, 7 + 4]
    assert share_of(samples, 0, 1) == samples
    assert share_of(samples[:1], 2, 3) == []


def test_a_loader_that_skips_steps_keeps_the_order_of_its_epoch() -> None:
    """As Trainer resumes: in the middle of an epoch, by accelerate's own skipping."""
    from accelerate import skip_first_batches

    samples = [Sample(tuple(range(2 + at % 7)), 1) for at in range(40)]
    loader = step_loader(samples, Recipe(batch=8))
    loader.set_epoch(1)
    whole = list(loader)
    later = skip_first_batches(step_loader(samples, Recipe(batch=8)), 3)
    later.batch_sampler.batch_sampler.set_epoch(1)  # the way that Trainer finds
    assert list(later) == whole[3:]
    assert whole != list(step_loader(samples, Recipe(batch=8)))


@pytest.mark.parametrize(("devices", "device", "expected"), [(None, "cpu", 1), (3, "cpu", 3), (1, "cpu", 1)])
def test_a_cpu_trains_in_one_process_unless_asked(devices: int | None, device: str, expected: int) -> None:
    assert ranks.count_of(devices, device) == expected


def test_every_gpu_is_used_and_no_more_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert ranks.count_of(None, "cuda:0") == 4
    assert ranks.count_of(2, None) == 2
    assert ranks.count_of(2, "cpu") == 2
    assert ranks.count_of(5, "cuda:0") == 4
