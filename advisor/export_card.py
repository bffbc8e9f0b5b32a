"""README.md of an exported model: what it is, from what it was trained, how well it did, and what it is not for.

    model_card(source, "adapter", checks, caveats)

Every figure comes from the run. Nothing is claimed beyond its eval set.
"""

from __future__ import annotations

from collections.abc import Sequence

from advisor.export_source import Source
from finetune.export.folder import Check
from reports import text
from reports.markdown import escaped, table_text
from reports.run.serving import ServingRow
from reports.serving import serving_table

USES = {
    "adapter": "Load it beside the base model: `PeftModel.from_pretrained(base, 'adapter')` of the package peft.",
    "merged": "`AutoModelForCausalLM.from_pretrained('model')` of transformers, or any server of safetensors weights.",
    "gguf": "`llama-server -m model-q8_0.gguf`, LM Studio, or any other program on llama.cpp.",
    "ollama": "`ollama create NAME -f Modelfile` in this folder, then `ollama run NAME`.",
}


def model_card(
    source: Source, to: str, checks: Sequence[Check], caveats: Sequence[str], rows: Sequence[ServingRow] = ()
) -> str:
    """The card as Markdown."""
    run, provenance = source.store.header, source.provenance
    title = f"{run.spec.name}: {source.name}"
    parts = [f"# {escaped(title)}", _opening(source), f"To use it: {USES[to]}", "## Quality", *_quality(source)]
    if rows:
        parts += ["## As files", table_text(serving_table(rows))]
    parts += ["## Verified", _items([f"{'yes' if c.passed else 'NO'}: {c.text}" for c in checks])]
    if caveats:
        parts += ["## Mind", _items(caveats)]
    revision = f", revision {provenance.base_revision}" if provenance.base_revision else ""
    parts += [
        "## Made from",
        _items(
            [
                f"Base model: {provenance.base}{revision}, weights {provenance.base_hash}",
                f"Training data: hash {provenance.data_hash} under the chat layout {provenance.layout_hash}",
                f"Method: {provenance.method}, trained on weights in {provenance.precision}",
                f"Recipe: {_recipe(source)}",
                f"Run: {run.run}, started {run.started}",
            ]
        ),
        "## Prompt",
        "It was trained and measured with prompts of exactly this form; other wording was not tested.",
        _block(source),
        "## Licence",
        escaped(provenance.licence_reminder) + " Check it before you hand this on.",
    ]
    return "\n\n".join(parts) + "\n"


def quality_record(source: Source) -> dict[str, dict[str, float | int | None]]:
    """Metric to value, interval, cases and failures, as the run measured them."""
    found = source.summary.approach(source.name)
    return {
        metric: {"value": one.value, "low": one.low, "high": one.high, "n": one.n, "failed": one.failed}
        for metric, one in found.metrics.items()
    }


def _opening(source: Source) -> str:
    spec = source.store.header.spec
    training = source.store.training(source.name)
    learnt = f"{training.examples} examples" if training else "the run's examples"
    said = f"A fine-tuning of {source.provenance.base} for one task ({spec.task.type}), trained on {learnt}: "
    return escaped(said + (spec.task.instruction or "no instruction")) + "  \nNot tested for anything else."


def _quality(source: Source) -> list[str]:
    summary = source.summary
    lines = []
    for metric in summary.metrics:
        one = summary.approach(source.name).metrics.get(metric.name)
        if one is None or one.value is None:
            continue
        value = text.quality(one.value, one.low, one.high, metric.unit)
        lines.append(
            f"{metric.title}: {value} (95 % {text.interval(one.low, one.high, metric.unit)}), {one.n} cases, "
            f"{one.failed} failed"
        )
    notes = ["Measured on the run's eval set, with the adapter beside its base model."]
    return [_items(lines), *map(escaped, notes)]


def _recipe(source: Source) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(source.provenance.recipe.items()) if value is not None)


def _block(source: Source) -> str:
    from advisor.export_checks import prompts_of

    if not source.cases:
        return ""
    prompt = source.base.layout.prompt_text(prompts_of(source, source.cases[:1])[0].text)
    return "\n".join(f"    {line}" for line in text.clean(prompt, 4_000).splitlines())


def _items(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)
