"""Writes a trained approach as weights: adapter, merged safetensors, GGUF files, an Ollama model. One function each.

    record = merged(source, folder, base_check(source), measure=False)

Each fills a fresh folder, verifies what stands in it, writes the model card and export.json, and returns the record.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor import export_checks, export_llama, export_serving
from advisor.export_base import base_words, forget_paths
from advisor.export_card import model_card, quality_record
from advisor.export_source import Source
from finetune.export.folder import Check, ExportRecord, write_record
from reports.errors import EnvironmentFault, UsageError
from reports.run.serving import ServingRow

if TYPE_CHECKING:
    from baselines.models.local import LocalModel
    from finetune.export.gguf_file import Quantisation

EQUAL_GGUF = 0.95
"""Share of the compared cases that an F16 file must answer as the merged weights do."""
COMPARED = 100
NOT_LOADED = (
    "llama.cpp's Python binding is not installed, so tokenization, answers and quality of the GGUF files were not "
    "verified (pip install llama-cpp-python, or set ADVISOR_LLAMA_PYTHON to a Python that has it)."
)


def base_check(source: Source) -> Check:
    """That the base model is still there and the same. Raises DataError or UsageError where the export cannot be."""
    source.check_base()
    text = (
        f"The base model {base_words(source)} is there and has the weights that were trained "
        f"({source.base.core.files.hash})."
    )
    return Check("base model", True, text)


def adapter(source: Source, folder: Path, base: Check, *, measure: bool) -> ExportRecord:
    """The PEFT adapter as trained, with provenance. Raises UsageError for a full training, which has none."""
    if source.method == "full":
        raise UsageError(
            f"{source.name} trained all weights, so it has no adapter", "--to merged hands over the whole weights"
        )
    shutil.copytree(source.trained_folder, folder / "adapter")
    forget_paths(source, folder / "adapter")
    rows = export_serving.measure_adapter(source) if measure else []
    return _finish(source, "adapter", folder, [base], rows)


def merged(source: Source, folder: Path, base: Check, *, measure: bool) -> ExportRecord:
    """Whole weights in safetensors, in the precision that the run answered in."""
    model, checks = _merge(source, folder / "model")
    forget_paths(source, folder / "model")
    rows = _forms(source, folder / "model") if measure else []
    return _finish(source, "merged", folder, [base, *checks], rows, _caveats(source, model))


def gguf(
    source: Source, folder: Path, base: Check, quantisations: Sequence[Quantisation], *, measure: bool
) -> ExportRecord:
    """GGUF files, verified in llama.cpp where it is installed. The merged weights do not stay."""
    model, checks = _merge(source, folder / "merged")
    rows = _forms(source, folder / "merged") if measure else []
    caveats = _caveats(source, model)
    found, more = _write_files(source, folder, model, quantisations)
    shutil.rmtree(folder / "merged")
    if export_llama.llama_python() is None:
        caveats.append(NOT_LOADED)
    return _finish(source, "gguf", folder, [base, *checks, *more], [*rows, *found], caveats)


def ollama(source: Source, folder: Path, base: Check, quantisation: Quantisation) -> ExportRecord:
    """One GGUF file and a Modelfile."""
    from finetune.export.ollama import write_modelfile

    model, checks = _merge(source, folder / "merged")
    caveats = _caveats(source, model)
    found, more = _write_files(source, folder, model, [quantisation])
    shutil.rmtree(folder / "merged")
    write_modelfile(
        folder / "Modelfile",
        f"model-{quantisation}.gguf",
        source.base.layout,
        context=export_checks.context_of(source, export_checks.prompts_of(source, tuple(source.store.cases()))),
        max_tokens=source.store.header.spec.max_answer_tokens,
        licence=source.provenance.licence_reminder,
    )
    if export_llama.llama_python() is None:
        caveats.append(NOT_LOADED)
    return _finish(source, "ollama", folder, [base, *checks, *more], found, caveats)


def _merge(source: Source, out: Path) -> tuple[LocalModel, list[Check]]:
    """Merged weights in `out`, opened again from disk, and whether they answer as the adapter does."""
    from baselines.models import local
    from finetune.adapter import merge

    precision = source.base.precision
    dtype = precision if precision in ("float32", "bfloat16", "float16") else "bfloat16"
    if source.method == "full":
        shutil.copytree(source.trained_folder, out)
    else:
        try:
            merge(
                str(source.base_folder),
                source.trained_folder,
                out,
                revision=source.provenance.base_revision,
                dtype=dtype,
                into="full precision",
            )
        except EnvironmentFault as fault:
            if "cannot be written" not in str(fault):  # its hint speaks of training
                raise
            raise EnvironmentFault(
                str(fault), "Free disk space or name another place with --out; nothing half is left there."
            ) from fault
    spec = source.model_spec.model_copy(update={"revision": None, "precision": dtype})
    model = local.load(spec, model_path=out, device=source.base.device)
    return model, [export_checks.check_merged(source, model)]


def _forms(source: Source, weights: Path) -> list[ServingRow]:
    return [*export_serving.measure_adapter(source), export_serving.measure_merged(source, weights)]


def _caveats(source: Source, model: LocalModel) -> list[str]:
    if source.method != "qlora":
        return []
    said = (
        "Trained on NF4 weights and merged into the full-precision base: the adapter learnt to make up for the "
        "rounding of NF4, which the merged weights do not have."
    )
    found = export_checks.measure_quantised_base(source, model)
    return [f"{said} {found.text}" if found else said]


def _write_files(
    source: Source, folder: Path, model: LocalModel, quantisations: Sequence[Quantisation]
) -> tuple[list[ServingRow], list[Check]]:
    """The GGUF files, a row and the checks of each."""
    from finetune.export.gguf_file import write_gguf

    verify = export_llama.llama_python() is not None
    expected = export_checks.answers_of(source, model, source.cases) if verify else {}
    texts = [prompt.text for prompt in export_checks.prompts_of(source, source.cases[:COMPARED])]
    rows, checks = [], []
    for name in quantisations:
        file = folder / f"model-{name}.gguf"
        write_gguf(model.core.files, file, name, model.layout, texts)
        if not verify:
            rows.append(ServingRow(approach=source.name, form=f"gguf {name}", file_bytes=file.stat().st_size))
            continue
        run = export_llama.run_llama(source, file, source.cases)
        first = {case: expected[case] for case in list(expected)[:COMPARED]}
        least = EQUAL_GGUF if name == "f16" else 0.0
        words = f"{file.name} in llama.cpp and the merged weights"
        equal = export_checks.compare(f"answers of {name}", first, run.texts, least=least, words=words)
        checks += [equal] if rows else [run.tokenization, equal]
        rows.append(export_serving.gguf_row(source, name, file, run, equal))
    return rows, checks


def _finish(  # noqa: PLR0917 - one call a target
    source: Source,
    to: str,
    folder: Path,
    checks: Sequence[Check],
    rows: Sequence[ServingRow],
    caveats: Sequence[str] = (),
) -> ExportRecord:
    """Card and record into the folder; measured rows into the run."""
    said = [source.provenance.licence_reminder, *caveats]
    (folder / "README.md").write_text(model_card(source, to, checks, caveats, rows), encoding="utf-8")
    facts: dict[str, Any] = asdict(source.provenance) | {"base": base_words(source)}
    record = ExportRecord(
        to=to,
        approach=source.name,
        run=source.store.header.run,
        source=facts,
        quality=quality_record(source),
        artefacts=tuple(row.model_dump(mode="json") for row in rows),
        checks=tuple(checks),
        caveats=tuple(said),
    )
    write_record(folder, record)
    export_serving.store(source, rows)
    return record
