"""What it takes to serve each form of a trained approach: latency and memory, each in a process of its own.

    rows = [*measure_adapter(source), measure_merged(source, folder)]; store(source, rows)

The rows go into the run (serving.jsonl), from where every report shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from advisor import export_checks
from advisor.export_source import Source
from baselines.serving import ServingJob, measure
from finetune.export.folder import Check
from finetune.model_files import weight_files
from reports.run.schema import ModelSpec
from reports.run.serving import SERVING, ServingRow
from reports.run.store import RunStore

if TYPE_CHECKING:
    from advisor.export_llama import LlamaRun

REQUESTS = 30


def measure_adapter(source: Source) -> list[ServingRow]:
    """The base model alone, and the adapter beside it (none for a full training)."""
    rows = [_measured(source, "base", source.model_spec, source.base_folder, None)]
    if source.method != "full":
        rows.append(_measured(source, "adapter", source.model_spec, source.base_folder, source.trained_folder))
    return rows


def measure_merged(source: Source, folder: Path) -> ServingRow:
    """The merged weights in `folder`."""
    precision = source.base.precision
    plain = precision if precision in ("float32", "bfloat16", "float16") else "bfloat16"
    spec = source.model_spec.model_copy(update={"revision": None, "precision": plain})
    return _measured(source, "merged", spec, folder, None)


def gguf_row(source: Source, name: str, file: Path, run: LlamaRun, equal: Check) -> ServingRow:
    """What llama.cpp made of one file: quality on every case, latency and memory."""
    found = export_checks.quality(source, f"gguf {name}", run.texts)
    return ServingRow(
        approach=source.name,
        form=f"gguf {name}",
        engine=f"llama.cpp, binding {run.version}",
        file_bytes=file.stat().st_size,
        peak_bytes=run.peak_bytes,
        seconds=run.seconds,
        threads=run.threads,
        metric=source.store.header.spec.metrics[0],
        quality=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        equal=equal.equal,
        of=equal.of,
    )


def store(source: Source, rows: Sequence[ServingRow]) -> None:
    """Keeps the measured rows in the run. Raises UsageError where another process is writing it."""
    measured = [row for row in rows if row.seconds]
    if not measured:
        return
    with RunStore.open(source.store.folder, write=True) as opened:
        for row in measured:
            opened.append(SERVING, row)


def _measured(source: Source, form: str, spec: ModelSpec, folder: Path, adapter: Path | None) -> ServingRow:
    cases = source.cases[:REQUESTS]
    prompts = export_checks.prompts_of(source, cases)
    job = ServingJob(
        model=spec,
        folder=str(folder),
        adapter=str(adapter) if adapter else None,
        prompts=tuple(prompt.text for prompt in prompts),
        messages=tuple(prompt.messages for prompt in prompts),
        max_new_tokens=source.store.header.spec.max_answer_tokens,
    )
    figures = measure(job)
    size = sum(path.stat().st_size for path in weight_files(folder))
    if adapter:
        size += sum(path.stat().st_size for path in adapter.glob("*.safetensors"))
    return ServingRow(
        approach=source.name,
        form=form,
        engine="transformers",
        file_bytes=size,
        peak_bytes=figures.peak_bytes,
        seconds=figures.seconds,
        threads=figures.threads,
        metric=source.store.header.spec.metrics[0],
        **_quality(source, form, dict(zip((c.question.id for c in cases), figures.texts, strict=True))),
    )


def _quality(source: Source, form: str, texts: dict[str, str]) -> dict[str, float | int | None]:
    """On all cases where the run measured it (the adapter), else on the cases answered here."""
    run = source.summary.approach(source.name).quality
    found = run if form == "adapter" else export_checks.quality(source, form, texts)
    return {"quality": found.value, "low": found.low, "high": found.high, "n": found.n}
