"""Labels and amounts: how many rows each label has, labels written two ways, labels that only the eval set knows.

balance(material)            # findings of kind too-few, label-spelling, rare-labels, unseen-labels, imbalance
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from baselines.audit.findings import Finding, place
from baselines.audit.normal_form import bare, normal
from baselines.audit.rows import Item, Material
from baselines.labels import labels_in
from reports.text import count, listed, one_line, share

RARE = 5
"""Training rows below which a label is hardly learnt."""
DOMINANT = 0.8
"""Share of one label from which guessing it looks good."""
FEWEST = 10
"""Training rows below which nothing can be trained."""
FEW = 50


def balance(material: Material) -> list[Finding | None]:
    """All of it; of tasks without labels only the amount."""
    found = [_amount(material)]
    if material.task != "classification":
        return found
    return [*found, _spelling(material), _rare(material), _unseen(material), _dominant(material)]


def _amount(material: Material) -> Finding | None:
    rows = len(material.learn)
    if not 0 < rows < FEW:
        return None
    return Finding(
        kind="too-few",
        severity="serious" if rows < FEWEST else "warning",
        count=rows,
        text=f"only {count(rows, 'training row')}",
        rows=tuple(
            place(item, _labelled(item) if material.task == "classification" else "") for item in material.learn
        ),
        effect="fine-tuning is refused" if rows < FEWEST else "fine-tuning on so few rows depends on chance",
        remedy=f"prompting with examples can use them; {FEW} or more are usual for fine-tuning, some hundred for "
        "labels of your own",
    )


def _spelling(material: Material) -> Finding | None:
    """Labels that differ in case, blanks and punctuation alone: the rarer writings become the most frequent one."""
    writings: dict[str, Counter[str]] = defaultdict(Counter)
    for item in (*material.learn, *material.eval):
        for label in labels_in(item.output):
            writings[_plain(label)][label] += 1
    usual = {form: max(names, key=lambda n: (names[n], n)) for form, names in writings.items() if len(names) > 1}
    if not usual:
        return None
    rows = []
    for item in (*material.learn, *material.eval):
        said = labels_in(item.output)
        wanted = [usual.get(_plain(label), label) for label in said]
        if list(said) != wanted:
            note = f"says “{one_line(item.output, 40)}”, mostly written “{one_line('|'.join(wanted), 40)}”"
            written = "|".join(wanted)
            rows.append(place(item, note, change=None if item.part == "eval" else "relabel", value=written))
    names = listed([" / ".join(f"“{one_line(n, 40)}”" for n in writings[form]) for form in list(usual)[:3]])
    return Finding(
        kind="label-spelling",
        severity="warning",
        count=len(usual),
        text=f"{count(len(usual), 'label')} written in more than one way: {names}",
        rows=tuple(rows),
        effect="each writing is a label of its own: the model has to guess which one is meant, and half of its right "
        "answers may count as wrong",
        remedy="write every label in one way, in the eval set too",
        fix="label-spelling" if any(row.change for row in rows) else None,
    )


def _plain(label: str) -> str:
    return bare(normal(label)) or label


def _rare(material: Material) -> Finding | None:
    counts = _counts(material.learn)
    rare = {label: n for label, n in counts.items() if n < RARE}
    if not rare or len(counts) < 2:
        return None
    rows = [place(item, _labelled(item)) for item in material.learn if set(labels_in(item.output)) & set(rare)]
    said = listed([f"“{one_line(label, 30)}” ({n})" for label, n in sorted(rare.items(), key=lambda p: p[1])[:5]])
    more = f" and {len(rare) - 5:,} more" if len(rare) > 5 else ""
    return Finding(
        kind="rare-labels",
        severity="warning" if len(rare) > len(counts) / 4 else "note",
        count=len(rare),
        text=f"{count(len(rare), 'label')} of {len(counts):,} with fewer than {RARE} training rows: {said}{more}",
        rows=tuple(rows),
        effect="a trained approach hardly learns them, and their cases cost it accuracy and much of macro-F1",
        remedy="collect rows for them, or join them with a neighbouring label",
    )


def _unseen(material: Material) -> Finding | None:
    known, asked = _counts(material.learn), _counts(material.eval)
    unseen = [label for label in asked if label not in known]
    if not known or not unseen:
        return None
    rows = [place(item, _labelled(item)) for item in material.eval if set(labels_in(item.output)) & set(unseen)]
    return Finding(
        kind="unseen-labels",
        severity="serious",
        count=len(unseen),
        text=f"{count(len(unseen), 'label')} of the eval set that no training row has: "
        + listed([f"“{one_line(label, 30)}”" for label in unseen[:5]]),
        rows=tuple(rows),
        effect="no trained approach can answer them, while a prompted one is told their names",
        remedy="add training rows with these labels, or take the cases out of the eval set",
    )


def _dominant(material: Material) -> Finding | None:
    for words, items in (("eval set", material.eval), ("training data", material.learn)):
        counts = _counts(items)
        total = sum(counts.values())
        if len(counts) == 1 and words == "training data":
            return _one_label(items)
        if len(counts) < 2 or total < 20:
            continue
        label, most = counts.most_common(1)[0]
        if most >= DOMINANT * total:
            return Finding(
                kind="imbalance",
                severity="warning",
                count=most,
                text=f"{share(most / total)} of the {words} have the label “{one_line(label, 40)}”",
                rows=tuple(place(item, _labelled(item)) for item in items if label not in labels_in(item.output)),
                effect="an approach that always says it looks good by accuracy, and differences between approaches "
                "rest on the few other rows",
                remedy="decide by macro-f1 (metrics: [macro-f1, accuracy]), and add cases of the other labels",
            )
    return None


def _one_label(items: Sequence[Item]) -> Finding:
    return Finding(
        kind="imbalance",
        severity="serious",
        count=len(items),
        text=f"all {len(items):,} training rows have the label “{one_line(items[0].output, 40)}”",
        rows=tuple(place(item, _labelled(item)) for item in items),
        effect="there is nothing to tell apart: a classifier is skipped, and what is trained learns to say it always",
        remedy="add rows with the other labels, or name the right column: {path: …, reference: COLUMN}",
    )


def _labelled(item: Item) -> str:
    return f"“{one_line(item.output, 40)}”"


def _counts(items: Sequence[Item]) -> Counter[str]:
    return Counter(label for item in items for label in labels_in(item.output))
