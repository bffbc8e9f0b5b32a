"""Accelerators by name: memory, dense bf16 (or fp16) peak and memory bandwidth, as their makers publish them.

    card = find_card("NVIDIA GeForce RTX 4090"); card.memory_bytes
    card = find_card("24")                          # a size in GiB of a card that is not named

Where a peak is not known here, time on that card is not estimated; memory is.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from reports.errors import UsageError


@dataclass(frozen=True)
class Card:
    """One accelerator."""

    name: str
    gib: float
    teraflops: float | None = None
    """Dense, with fp32 sums."""
    gigabytes_per_second: float | None = None
    bf16: bool = True
    """False for generations before it: adapters are trained in float32 there."""

    @property
    def memory_bytes(self) -> float:
        return self.gib * 2**30


CARDS = (
    Card("V100 16GB", 16, 125, 900, bf16=False),
    Card("V100 32GB", 32, 125, 900, bf16=False),
    Card("T4", 15, 65, 320, bf16=False),
    Card("L4", 23, 121, 300),
    Card("A10G", 23, 70, 600),
    Card("A10", 23, 125, 600),
    Card("L40S", 45, 362, 864),
    Card("RTX 3060", 12, 25, 360),
    Card("RTX 3090", 24, 71, 936),
    Card("RTX 4060 Ti", 16),
    Card("RTX 4070", 12),
    Card("RTX 4080", 16, 97, 717),
    Card("RTX 4090", 24, 165, 1008),
    Card("RTX 5090", 32, 209, 1792),
    Card("RTX A6000", 48, 155, 768),
    Card("RTX 6000 Ada", 48, 364, 960),
    Card("A100 40GB", 40, 312, 1555),
    Card("A100 80GB", 80, 312, 2039),
    Card("H100 80GB", 80, 989, 3350),
    Card("H200", 141, 989, 4800),
    Card("B200", 180, 2250, 8000),
)

OTHERS = {"mig", "laptop", "mobile", "max", "ti", "super", "d"}
"""Words for a part of a card, or a slower or faster one of the same number, whose peak is not that of the card."""


def find_card(said: str) -> Card:
    """The card of a name (as the driver says it, or short), or of a size in GiB. Raises UsageError naming the nearest.

    The longest known name that occurs in `said` wins: "A100-SXM4-80GB" is the A100 80GB.
    """
    size = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:gib|gb|g)?\s*", said.lower())
    if size:
        gib = float(size.group(1))
        if not 0 < gib < 10_000:
            raise UsageError(f"--card {said}: no card has {gib:g} GiB", "give its memory in GiB, such as 24")
        return Card(f"a card of {gib:g} GiB", gib)
    found = [card for card in CARDS if _same(card.name, said)]
    if found:
        return max(found, key=lambda card: (len(_words(card.name)), len(card.name)))
    if _same("H100", said):
        return next(card for card in CARDS if card.name.startswith("H100"))
    near = difflib.get_close_matches(said, [card.name for card in CARDS], n=2, cutoff=0.4)
    raise UsageError(
        f"there is no card {said!r} in the table",
        f"did you mean {' or '.join(near)}? Its memory in GiB does too: --card 24"
        if near
        else f"its memory in GiB does too: --card 24; known: {', '.join(card.name for card in CARDS)}",
    )


def known(name: str) -> Card | None:
    """The card of the driver's name for it, or None."""
    try:
        return find_card(name)
    except UsageError:
        return None


def _same(name: str, said: str) -> bool:
    """True where `said` holds all words of `name` and speaks of no other kind of the card."""
    asked, meant = set(_words(said)), set(_words(name))
    return meant <= asked and not (asked - meant) & OTHERS


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+\d+[a-z]*|\d+gb|\d+|[a-z]+", name.lower())
