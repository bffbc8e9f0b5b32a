"""An estimate for one card, on several: weights that are spread over them, a training that they share.

    on_several(expected, spec, machine.cards)        # the same where one card is enough and no more are asked for

Which jobs get several cards is `placement`'s matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from advisor.gpus import Gpu
from advisor.placement import USABLE, asked_for, spread_over
from reports.run.schema import ApproachSpec, Expected

SHARING = 1.2
"""Of a training's time on several GPUs, what starting them and waiting for each other adds; a guess, not measured."""


def on_several(one: Expected, spec: ApproachSpec, cards: Sequence[Gpu]) -> Expected:
    """Of an approach on this machine's cards."""
    return _shared(_spread(one, spec, cards), spec, cards)


def _shared(one: Expected, spec: ApproachSpec, cards: Sequence[Gpu]) -> Expected:
    """A training on the GPUs that it asks for: at best so many times faster, at worst none; its GPU-hours stay."""
    count = asked_for(spec, cards)
    if count <= 1 or one.training_seconds is None or one.seconds is None:
        return one
    low, typical, high = one.training_seconds
    shared = (low / count, typical / count * SHARING, high)
    seconds = tuple(
        all_of - alone + now for all_of, alone, now in zip(one.seconds, one.training_seconds, shared, strict=True)
    )
    return one.model_copy(update={"trained_on": count, "training_seconds": shared, "seconds": seconds})


def _spread(one: Expected, spec: ApproachSpec, cards: Sequence[Gpu]) -> Expected:
    """Where one card is too small: on as many as hold it."""
    count = spread_over(spec, one, cards)
    if count == 1:
        return one
    room = count * min(card.free_bytes for card in cards if not card.part)
    fits = (one.memory_bytes or 0.0) <= USABLE * room
    return one.model_copy(
        update={"cards": count, "device_bytes": room, "fits": fits, "would_fit": () if fits else one.would_fit}
    )
