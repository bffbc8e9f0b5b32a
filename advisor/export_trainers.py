"""A run's training data and recipe as another trainer runs them: LLaMA-Factory, Axolotl, TRL.

    record = export_trainer(source, "llamafactory", out, force=False)

The approach need not have been trained: what is exported is what would be trained. The data are read back with our own
loaders before the folder appears, and must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from advisor.export_source import Source
from baselines.dataset import load_examples
from baselines.source import Source as DataSource
from finetune.data import Pair
from finetune.export import axolotl, llamafactory, trl_script
from finetune.export.folder import Check, ExportRecord, fresh_folder, write_record
from finetune.export.formats import ALPACA, MESSAGES, SHAREGPT, Parts, split_pairs
from finetune.export.plan import TrainerPlan, plan_for
from reports.errors import DataError
from reports.run.fingerprint import of_texts

WRITERS: dict[str, Callable[[TrainerPlan, Parts, Path], None]] = {
    "llamafactory": llamafactory.write_llamafactory,
    "axolotl": axolotl.write_axolotl,
    "trl": trl_script.write_trl,
}
COMMANDS = {
    "llamafactory": "cd {folder} && llamafactory-cli train train.yaml",
    "axolotl": "cd {folder} && AXOLOTL_DO_NOT_TRACK=1 axolotl train axolotl.yaml --launcher python",
    "trl": "cd {folder} && python train.py",
}


def export_trainer(source: Source, to: str, out: Path, *, force: bool) -> ExportRecord:
    """Data in three formats and the tool's configuration. Raises DataError where the data do not read back equal."""
    approach = source.approach
    pairs = approach.pairs()
    base, layout = source.base, source.base.layout
    parts = split_pairs(pairs, layout, approach.recipe, base.context_length)
    plan = plan_for(
        parts,
        approach.recipe,
        base=_base_name(source),
        revision=source.model_spec.revision,
        layout=layout,
        device=base.device,
        bf16=base.device.startswith("cuda") and base.precision == "bfloat16",
    )
    with fresh_folder(out, force=force) as folder:
        WRITERS[to](plan, parts, folder)
        checks = [check_data(folder / "data" / side, wanted) for side, wanted in _sides(parts)]
        (folder / "README.md").write_text(_readme(source, to, plan, parts), encoding="utf-8")
        record = ExportRecord(
            to=to,
            approach=source.name,
            run=source.store.header.run,
            source={
                "base": source.model_spec.id,
                "base_hash": base.core.files.hash,
                "base_revision": source.model_spec.revision,
                "data_hash": parts.prepared.hash,
                "layout_hash": layout.hash,
                "recipe": approach.recipe.described(),
            },
            checks=tuple(checks),
            caveats=tuple(_caveats(plan, parts)),
        )
        write_record(folder, record)
    return record


def check_data(folder: Path, pairs: Sequence[Pair]) -> Check:
    """All three formats, read back with our own loaders. Raises DataError where a pair differs."""
    wanted = list(dict.fromkeys((pair.prompt, pair.answer) for pair in pairs))
    for name in (ALPACA, SHAREGPT, MESSAGES):
        read = load_examples(DataSource(path=name), "generation", folder)
        found = list(dict.fromkeys((example.input, example.output) for example in read.items))
        if found != wanted:
            at = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), len(found))
            raise DataError(
                f"{name} does not read back equal: example {at + 1} of {len(wanted)} differs.",
                "Look at that training example for unusual characters.",
            )
    digest = of_texts(text for pair in wanted for text in pair)[:12]
    text = f"{len(pairs)} pairs in {folder.name}/ read back equal in three formats ({digest})."
    return Check(f"{folder.name} data", True, text, len(wanted), len(wanted))


def _sides(parts: Parts) -> tuple[tuple[str, Sequence[Pair]], ...]:
    return (("train", parts.train), ("validation", parts.validation))


def _base_name(source: Source) -> str:
    """The hub id where the model comes from there, else its folder."""
    name = source.model_spec.id
    is_hub = name.count("/") == 1 and not Path(name).is_dir() and not (source.project_folder / name).is_dir()
    return name if is_hub else str(source.base_folder)


def _caveats(plan: TrainerPlan, parts: Parts) -> list[str]:
    said = [*parts.prepared.warnings]
    if plan.rendered:
        said.append("The model's chat template cannot be repeated by the tool as we use it: the data carry it already.")
    if plan.recipe.method == "qlora" and plan.device == "cpu":
        said.append("On CPUs with AVX512-BF16, bitsandbytes can drop gradients of layers that were evaluated between.")
    return said


def _readme(source: Source, to: str, plan: TrainerPlan, parts: Parts) -> str:
    rows = [
        f"# {source.store.header.spec.name}: {source.name} for {to}",
        f"{len(parts.train)} training pairs, {len(parts.validation)} for the validation loss, split as our own "
        f"training splits them. One optimizer step learns from {plan.recipe.batch} pairs ({plan.per_device} at a time "
        f"on a device, {plan.accumulation} times).",
        f"    {COMMANDS[to].format(folder='this-folder')}",
        "The user's message of each pair is the whole prompt of the run; the template is the model's own. Serve with "
        "the same prompts: an example stands in data/train/messages.jsonl.",
        f"The adapter lands in output/. To score it beside the others: `engine: {to}` in the project's approach.",
    ]
    return "\n\n".join(rows) + "\n"
