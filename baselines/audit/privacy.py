"""Rows with personal data or secrets in input, context or output, as a finding. What counts is `personal_data`'s."""

from __future__ import annotations

from collections import Counter

from baselines.audit.findings import Finding, place
from baselines.audit.personal_data import SpanKind, masked, personal_data
from baselines.audit.rows import Item, Material
from reports.text import count, listed

_WORDS: dict[SpanKind, tuple[str, str]] = {
    "e-mail": ("e-mail address", "e-mail addresses"),
    "phone": ("phone number", "phone numbers"),
    "card": ("payment card", "payment cards"),
    "iban": ("IBAN", "IBANs"),
    "ip": ("IP address", "IP addresses"),
    "key": ("key", "keys"),
}


def privacy(material: Material) -> Finding | None:
    """Rows that hold such data. The fix masks it in the training rows; eval rows are named and never changed."""
    found = [(item, kinds) for item in (*material.learn, *material.eval) if (kinds := _kinds(item))]
    if not found:
        return None
    total = Counter(kind for _, kinds in found for kind in kinds)
    rows = []
    for item, kinds in sorted(found, key=lambda pair: pair[0].part == "eval"):
        shown = next(text for text in (item.input, item.output, *item.context.values()) if personal_data(text))
        start = personal_data(shown)[0].start
        text = shown if start < 60 else f"…{shown[start - 40 :]}"
        note = listed(sorted(set(kinds)))
        rows.append(place(item, note, of=masked(text), change=None if item.part == "eval" else "mask"))
    kinds_said = listed([count(n, *_WORDS[kind]) for kind, n in total.most_common()])
    return Finding(
        kind="personal-data",
        severity="serious",
        count=len(found),
        text=f"{count(len(found), 'row')} with personal data or secrets: {kinds_said}",
        rows=tuple(rows),
        effect="a tuned model can repeat what it was trained on word for word, and prompts carry it to whoever runs "
        "the model",
        remedy="mask it, or make sure that you may use it; a real key is to be revoked",
        fix="personal-data",
    )


def _kinds(item: Item) -> list[SpanKind]:
    texts = (item.input, *item.outputs, *item.context.values())
    return [span.kind for text in texts for span in personal_data(text)]
