"""README.md of an exported model: what it is, from what it was trained, how well it did, and what it is not for.

    model_card(source, "adapter", checks, caveats)

Every figure comes from the run. Nothing is claimed beyond its eval set.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.export_base import base_words, hub_id
from advisor.export_source import Source
from finetune.export.folder import Check
from reports import text
from reports.markdown import escaped, table_text
from reports.run.serving import ServingRow
from reports.serving import serving_table

USES = {
    "adapter": (
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "base = AutoModelForCausalLM.from_pretrained({base!r}{revision})",
        'model = PeftModel.from_pretrained(base, "adapter")',
        "tokenizer = AutoTokenizer.from_pretrained({base!r}{revision})",
    ),
    "merged": (
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        'model = AutoModelForCausalLM.from_pretrained("model")',
        'tokenizer = AutoTokenizer.from_pretrained("model")',
    ),
    "gguf": ("llama-server -m {file} --jinja --temp 0",),
    "ollama": ("ollama create {name} -f Modelfile", "ollama run {name}"),
}
"""What is typed in the folder of each export, or written in Python."""
_BESIDES = {
    "merged": "Any server of safetensors weights takes the folder `model` too.",
    "gguf": "LM Studio and other programs on llama.cpp take the file too.",
    "ollama": "Ollama itself was not run here: the Modelfile follows its documentation, the GGUF file beside it is "
    "what was verified.",
}
MADE_WITH = ("approach-advisor", "torch", "transformers", "peft", "bitsandbytes")
DEMO = "Made with the bundled demo model: this shows that the machinery works, and is of no other use."


def model_card(
    source: Source, to: str, checks: Sequence[Check], caveats: Sequence[str], rows: Sequence[ServingRow] = ()
) -> str:
    """The card as Markdown."""
    run, provenance = source.store.header, source.provenance
    title = f"{run.spec.name}: {source.name}"
    parts = [_metadata(source, to), f"# {escaped(title)}", _opening(source), *_usage(source, to, rows)]
    parts += ["## Quality", *_quality(source)]
    if rows:
        parts += ["## As files", table_text(serving_table(rows))]
    parts += ["## Verified", _items([f"{'yes' if c.passed else 'NO'}: {c.text}" for c in checks])]
    if caveats:
        parts += ["## Mind", _items(caveats)]
    revision = f", revision {provenance.base_revision}" if provenance.base_revision else ""
    packages = run.environment.packages
    parts += [
        "## Made from",
        _items(
            [
                f"Base model: {base_words(source)}{revision}, weights {provenance.base_hash}",
                f"Training data: hash {provenance.data_hash} under the chat layout {provenance.layout_hash}",
                f"Method: {provenance.method}, trained on weights in {provenance.precision}",
                f"Recipe: {_recipe(source)}",
                f"Run: {run.run}, started {run.started}",
                "With: " + ", ".join(f"{name} {packages[name]}" for name in MADE_WITH if name in packages),
            ]
        ),
        "## Prompt",
        "It was trained and measured with prompts of exactly this form; other wording was not tested.",
        *_prompt(source),
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


def _metadata(source: Source, to: str) -> str:
    """What a model hub reads: between two lines at the very top."""
    base = hub_id(source)
    lines = [f"base_model: {base}"] if base else []
    lines += [f"library_name: {'peft' if to == 'adapter' else 'transformers'}"] if to in ("adapter", "merged") else []
    return "\n".join(["---", *lines, "pipeline_tag: text-generation", "---"])


def _opening(source: Source) -> str:
    spec = source.store.header.spec
    training = source.store.training(source.name)
    learnt = f"{training.examples} examples" if training else "the run's examples"
    said = f"A fine-tuning of {base_words(source)} for one task ({spec.task.type}), trained on {learnt}: "
    lines = [escaped(said + (spec.task.instruction or "no instruction")), "Not tested for anything else."]
    return "  \n".join([*lines, *([DEMO] if source.model_spec.id == "demo" else [])])


def _usage(source: Source, to: str, rows: Sequence[ServingRow]) -> list[str]:
    files = [row.form.removeprefix("gguf ") for row in rows if row.form.startswith("gguf ")]
    wanted = "q8_0" if "q8_0" in files else files[0] if files else "f16"
    revision = source.provenance.base_revision
    said = {
        "base": hub_id(source) or f"path/to/{base_words(source)}",
        "revision": f", revision={revision!r}" if revision else "",
        "file": f"model-{wanted}.gguf",
        "name": re.sub(r"[^a-z0-9_.-]+", "-", source.store.header.spec.name.lower()).strip("-.") or "model",
    }
    lines = [f"    {line.format_map(said)}" for line in USES[to]]
    return ["## To use it", "\n".join(lines), *([_BESIDES[to]] if to in _BESIDES else [])]


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


def _prompt(source: Source) -> list[str]:
    """One case's message, and the same with the chat template around it."""
    from advisor.export_checks import prompts_of

    if not source.cases:
        return []
    prompt = prompts_of(source, source.cases[:1])[0]
    message = prompt.text
    whole = source.base.layout.prompt_text(message, prompt.messages)
    around = (
        "The chat template makes this of it:"
        if source.base.layout.chat
        else "The model, which has no chat template, gets:"
    )
    return ["The user's message of one case:", _block(message), around, _block(whole)]


def _block(said: str) -> str:
    return "\n".join(f"    {line}" for line in text.clean(said, 4_000).splitlines())


def _items(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)
