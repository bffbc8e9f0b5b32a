"""Everything that is not the same in two runs, as a list of `Moved`: settings, data, recipe, scoring, machine.

for item in inventory(store_a, store_b, kinds, pairing): print(item.area, item.name, item.text)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping

from reports import text
from reports.diff.model import Area, Moved, Moves
from reports.diff.pairing import Pairing
from reports.diff.reach import reached
from reports.run.changes import Change, changes
from reports.run.schema import Document, Example
from reports.run.store import RunStore

RULE = ("spec.decision.", "spec.traffic.", "spec.prices.", "spec.interview", "spec.metrics", "spec.latency_samples")
SETTINGS = ("spec.task.", "spec.seed", "spec.max_answer_tokens", "spec.embedder")
APPROACH = "spec.approaches."
RECORDED = "spec.data.files.recorded "
PACKAGES = "environment.packages."
PRICED = ("usd_per_million", "budget_usd")
PACE = ("requests_per_minute", "tokens_per_minute", "max_concurrency")
"""Ends of an approach's keys that move money, or only how fast it is asked."""
BESIDE = ("probe", "curve", "merged_latency")
"""Options of an approach that measure more and leave its own answers as they are."""
SHOWN = 80
"""Characters of a value on either side of the arrow."""


def inventory(a: RunStore, b: RunStore, kinds: Mapping[str, str], pairing: Pairing) -> tuple[Moved, ...]:
    """All that moved between the headers, the data and the trainings. `kinds`: of the approaches in both runs."""
    found = changes(a.header, b.header)
    items = [
        *_approaches(found, kinds),
        *_settings(found, kinds),
        *_data(a, b, found, kinds, pairing),
        *_machine(found, kinds),
        *_rule(found),
    ]
    return (*items, *_recipes(a, b, items, kinds))


def _approaches(found: Iterable[Change], kinds: Mapping[str, str]) -> Iterator[Moved]:
    """Options and models of approaches that are in both runs; the others are listed apart."""
    for change in found:
        if not change.field.startswith(APPROACH):
            continue
        path = change.field.removeprefix(APPROACH)
        owner = max((name for name in kinds if path.startswith(f"{name}.")), key=len, default=None)
        if owner is not None:
            key = path.removeprefix(f"{owner}.").removeprefix("options.")
            if key.endswith(PRICED):
                yield _arrow("rule and prices", f"{owner}: {key}", change, "verdict", ())
            elif key.endswith(PACE) or key in BESIDE:
                yield _arrow("settings", f"{owner}: {key}", change, "nothing", ())
            else:
                yield _arrow("settings", f"{owner}: {key}", change, "answers", (owner,))


def _settings(found: Iterable[Change], kinds: Mapping[str, str]) -> Iterator[Moved]:
    for change in found:
        if change.field.startswith(SETTINGS):
            key = change.field.removeprefix("spec.").removeprefix("task.")
            yield _arrow("settings", key, change, "answers", reached(key, kinds))


def _rule(found: Iterable[Change]) -> Iterator[Moved]:
    """What decides the verdict and never an answer."""
    for change in found:
        if change.field.startswith(RULE):
            yield _arrow("rule and prices", change.field.removeprefix("spec."), change, "verdict", ())


def _machine(found: Iterable[Change], kinds: Mapping[str, str]) -> Iterator[Moved]:
    for change in found:
        if not change.field.startswith("environment."):
            continue
        if change.field.startswith(PACKAGES) or change.field.endswith((".python", ".platform")):
            key = change.field.removeprefix(PACKAGES).removeprefix("environment.")
            yield _arrow("versions", key, change, "answers", reached("versions", kinds))
        else:
            key = change.field.removeprefix("environment.")
            yield _arrow("hardware", key, change, "answers", reached("hardware", kinds))


def _data(
    a: RunStore, b: RunStore, found: tuple[Change, ...], kinds: Mapping[str, str], pairing: Pairing
) -> Iterator[Moved]:
    """Cases, examples, documents and recorded answers: by their rows, and by the file's hash where the rows agree."""
    files = {c.field.removeprefix("spec.data.files.") for c in found if c.field.startswith("spec.data.files.")}
    said = _cases_words(pairing)
    if said or "eval" in files:
        yield Moved(
            area="data", name="eval cases", text=said or _same_rows("cases"), moves="cases" if said else "nothing"
        )
    parts = (
        ("train", "examples", map(_example, a.train()), map(_example, b.train())),
        ("dev", "examples", map(_example, a.dev()), map(_example, b.dev())),
        ("documents", "documents", map(_document, a.documents()), map(_document, b.documents())),
    )
    for part, noun, before, after in parts:
        said = _rows_words(Counter(before), Counter(after), noun)
        if said:
            yield Moved(area="data", name=part, text=said, approaches=reached(part, kinds))
        elif part in files:
            yield Moved(area="data", name=part, text=_same_rows(noun), moves="nothing")
    for change in found:
        if change.field.startswith(RECORDED):
            name = change.field.removeprefix(RECORDED)
            owner = (name,) if name in kinds else ()
            yield Moved(area="data", name=f"recorded answers of {name}", text="the file changed", approaches=owner)


def _recipes(a: RunStore, b: RunStore, so_far: list[Moved], kinds: Mapping[str, str]) -> Iterator[Moved]:
    """Dials of trainings as they were resolved; a consequence where something else that reaches the training moved."""
    for name in kinds:
        before, after = a.training(name), b.training(name)
        if before is None or after is None:
            continue
        causes = [item for item in so_far if name in item.approaches]
        known = {item.name.rsplit(": ", 1)[-1] for item in causes}
        dials = sorted({*before.recipe, *after.recipe} - known)
        for dial in dials:
            old, new = before.recipe.get(dial), after.recipe.get(dial)
            if old != new:
                change = Change(dial, json.dumps(old), json.dumps(new))
                item = _arrow("recipe", f"{name}: {dial}", change, "answers", (name,))
                yield item.model_copy(update={"consequence": bool(causes)})


def _arrow(area: Area, name: str, change: Change, moves: Moves, approaches: tuple[str, ...]) -> Moved:
    sides = [text.one_line(side if side is not None else "nothing", SHOWN) for side in (change.before, change.after)]
    return Moved(area=area, name=text.one_line(name, SHOWN), text=" → ".join(sides), moves=moves, approaches=approaches)


def _cases_words(pairing: Pairing) -> str:
    counts = (
        (len(pairing.only_b), "added"),
        (len(pairing.only_a), "removed"),
        (len(pairing.question_changed), "with another question under the same id"),
        (len(pairing.reference_changed), "with another expected answer"),
        (pairing.under_another_id, "under another id"),
    )
    return ", ".join(f"{n:,} {words}" for n, words in counts if n)


def _rows_words(before: Counter[Hashable], after: Counter[Hashable], noun: str) -> str:
    """Rows added and removed, as multisets; '' where they agree. A row that was edited counts on both sides."""
    added, removed = (after - before).total(), (before - after).total()
    if not added and not removed:
        return ""
    return f"{added:,} added, {removed:,} removed ({before.total():,} → {text.count(after.total(), noun[:-1])})"


def _same_rows(noun: str) -> str:
    return f"the file changed, the {noun} read from it did not"


def _example(item: Example) -> Hashable:
    return item.input, item.output, tuple(sorted(item.context.items()))


def _document(item: Document) -> Hashable:
    return item.title, item.text
