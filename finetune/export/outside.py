"""The same recipe through a trainer that the user has installed: a second opinion on our own training.

    record = train_outside("llamafactory", pairs, base, recipe, out, Opinion(python=None), on_step=…, on_line=…)

Writes the exported configuration, runs the tool on it in a child process, reads its log lines as training steps, takes
its adapter over with a provenance of ours. Calling it again returns the stored record. A tool that is missing or that
fails is one EnvironmentFault; what it printed stands in engine/log.txt beside the adapter.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal, get_args

from finetune import adapter
from finetune.chat import layout_of
from finetune.data import Pair
from finetune.export import axolotl, llamafactory, tools, trl_script
from finetune.export.formats import Parts, split_pairs
from finetune.export.plan import OUTPUT, TrainerPlan, plan_for
from finetune.loading import Precision, default_device, resolve_precision
from finetune.model_files import ModelFiles, open_model
from finetune.recipe import Recipe
from finetune.train import RECORD, check_unquantised, result_folder, stored_record
from reports.errors import EnvironmentFault
from reports.run.schema import TrainingRecord, TrainingStep

Engine = Literal["trl", "llamafactory", "axolotl"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
VERSION = 2
"""Raised when the exported configurations change what is trained."""

FILES = {
    "llamafactory": llamafactory.CONFIGURATION,
    "axolotl": axolotl.CONFIGURATION,
    "trl": trl_script.SCRIPT,
}
WRITERS: dict[str, Callable[[TrainerPlan, Parts, Path], None]] = {
    "llamafactory": llamafactory.write_llamafactory,
    "axolotl": axolotl.write_axolotl,
    "trl": trl_script.write_trl,
}
_LOGGED = re.compile(r"\{'(?:loss|eval_loss|train_loss|train_runtime)'.*?\}")
_NOISE = re.compile(
    r"^$|(?:it/s|s/it|examples/s)\b|^\[?INFO|\[INFO\]|(?i:warn(?:ing)?)\b"
    r"|^[\"{}\]*#@]|^training example:|^Failed to load CPU gemm"  # configurations, rulers, a kernel that nobody needs
)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Setting:
    """What surrounds the training, as for our own."""

    name: str = ""
    """Of the base model, as the project gave it."""
    python: str | None = None
    """A Python that has the tool; None: looked for."""
    revision: str | None = None
    precision: Precision = "auto"
    chat_arguments: Mapping[str, Any] = field(default_factory=dict)
    context_length: int | None = None
    device: str | None = None


def train_outside(  # noqa: PLR0917 - as finetune.train.train
    engine: Engine,
    pairs: Sequence[Pair],
    base: str,
    recipe: Recipe,
    out: Path,
    setting: Setting,
    *,
    on_step: Callable[[TrainingStep, int, float | None], None] = lambda *_: None,
    on_line: Callable[[str], None] = lambda _: None,
) -> TrainingRecord:
    """Train through `engine` into `out`. Raises EnvironmentFault (not installed, failed), UsageError, DataError."""
    files = open_model(base, setting.revision)
    check_unquantised(files)
    layout = layout_of(files.tokenizer, setting.chat_arguments, files.end_ids)
    device = setting.device or default_device()
    bf16 = device.startswith("cuda") and resolve_precision("auto", device) == "bfloat16"
    parts = split_pairs(pairs, layout, recipe, setting.context_length or files.context_length)
    provenance = _provenance(engine, files, layout.hash, parts, recipe, setting, bf16)
    done = stored_record(out, recipe, provenance.fingerprint)
    if done is not None:
        return done
    tool = tools.find_tool(engine, setting.python)
    plan = plan_for(
        parts, recipe, base=str(files.folder.resolve()), layout=layout, device=device, revision=None, bf16=bf16
    )
    work = out / "engine"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    WRITERS[engine](plan, parts, work)
    watch = _Watch(plan, on_step)
    started = time.perf_counter()
    _run(tool, FILES[engine], work, watch, on_line)
    record = _record(engine, plan, parts, watch, time.perf_counter() - started)
    text = record.model_dump_json(indent=2) + "\n"
    found = _result(work / OUTPUT, recipe.method, engine)
    adapter.adopt(found, files, result_folder(out, recipe.method), provenance, {RECORD: text})
    (out / RECORD).write_text(text, encoding="utf-8")
    shutil.rmtree(work / OUTPUT, ignore_errors=True)
    return record


class _Watch:
    """The course of the training, read from the tool's log lines."""

    def __init__(self, plan: TrainerPlan, on_step: Callable[[TrainingStep, int, float | None], None]) -> None:
        self.plan = plan
        self.total = plan.steps_per_epoch * plan.recipe.epochs
        self.history: list[TrainingStep] = []
        self.last: list[str] = []
        self._on_step = on_step
        self._started = time.perf_counter()
        self._loss = math.nan

    def read(self, line: str) -> bool:
        """Takes a line in; true where it was a step."""
        found = _LOGGED.search(line)
        if not found:
            if said := _worth_telling(line):
                self.last = [*self.last, said][-12:]
            return False
        try:
            logged = {key: float(value) for key, value in ast.literal_eval(found[0]).items()}
        except (ValueError, SyntaxError, TypeError):
            return False
        if "epoch" not in logged or not {"loss", "eval_loss"} & set(logged):
            return False
        self._loss = logged.get("loss", self._loss)
        point = TrainingStep(
            step=round(logged["epoch"] * self.plan.steps_per_epoch),
            epoch=logged["epoch"],
            loss=self._loss if math.isfinite(self._loss) else logged.get("eval_loss", 0.0),
            validation_loss=logged.get("eval_loss"),
            learning_rate=logged.get("learning_rate"),
            grad_norm=logged.get("grad_norm"),
        )
        self.history.append(point)
        spent = time.perf_counter() - self._started
        left = spent / point.step * (self.total - point.step) if point.step else None
        self._on_step(point, self.total, left)
        return True


