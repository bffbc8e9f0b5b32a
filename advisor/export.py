"""`advisor export`: a trained approach of a run handed over to other tools, verified before it is handed over.

    export_run(Path("runs/1"), "gguf", ExportOptions(quantisations=("f16", "q8_0")))     # exit code

    adapter        the adapter with its provenance and a model card
    merged         whole weights in safetensors, with equal answers shown on 20 cases
    gguf           F16, Q8_0, Q4_0 for llama.cpp, tokenization and quality measured where llama.cpp is installed
    ollama         a GGUF file and a Modelfile with the training's own template
    llamafactory   data and a configuration that runs as it is; axolotl and trl likewise

Nothing is overwritten unasked, and a folder appears whole or not at all.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from advisor.export_source import Source, open_source
from reports.errors import UsageError
from reports.text import clean

if TYPE_CHECKING:
    from finetune.export.folder import ExportRecord
    from finetune.export.gguf_file import Quantisation

Target = Literal["adapter", "merged", "gguf", "ollama", "llamafactory", "axolotl", "trl"]
TARGETS: tuple[Target, ...] = get_args(Target)
TRAINERS = ("llamafactory", "axolotl", "trl")
SPELLINGS = {"q4": "q4_0", "q8": "q8_0"}


@dataclass(frozen=True)
class ExportOptions:
    """What the command line says besides run and target."""

    approach: str | None = None
    out: Path | None = None
    quantisations: tuple[str, ...] = ("f16", "q8_0", "q4_0")
    force: bool = False
    measure: bool = False
    """Also time base, adapter and what was exported, and keep the figures in the run."""


def export_run(run: Path, to: str, options: ExportOptions) -> int:
    """Exports, tells what was verified, prints the folder last. 0, or 1 where something did not verify."""
    if to not in TARGETS:
        raise UsageError(f"there is no export {to!r}", f"choose from {', '.join(TARGETS)}")
    from finetune.export.folder import refuse_existing

    quantisations = _quantisations(options.quantisations)
    with open_source(run, options.approach) as source:
        out = (options.out or source.store.folder / "exports" / f"{source.name}-{to}").resolve()
        refuse_existing(out, force=options.force)
        _narrate(f"exporting {source.name} of {_shown(source.store.folder)}: {to}")
        if to in TRAINERS:
            from advisor.export_trainers import export_trainer

            record = export_trainer(source, to, out, force=options.force)
        else:
            record = _export_weights(source, to, out, options, quantisations)
    _tell(record)
    sys.stdout.write(clean(_shown(out)) + "\n")
    return 0 if all(check.passed for check in record.checks) else 1


def _export_weights(
    source: Source, to: str, out: Path, options: ExportOptions, quantisations: tuple[Quantisation, ...]
) -> ExportRecord:
    from advisor import export_weights
    from finetune.export.folder import fresh_folder

    base = export_weights.base_check(source)  # before anything is written
    with fresh_folder(out, force=options.force) as folder:
        match to:
            case "adapter":
                return export_weights.adapter(source, folder, base, measure=options.measure)
            case "merged":
                return export_weights.merged(source, folder, base, measure=options.measure)
            case "gguf":
                return export_weights.gguf(source, folder, base, quantisations, measure=options.measure)
            case _:
                if options.measure:
                    raise UsageError("--measure times weights and GGUF files, not `ollama`.", "Measure `--to gguf`.")
                said = options.quantisations != ExportOptions.quantisations
                return export_weights.ollama(source, folder, base, quantisations[0] if said else "q8_0")


def _quantisations(said: tuple[str, ...]) -> tuple[Quantisation, ...]:
    from finetune.export.gguf_file import QUANTISATIONS

    known = {str(name): name for name in QUANTISATIONS}
    found: dict[Quantisation, None] = {}
    for text in said:
        plain = text.strip().lower()
        name = known.get(SPELLINGS.get(plain, plain))
        if name is None:
            raise UsageError(f"there is no GGUF quantisation {text!r}", f"choose from {', '.join(known)}")
        found[name] = None
    return tuple(found)


def _tell(record: ExportRecord) -> None:
    for check in record.checks:
        _narrate(f"{'verified' if check.passed else 'NOT VERIFIED'}: {check.what}: {check.text}")
    for caveat in record.caveats:
        _narrate(f"note: {caveat}")


def _narrate(line: str) -> None:
    sys.stderr.write(clean(line) + "\n")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
