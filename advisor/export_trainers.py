"""A run's training data and recipe as another trainer runs them: LLaMA-Factory, Axolotl, TRL.

    record = export_trainer(source, "llamafactory", out, force=False)

The approach need not have been trained: what is exported is what would be trained. The data are read back with our own
loaders before the folder appears, and must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from advisor.export_base import base_words, place_base
from advisor.export_readme import readme
from advisor.export_source import Source
from baselines.dataset import load_examples
from baselines.source import Source as DataSource
from finetune.adapter import Provenance
from finetune.data import Pair
from finetune.export import axolotl, llamafactory, trl_script
from finetune.export.folder import Check, ExportRecord, fresh_folder, write_record
from finetune.export.formats import ALPACA, MESSAGES, SHAREGPT, Parts, equal_tokens, split_pairs
from finetune.export.plan import TrainerPlan, plan_for
from reports.errors import DataError
from reports.run.fingerprint import of_texts
from reports.run.schema import Example

WRITERS: dict[str, Callable[[TrainerPlan, Parts, Path], None]] = {
    "llamafactory": llamafactory.write_llamafactory,
    "axolotl": axolotl.write_axolotl,
    "trl": trl_script.write_trl,
}


def export_trainer(source: Source, to: str, out: Path, *, force: bool) -> ExportRecord:
    """Data in three formats and the tool's configuration. Raises DataError where the data do not read back equal."""
    approach = source.approach
    pairs = approach.pairs()
    base, layout = source.base, source.base.layout
    parts = split_pairs(pairs, layout, approach.recipe, base.context_length)
    with fresh_folder(out, force=force) as folder:
        name, where = place_base(source, folder)
        plan = plan_for(
            parts,
            approach.recipe,
            base=name,
            revision=source.model_spec.revision,
            layout=layout,
            device=base.device,
            bf16=base.device.startswith("cuda") and base.precision == "bfloat16",
        )
        WRITERS[to](plan, parts, folder)
        checks = [check_data(folder / "data" / side, wanted) for side, wanted in _sides(parts)]
        checks += [tokens] if (tokens := check_tokens(plan, parts, to)).passed else []
        caveats = tuple(_caveats(to, plan, parts, tokens))
        (folder / "README.md").write_text(readme(source, to, plan, parts, where, checks, caveats), encoding="utf-8")
        record = ExportRecord(
            to=to,
            approach=source.name,
            run=source.store.header.run,
            source={
                "base": base_words(source),
                "base_hash": base.core.files.hash,
                "base_revision": source.model_spec.revision,
                "data_hash": parts.prepared.hash,
                "layout_hash": layout.hash,
                "recipe": approach.recipe.described(),
            },
            checks=tuple(checks),
            caveats=(Provenance.licence_reminder, *caveats),
        )
        write_record(folder, record)
    return record


def check_data(folder: Path, pairs: Sequence[Pair]) -> Check:
    """All three formats, read back with our own loaders. Raises DataError where a pair differs."""
    for name in (ALPACA, SHAREGPT, MESSAGES):
        wanted = list(dict.fromkeys(_said(pair, roles=name != ALPACA) for pair in pairs))
        read = load_examples(DataSource(path=name), "generation", folder)
        found = list(dict.fromkeys(map(_read, read.items)))
        if found != wanted:
            at = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), len(found))
            raise DataError(
                f"{name} does not read back equal: example {at + 1} of {len(wanted)} differs.",
                "Look at that training example for unusual characters.",
            )
    digest = of_texts(text for one in wanted for text in one)[:12]
    text = f"{len(pairs)} pairs in {folder.name}/ read back equal in three formats ({digest})."
    return Check(f"{folder.name} data", True, text, len(wanted), len(wanted))


def _said(pair: Pair, *, roles: bool) -> tuple[str, ...]:
    """What must come back of a pair: its two texts, or system text, turns with their weight, and answer."""
    if not roles or not any(message.role == "assistant" for message in pair.messages):
        return (pair.prompt, pair.answer)
    system = "".join(message.text for message in pair.messages if message.role == "system")
    turns = [m for m in pair.messages if m.role != "system"]
    return (
        system,
        *(text for m in turns for text in (m.role, m.text, str(m.role == "user" or m.trained))),
        pair.answer,
    )


def _read(example: Example) -> tuple[str, ...]:
    if not example.turns:
        return (example.input, example.output)
    turns = (text for turn in example.turns for text in (turn.role, turn.text, str(turn.counts)))
    return (example.context.get("system", ""), *turns, example.output)


def _sides(parts: Parts) -> tuple[tuple[str, Sequence[Pair]], ...]:
    return (("train", parts.train), ("validation", parts.validation))


def check_tokens(plan: TrainerPlan, parts: Parts, to: str) -> Check:
    """Whether the tool will train on our tokens: TRL's script encodes as we do, the others one text after the other."""
    pairs = (*parts.train, *parts.validation)
    by_pieces = [pair for pair in pairs if to != "trl" or pair.messages]
    equal = len(pairs) - len(by_pieces) + equal_tokens(plan.layout, by_pieces)
    text = f"{equal} of {len(pairs)} pairs become the tokens of our own training, with loss on the answer and its end."
    return Check("training tokens", equal == len(pairs), text, equal, len(pairs))


def _caveats(to: str, plan: TrainerPlan, parts: Parts, tokens: Check) -> list[str]:
    said = [*parts.prepared.warnings]
    if not tokens.passed:
        said.append(
            f"{to} encodes prompt and answer one after the other, and only {tokens.equal} of {tokens.of} pairs become "
            "the tokens of our own training that way: they differ at the seam. The TRL export has them all."
        )
    if plan.recipe.method == "qlora" and plan.device == "cpu" and to != "trl":
        said.append(
            "On CPUs with AVX512-BF16, bitsandbytes 0.50 drops the gradient of 4-bit layers that were evaluated "
            "between: the result is a little worse there, and nothing says so. GPUs are not concerned."
        )
    return said
