"""Training pairs in the formats that other tools read, and the same split as our own training has.

    parts = split_pairs(pairs, layout, recipe, context=2048)
    write_formats(parts.train, folder / "train")        # alpaca.json, sharegpt.json, messages.jsonl

A row's user message is the whole prompt as we train it, before the chat template. Text that would write the model's
control tokens is defused in the file as it is at training, so that other tools see what we see.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.chat import Layout
from finetune.data import Pair, Prepared, Sample, prepare
from finetune.recipe import Recipe

ALPACA, SHAREGPT, MESSAGES = "alpaca.json", "sharegpt.json", "messages.jsonl"
RENDERED, SEGMENTS = "rendered.json", "segments.jsonl"


@dataclass(frozen=True)
class Parts:
    """The pairs as other tools get them: split as our training splits them, too long ones left out."""

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    prepared: Prepared


def split_pairs(pairs: Sequence[Pair], layout: Layout, recipe: Recipe, context: int) -> Parts:
    """Both sides of the split of `finetune.data.prepare`, as text. Raises its DataErrors."""
    prepared = prepare(pairs, layout, recipe, context)
    wanted, kept = Counter(prepared.validation), Counter(prepared.train)
    train, validation = [], []
    for pair in pairs:
        plain = Pair(layout.defused(pair.prompt), layout.defused(pair.answer.strip()), pair.where, pair.group)
        prompt, completion = layout.pair_ids(pair.prompt, pair.answer.strip())
        sample = Sample((*prompt, *completion), len(prompt))
        # Equal samples are equal pairs: which of them goes where makes no difference.
        if wanted[sample] > 0:
            wanted[sample] -= 1
            validation.append(plain)
        elif kept[sample] > 0:
            kept[sample] -= 1
            train.append(plain)
    return Parts(tuple(train), tuple(validation), prepared)


def alpaca(pair: Pair) -> dict[str, object]:
    """The instruction format."""
    return {"instruction": pair.prompt, "input": "", "output": pair.answer}


def sharegpt(pair: Pair) -> dict[str, object]:
    """The conversation format."""
    return {"conversations": [{"from": "human", "value": pair.prompt}, {"from": "gpt", "value": pair.answer}]}


def messages(pair: Pair) -> dict[str, object]:
    """The chat format."""
    turns = [{"role": "user", "content": pair.prompt}, {"role": "assistant", "content": pair.answer}]
    return {"messages": turns}


def rendered(layout: Layout) -> Callable[[Pair], dict[str, object]]:
    """The instruction format with the template already written out: for models whose template tools cannot repeat."""

    def row(pair: Pair) -> dict[str, object]:
        return {"instruction": layout.prompt_text(pair.prompt), "input": "", "output": completion_text(layout, pair)}

    return row


def segments(layout: Layout) -> Callable[[Pair], dict[str, object]]:
    """Axolotl's format without a template: pieces of text, of which the last one carries loss."""

    def row(pair: Pair) -> dict[str, object]:
        prompt = {"label": False, "text": layout.prompt_text(pair.prompt)}
        return {"segments": [prompt, {"label": True, "text": completion_text(layout, pair)}]}

    return row


def completion_text(layout: Layout, pair: Pair) -> str:
    """What the model learns to write, its end token included, as text."""
    return f"{layout.lead}{pair.answer}{end_text(layout)}"


def end_text(layout: Layout) -> str:
    """The token that ends an answer, as text."""
    text: str = layout.tokenizer.convert_ids_to_tokens(layout.end_id)
    return text


def needs_rendering(layout: Layout) -> bool:
    """True where other tools would not write our prompt from the tokenizer's own template."""
    return not layout.chat or bool(layout.arguments)


def write_formats(pairs: Sequence[Pair], folder: Path, layout: Layout) -> None:
    """All formats of the pairs into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / ALPACA, [alpaca(pair) for pair in pairs])
    _write(folder / SHAREGPT, [sharegpt(pair) for pair in pairs])
    _write(folder / MESSAGES, [messages(pair) for pair in pairs])
    if needs_rendering(layout):
        _write(folder / RENDERED, list(map(rendered(layout), pairs)))
        _write(folder / SEGMENTS, list(map(segments(layout), pairs)))


def _write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "".join(f"{line}\n" for line in lines) if path.suffix == ".jsonl" else "[\n" + ",\n".join(lines) + "\n]\n"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
