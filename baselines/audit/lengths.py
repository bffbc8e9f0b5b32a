"""Prompts and answers against the model's context: which rows do not fit, and what cutting them would lose.

    budget = TokenBudget("Qwen/Qwen3-0.6B", limit=40960, answer=64, count=count_tokens)
    lengths(material, task, budget)          # finding of kind too-long, or None

The prompt is the one that training and zero-shot send. Reads a tokenizer at most, never weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from baselines.audit.findings import Finding, place
from baselines.audit.rows import Item, Material
from baselines.prompts import render
from reports.errors import DataError
from reports.run.schema import Question, Task
from reports.text import count, number, share

TEMPLATE_TOKENS = 64
"""What the chat template may add, as the approaches reckon."""
BYTES_PER_TOKEN = 3.5
"""Of English text in usual vocabularies; for the estimate where there is no tokenizer."""


@dataclass(frozen=True)
class TokenBudget:
    """What a model can take in, and how its tokens are counted."""

    model: str
    limit: int
    """Tokens of its context."""
    answer: int
    """Tokens that are kept free for the answer when it is asked."""
    count: Callable[[Sequence[str]], list[int]] | None = None
    """Tokens of each text; None estimates them from the bytes."""


def counter(model: str, folder: Path) -> Callable[[Sequence[str]], list[int]]:
    """Counts with the tokenizer of a model folder, which loads with the first texts; raises DataError then."""

    def tokens(texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        file = folder / "tokenizer.json"
        if file.is_file():
            return _counted(texts, file)
        from finetune.model_files import load_tokenizer  # transformers: 4 s

        tokenizer = load_tokenizer(model, folder)
        found = tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        return [len(ids) for ids in found]

    return tokens


def _counted(texts: Sequence[str], file: Path) -> list[int]:
    """The same without transformers, which only older tokenizers need."""
    from tokenizers import Tokenizer

    try:
        json.loads(file.read_text(encoding="utf-8"))  # the library tells a broken file by a bare Exception
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}", "Download the model again.") from error
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(found.ids) for found in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def lengths(material: Material, task: Task, budget: TokenBudget) -> Finding | None:
    """Rows that do not fit: training rows with their answer, cases with room for one."""
    rows = [
        (item, size, budget.limit - TEMPLATE_TOKENS - (budget.answer if item.part == "eval" else 0))
        for item, size in _sizes(material, task, budget)
    ]
    long = [(item, size, room) for item, size, room in rows if size > room]
    if not long:
        return None
    trained = [(item, size, room) for item, size, room in long if item.part != "eval"]
    asked = len(long) - len(trained)
    about = "" if budget.count else " (estimated from bytes)"
    spots = [
        place(
            item,
            f"{'about ' if not budget.count else ''}{number(size, 0)} tokens, room for {number(room, 0)}",
            change=None if item.part == "eval" else "remove",
        )
        for item, size, room in sorted(long, key=lambda found: -found[1])
    ]
    return Finding(
        kind="too-long",
        severity="serious" if asked or len(trained) > 0.05 * max(1, len(material.learn)) else "warning",
        count=len(long),
        text=f"{count(len(trained), 'training row')} and {count(asked, 'eval case')} do not fit into the "
        f"{budget.limit:,} tokens of {budget.model}{about}",
        rows=tuple(spots),
        effect=_effect(trained, asked),
        remedy="choose a model with a longer context, or shorten the inputs so that what decides comes first",
        fix="too-long" if trained else None,
    )


def _effect(trained: Sequence[tuple[Item, int, int]], asked: int) -> str:
    said = []
    if trained:
        lost = median((size - room) / size for _, size, room in trained)
        said.append(
            "fine-tuning leaves these training rows out: cutting them instead would lose their answers, which stand "
            f"last, and {share(lost)} of the median one"
        )
    if asked:
        said.append("the cases fail for every approach with this model, and count as wrong")
    return "; ".join(said)


def _sizes(material: Material, task: Task, budget: TokenBudget) -> list[tuple[Item, int]]:
    """Tokens of each row that may be too long: no tokenizer makes more tokens than bytes, most need no counting."""
    texts, items = [], []
    for item in (*material.learn, *material.eval):
        prompt = render(task, Question(id="", input=item.input, context=dict(item.context))).text
        text = prompt if item.part == "eval" else f"{prompt}\n{item.output}"
        if len(text.encode("utf-8", "surrogatepass")) > budget.limit - TEMPLATE_TOKENS - budget.answer:
            texts.append(text)
            items.append(item)
    if budget.count is not None:
        return list(zip(items, budget.count([_sound(text) for text in texts]), strict=True))
    sizes = (round(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN) for text in texts)
    return list(zip(items, sizes, strict=True))


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
