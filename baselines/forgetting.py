"""What a model forgot by being trained: the same small tasks before and after, paired, non-inferiority at 3 points.

    base = ask(model, GENERAL)
    found = judge("general instructions", GENERAL, base, ask(tuned, GENERAL))
    found.words                        # kept | lost | not shown

Besides the general set, a user's own neighbouring tasks (`probe: file`): inputs as they are sent, with their answers.
Answers go through the model interface of every approach. Refuses to call it kept where the tasks cannot show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.probe_items import GENERAL, VERSION, Item
from baselines.prompts import Prompt
from reports.errors import DataError
from reports.run import atomic
from reports.run.fingerprint import of_value
from reports.run.schema import Forgetting, ForgottenCase

if TYPE_CHECKING:
    from baselines.models.contract import Model

_WORD = re.compile(r"[^\W_]+")
MARGIN = 0.03
"""Share of the tasks that may be lost: the margin of non-inferiority."""
ANSWER_TOKENS = 16
OWN_TOKENS = 64
"""For a user's own tasks, whose answers may be longer."""
SHOWN = 5
MOST_OWN = 500
"""Of the user's own tasks, the first so many are asked."""
GENERAL_NAME = "general instructions"
OFF = "none"


def own_items(path: str, base: Path) -> tuple[Item, ...]:
    """The user's neighbouring tasks: a file with inputs (sent as they stand) and answers. Raises DataError."""
    from baselines.dataset import load_examples
    from baselines.source import Source

    found = load_examples(Source(path=path), "generation", base).items[:MOST_OWN]
    items = tuple(Item(example.input, (example.output,), "own") for example in found if example.output.strip())
    if not items:
        raise DataError(f"{path}: no task with an answer to probe with", "give inputs and their answers")
    return items


def ask(model: Model, items: Sequence[Item], tokens: int = ANSWER_TOKENS) -> list[str]:
    """The model's answers, in order."""
    from baselines.models.contract import Decoding

    texts = [""] * len(items)
    for batch in model.generate([Prompt(item.prompt) for item in items], Decoding(max_new_tokens=tokens)):
        for generation in batch:
            texts[generation.index] = generation.text
    return texts


def right(item: Item, answer: str) -> bool:
    """True where an accepted text stands in the answer as whole words, case and punctuation aside."""
    said = _in_words(answer)
    return any(_in_words(accepted) in said for accepted in item.accepted)


def judge(name: str, items: Sequence[Item], before: Sequence[str], after: Sequence[str]) -> Forgetting:
    """Paired: answers before against answers after. Mid-p McNemar; the margin is held against both 90 % intervals."""
    from reports.statistics import compare, is_not_worse

    a = [float(right(item, text)) for item, text in zip(items, before, strict=True)]
    b = [float(right(item, text)) for item, text in zip(items, after, strict=True)]
    found = compare(a, b, kind="binary", margin=MARGIN)
    lost = [
        ForgottenCase(prompt=item.prompt, before=x, after=y)
        for item, was, now, x, y in zip(items, a, b, before, after, strict=True)
        if was > now
    ]
    shown_loss = found.difference < 0 and found.p <= 0.05
    low, high = found.ends90
    kept = is_not_worse(low, MARGIN)
    return Forgetting(
        name=name,
        items=len(items),
        before=sum(a) / len(a),
        after=sum(b) / len(b),
        low90=low,
        high90=high,
        p=found.p,
        margin=MARGIN,
        words="kept" if kept else "lost" if shown_loss else "not shown",
        lost=tuple(lost[:SHOWN]),
        lost_count=len(lost),
    )


def probe(base: Model, tuned: Model, own: Sequence[Item], own_name: str, store: Path) -> tuple[Forgetting, ...]:
    """The general set and the user's own tasks, before and after. `store` keeps the base model's answers and results.

    Asked once for each pair of models: what is stored is read again.
    """
    sets = [(GENERAL_NAME, GENERAL, ANSWER_TOKENS)]
    if own:
        sets.append((f"own tasks ({own_name})", tuple(own), OWN_TOKENS))
    found = []
    for name, items, tokens in sets:
        key = of_value([VERSION, name, [item.prompt for item in items], tokens])
        before = _stored(store / f"{of_value([key, base.fingerprint])[:16]}.json", base, items, tokens)
        after = _stored(store / f"{of_value([key, tuned.fingerprint])[:16]}.json", tuned, items, tokens)
        found.append(judge(name, items, before, after))
    return tuple(found)


def warning(found: Forgetting) -> str:
    """A sentence where training cost something; empty where it did not or nothing is shown."""
    if found.words != "lost":
        return ""
    return (
        f"Training made the model forget: of {found.items} tasks ({found.name}) it solves {found.after:.0%} instead of "
        f"{found.before:.0%}. Fewer epochs help first, then a lower learning_rate, then general examples among the "
        "training data."
    )


def _stored(file: Path, model: Model, items: Sequence[Item], tokens: int) -> list[str]:
    """The answers of a file, or asked and written to it."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(known, list) and len(known) == len(items):
            return [str(text) for text in known]
    except (OSError, ValueError):
        pass
    answers = ask(model, items, tokens)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(file, json.dumps(answers))
    return answers


def _in_words(text: str) -> str:
    """Words with one space around each, so that 9 is not found in 90."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
