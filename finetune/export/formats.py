"""Training pairs in the formats that other tools read, and the same split as our own training has.

    parts = split_pairs(pairs, layout, recipe, context=2048)
    write_formats(parts.train, folder / "train")        # alpaca.json, sharegpt.json, messages.jsonl

The first three hold the user's message before the chat template, to be read and used elsewhere. Trainers are given
rendered.json or segments.jsonl: the text with the template around it, as it becomes tokens here. Left to lay it out
themselves, the tools of 2026 trained other tokens on 7 to 10 of 11 usual templates: a line break after the end of a
turn, no end at all, BOS twice, blanks cut or kept (tests/interop/test_tokens.py holds them to equality). Text that
would write the model's control tokens is defused in the files as it is at training.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.chat import Layout
from finetune.data import Pair, Prepared, prepare, sample_of
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
        sample = sample_of(pair, layout)
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
    """The instruction format with the template written out: prompt and answer as they become tokens."""

    def row(pair: Pair) -> dict[str, object]:
        return {"instruction": prompt_text(layout, pair), "input": "", "output": completion_text(layout, pair)}

    return row


def segments(layout: Layout) -> Callable[[Pair], dict[str, object]]:
    """The same as Axolotl takes it: pieces of text, of which the last one carries loss."""

    def row(pair: Pair) -> dict[str, object]:
        prompt = {"label": False, "text": prompt_text(layout, pair)}
        return {"segments": [prompt, {"label": True, "text": completion_text(layout, pair)}]}

    return row


def prompt_text(layout: Layout, pair: Pair) -> str:
    """The whole prompt as text, with the token that the tokenizer alone would put first: other tools add none."""
    begin = "".join(layout.tokenizer.convert_ids_to_tokens(list(layout.begin)))
    return begin + layout.prompt_text(pair.prompt)


def completion_text(layout: Layout, pair: Pair) -> str:
    """What the model learns to write, its end token included, as text."""
    return f"{layout.lead}{layout.defused(pair.answer)}{end_text(layout)}"


def end_text(layout: Layout) -> str:
    """The token that ends an answer, as text."""
    text: str = layout.tokenizer.convert_ids_to_tokens(layout.end_id)
    return text


def equal_tokens(layout: Layout, pairs: Sequence[Pair]) -> int:
    """How many pairs become our training's tokens where prompt and answer are encoded one by one, as other tools do."""
    if not pairs:
        return 0
    texts = [text for pair in pairs for text in (prompt_text(layout, pair), completion_text(layout, pair))]
    ids = layout.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    ours = (layout.pair_ids(pair.prompt, pair.answer) for pair in pairs)
    return sum((prompt, answer) == own for prompt, answer, own in zip(ids[::2], ids[1::2], ours, strict=True))


def write_formats(pairs: Sequence[Pair], folder: Path, layout: Layout) -> None:
    """All formats of the pairs into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / ALPACA, [alpaca(pair) for pair in pairs])
    _write(folder / SHAREGPT, [sharegpt(pair) for pair in pairs])
    _write(folder / MESSAGES, [messages(pair) for pair in pairs])
    _write(folder / RENDERED, list(map(rendered(layout), pairs)))
    _write(folder / SEGMENTS, list(map(segments(layout), pairs)))


def _write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "".join(f"{line}\n" for line in lines) if path.suffix == ".jsonl" else "[\n" + ",\n".join(lines) + "\n]\n"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
