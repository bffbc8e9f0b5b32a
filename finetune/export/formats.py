"""Training pairs in the formats that other tools read, and the same split as our own training has.

    parts = split_pairs(pairs, layout, recipe, context=2048)
    write_formats(parts.train, folder / "train")        # alpaca.json, sharegpt.json, messages.jsonl

The first three hold the user's message before the chat template, to be read and used elsewhere; the second and third of
a conversation its turns. Trainers are given
rendered.json or segments.jsonl: the text with the template around it, as it becomes tokens here. Left to lay it out
themselves, the tools of 2026 trained other tokens on 7 to 10 of 11 usual templates: a line break after the end of a
turn, no end at all, BOS twice, blanks cut or kept (tests/interop/test_tokens.py holds them to equality). Text that
would write the model's control tokens is defused in the files as it is at training.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.chat import Layout, Message
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
        sample = sample_of(pair, layout)
        plain = _plain(pair, layout, weights=bool(sample.earlier))
        # Equal samples are equal pairs: which of them goes where makes no difference.
        if wanted[sample] > 0:
            wanted[sample] -= 1
            validation.append(plain)
        elif kept[sample] > 0:
            kept[sample] -= 1
            train.append(plain)
    return Parts(tuple(train), tuple(validation), prepared)


def _plain(pair: Pair, layout: Layout, *, weights: bool) -> Pair:
    """Defused, and in roles where the layout has them; `weights`: earlier answers are trained as the pair says."""
    roles = pair.messages if pair.messages and layout.conversation_text(pair.messages) is not None else ()
    messages = tuple(Message(m.role, layout.defused(m.text), m.trained and weights) for m in roles)
    return Pair(layout.defused(pair.prompt), layout.defused(pair.answer.strip()), pair.where, pair.group, messages)


def alpaca(pair: Pair) -> dict[str, object]:
    """The instruction format."""
    return {"instruction": pair.prompt, "input": "", "output": pair.answer}


def sharegpt(pair: Pair) -> dict[str, object]:
    """The conversation format."""
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    return {"conversations": [{"from": names[role], "value": text, **more} for role, text, more in _turns(pair)]}


def messages(pair: Pair) -> dict[str, object]:
    """The chat format."""
    return {"messages": [{"role": role, "content": text, **more} for role, text, more in _turns(pair)]}


def _turns(pair: Pair) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Role, text and what else is said of each message: weight 0 where an earlier answer carries no loss."""
    for message in pair.messages or (Message("user", pair.prompt),):
        silent = message.role == "assistant" and not message.trained
        yield message.role, message.text, {"weight": 0} if silent else {}
    yield "assistant", pair.answer, {}


def rendered(layout: Layout) -> Callable[[Pair], dict[str, object]]:
    """The instruction format with the template written out: prompt and answer as they become tokens."""

    def row(pair: Pair) -> dict[str, object]:
        texts = [text for text, _ in pieces(layout, pair)]
        earlier = [[prompt, answer] for prompt, answer in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
        last: dict[str, object] = {"instruction": texts[-2], "input": "", "output": texts[-1]}
        return {**last, "history": earlier} if earlier else last

    return row


def segments(layout: Layout) -> Callable[[Pair], dict[str, object]]:
    """The same as Axolotl takes it: pieces of text, of which the answers carry loss."""

    def row(pair: Pair) -> dict[str, object]:
        return {"segments": [{"label": label, "text": text} for text, label in pieces(layout, pair)]}

    return row


def prompt_text(layout: Layout, pair: Pair) -> str:
    """The whole prompt as text, with the token that the tokenizer alone would put first: other tools add none."""
    begin = "".join(layout.tokenizer.convert_ids_to_tokens(list(layout.begin)))
    return begin + layout.prompt_text(pair.prompt, pair.messages)


def completion_text(layout: Layout, pair: Pair) -> str:
    """What the model learns to write, its end token included, as text."""
    return f"{layout.lead}{layout.defused(pair.answer)}{end_text(layout)}"


def end_text(layout: Layout) -> str:
    """The token that ends an answer, as text."""
    text: str = layout.tokenizer.convert_ids_to_tokens(layout.end_id)
    return text


def pieces(layout: Layout, pair: Pair) -> list[tuple[str, bool]]:
    """The text of an example in pieces, and whether each carries loss: by turns, the last one is the answer."""
    whole = prompt_text(layout, pair)
    begin, found, at = whole[: len(whole) - len(layout.prompt_text(pair.prompt, pair.messages))], [], 0
    for number, message in enumerate(pair.messages):
        if not message.trained:
            continue
        before = f"{begin}{layout.conversation_text(pair.messages[:number])}"
        answer = f"{layout.lead}{layout.defused(message.text)}{end_text(layout)}"
        if whole.startswith(f"{before}{answer}"):
            found += [(whole[at : len(before)], False), (answer, True)]
            at = len(before) + len(answer)
    return [*found, (whole[at:], False), (completion_text(layout, pair), True)]


def equal_tokens(layout: Layout, pairs: Sequence[Pair]) -> int:
    """How many pairs become our training's tokens where their pieces are encoded one by one, as other tools do."""
    equal = 0
    for pair in pairs:
        said = pieces(layout, pair)
        encoded = layout.tokenizer([text for text, _ in said], add_special_tokens=False, verbose=False)["input_ids"]
        ids, mask = [], []
        for own, (_, trained) in zip(encoded, said, strict=True):
            ids += own
            mask += [trained] * len(own)
        prompt, answer = layout.pair_ids(pair.prompt, pair.answer, pair.messages)
        ours = [False] * len(prompt) + [True] * len(answer)
        for start, end in (layout.earlier_spans(pair.messages) if pair.messages else ()) or ():
            ours[start:end] = [True] * (end - start)
        equal += ids == [*prompt, *answer] and mask == ours
    return equal


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