def _run(tool: tools.Tool, file: str, work: Path, watch: _Watch, on_line: Callable[[str], None]) -> None:
    command, environment = tools.start(tool, file)
    with (
        (work / "log.txt").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # One C call. Without it a killed worker would leave the training behind.
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        ) as child,
    ):
        assert child.stdout is not None
        for line in _lines(child.stdout):
            log.write(line + "\n")
            log.flush()
            if not watch.read(line) and (said := _worth_telling(line)):
                on_line(said)
        code = child.wait()
    if code:
        said = next((line for line in reversed(watch.last) if "rror" in line), watch.last[-1] if watch.last else "")
        raise EnvironmentFault(
            f"{tool.engine} ended with exit code {code}: {said[:300] or 'it said nothing'}",
            f"Its whole output is in {work / 'log.txt'}; the configuration stands beside it and can be run by hand.",
        )


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as progress bars write them: ended by a carriage return or a line feed."""
    held = b""
    while block := stream.read1(65536) if hasattr(stream, "read1") else stream.read(4096):
        *whole, held = re.split(rb"[\r\n]", held + block)
        yield from (line.decode("utf-8", "replace") for line in whole if line.strip())
    if held.strip():
        yield held.decode("utf-8", "replace")


def _worth_telling(line: str) -> str:
    """What a reader wants of a line; empty for progress bars and the small talk of libraries."""
    plain = _ESCAPES.sub("", line).strip()
    return "" if _NOISE.search(plain) else plain[:200]


def _end_with_parent() -> None:
    """Linux kills the tool when the worker dies (prctl 1: PR_SET_PDEATHSIG)."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _result(output: Path, method: str, engine: str) -> Path:
    wanted = "model*.safetensors" if method == "full" else adapter.ADAPTER_FILE
    if not any(output.glob(wanted)):
        raise EnvironmentFault(f"{engine} ended well but wrote no {wanted}.", f"Look into {output.parent / 'log.txt'}.")
    return output


def _provenance(  # noqa: PLR0917
    engine: str, files: ModelFiles, layout_hash: str, parts: Parts, recipe: Recipe, setting: Setting, bf16: bool
) -> adapter.Provenance:
    precision = {"qlora": "nf4", "full": "float32"}.get(recipe.method, "bfloat16" if bf16 else "float32")
    plain = adapter.Provenance(
        method=recipe.method,
        base=setting.name or files.name,
        base_revision=setting.revision,
        base_hash=files.hash,
        layout_hash=layout_hash,
        data_hash=parts.prepared.hash,
        recipe={**recipe.described(), "engine": engine},
        fingerprint="",
        precision=precision,
    )
    described = {key: value for key, value in asdict(plain).items() if key != "base"}
    digest = hashlib.sha256(json.dumps([VERSION, described], sort_keys=True, default=str).encode())
    return replace(plain, fingerprint=digest.hexdigest()[:16])


def _record(engine: str, plan: TrainerPlan, parts: Parts, watch: _Watch, seconds: float) -> TrainingRecord:
    recipe, validated = plan.recipe, [p for p in watch.history if p.validation_loss is not None]
    best = min(validated, key=lambda p: p.validation_loss or 0.0, default=None)
    last = watch.history[-1] if watch.history else None
    return TrainingRecord(
        method=recipe.method,
        examples=len(parts.train),
        validation_examples=len(parts.validation),
        trained_tokens=round(parts.prepared.trained_tokens * (last.epoch if last else 0)),
        steps=last.step if last else 0,
        epochs=last.epoch if last else 0.0,
        best_step=best.step if best else 0,
        best_validation_loss=best.validation_loss if best else None,
        stopped="all epochs" if last and last.step >= watch.total - 1 else f"{engine} stopped early",
        seconds=seconds,
        seed=recipe.seed,
        recipe={**recipe.described(), "engine": engine},
        prompt_hash=plan.layout.hash,
        history=tuple(watch.history),
        warnings=parts.prepared.warnings,
    )
