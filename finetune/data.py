"""Training pairs to token ids: what is learnt, what is left out and why, in which order.

Refuses to know tasks and prompts' wording: it gets whole user messages. Needs no torch.

    prepared = prepare(pairs, layout, recipe, context=2048)
    for step in plan_epoch(prepared.train, recipe, epoch=0): ...       # lists of indices, `batch` examples each

Only the answer carries loss, its end token included; of a conversation each answer that is given weight, where the chat
template leaves earlier ones as they would be answered (token by token), else the last one. Nothing is cut: an example
that is too long is left out, counted and named.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.chat import Layout, Message
from finetune.recipe import Recipe
from reports.errors import DataError

MINIMUM = 10
"""Fewer examples than this cannot be split and teach nothing."""

MANY = 20_000
"""From here on one or two epochs are usual."""

FEW = 50
"""Below this a warning says so."""

PARTS = 50
"""Steps whose examples are sorted by length together, at most."""

SHOWN = 5
"""Places named in a message before "and … more"."""


@dataclass(frozen=True)
class Pair:
    """One user message and the answer to learn."""

    prompt: str
    answer: str
    where: str = ""
    """For messages: "row 12", an id."""
    group: str | None = None
    """Pairs of one group (customer, document) stay on one side of the split."""
    messages: tuple[Message, ...] = ()
    """The prompt in its roles, where it is a conversation: `prompt` is then for models without them."""

    @classmethod
    def read(cls, said: dict[str, Any]) -> Pair:
        """From what JSON makes of `asdict`."""
        return cls(**said | {"messages": tuple(Message(*message) for message in said.get("messages", ()))})


@dataclass(frozen=True)
class Sample:
    """One example as tokens. Positions from `start` on carry loss: they are the last answer and its end."""

    ids: tuple[int, ...]
    start: int
    earlier: tuple[tuple[int, int], ...] = ()
    """From and to of each earlier answer of a conversation that carries loss too."""

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """All that carries loss, in order."""
        return (*self.earlier, (self.start, len(self.ids)))

    @property
    def trained(self) -> int:
        """Tokens that carry loss."""
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True)
class Prepared:
    """The examples as tokens, split, with what a reader should know."""

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    hash: str
    """Of every pair and the layout."""
    longest: int
    """Tokens of the longest example kept."""
    warnings: tuple[str, ...] = ()

    @property
    def trained_tokens(self) -> int:
        """Answer tokens of the training side, for one epoch."""
        return sum(sample.trained for sample in self.train)


def prepare(pairs: Sequence[Pair], layout: Layout, recipe: Recipe, context: int) -> Prepared:
    """Check, tokenise and split. Raises DataError for empty answers, too few examples, none that fits."""
    if len(pairs) < MINIMUM:
        raise DataError(
            f"Fine-tuning needs at least {MINIMUM} examples; the training data has {len(pairs)}.",
            "Add examples, or leave the fine-tuning approaches out: few-shot can use so few.",
        )
    empty = [pair for pair in pairs if not pair.answer.strip()]
    if empty:
        raise DataError(
            f"{len(empty)} of {len(pairs)} training outputs are empty: {_places(empty)}.",
            "Fill or remove these rows: a model trained on them learns to say nothing.",
        )
    limit = min(recipe.max_length or context, context)
    samples = [sample_of(pair, layout) for pair in pairs]
    kept = [at for at, sample in enumerate(samples) if len(sample.ids) <= limit]
    dropped = [pairs[at] for at, sample in enumerate(samples) if len(sample.ids) > limit]
    if len(kept) < MINIMUM:
        raise DataError(
            f"Only {len(kept)} of {len(pairs)} examples fit into {limit} tokens.",
            "Raise `max_length`, choose a model with a longer context, or shorten the inputs.",
        )
    warnings = (
        *_warnings(len(kept), dropped, limit, len(pairs)),
        *_epochs(len(kept), recipe),
        *_untrained(pairs, samples, layout),
    )
    validation = _validation([pairs[at].group or f"\0{at}" for at in kept], recipe)
    return Prepared(
        train=tuple(samples[at] for i, at in enumerate(kept) if i not in validation),
        validation=tuple(samples[at] for i, at in enumerate(kept) if i in validation),
        hash=hash_pairs(pairs, layout.hash),
        longest=max(len(samples[at].ids) for at in kept),
        warnings=warnings,
    )


def hash_pairs(pairs: Sequence[Pair], layout_hash: str) -> str:
    """Identity of a training set under a layout: order matters."""
    digest = hashlib.sha256(layout_hash.encode())
    for pair in pairs:
        said = f"\x1e{pair.prompt}\x1f{pair.answer}\x1f{pair.group or ''}"
        said += "".join(f"\x1d{m.role}\x1f{m.text}\x1f{m.trained:d}" for m in pair.messages)
        digest.update(said.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def plan_epoch(samples: Sequence[Sample], recipe: Recipe, epoch: int) -> list[list[int]]:
    """Indices of each optimizer step: neighbours in length together, steps in random order, new each epoch.

    A function of (recipe.seed, epoch) alone, so that a resumed training sees the same order. The very first step
    holds the longest example: memory runs out there or never.
    """
    chance = random.Random(f"{recipe.seed}/{epoch}")
    order = list(range(len(samples)))
    chance.shuffle(order)
    # Neighbours among a random part of the examples, at most a quarter, as transformers' own sampler takes them: sorted
    # all together the same examples would meet in every epoch. Each part goes through all lengths before the next.
    part = recipe.batch * max(1, min(PARTS, len(order) // (4 * recipe.batch)))
    # Mixes neighbours: where length goes with the label, steps of one label alone teach the last one.
    near = [len(sample.ids) + chance.uniform(-3.0, 3.0) for sample in samples]
    steps: list[list[int]] = []
    for at in range(0, len(order), part):
        sheet = sorted(order[at : at + part], key=lambda i: -near[i])
        cut = [sheet[begin : begin + recipe.batch] for begin in range(0, len(sheet), recipe.batch)]
        chance.shuffle(cut)
        steps += cut
    if epoch == 0:
        longest = max(range(len(samples)), key=lambda i: len(samples[i].ids))
        first = next(i for i, step in enumerate(steps) if longest in step)
        steps.insert(0, steps.pop(first))
    return steps


def split_step(step: Sequence[int], samples: Sequence[Sample], tokens: int) -> list[list[int]]:
    """A step's examples in pieces of at most `tokens` padded tokens, one example at least, longest first."""
    pieces: list[list[int]] = []
    width = 0
    for index in sorted(step, key=lambda i: -len(samples[i].ids)):
        if not pieces or (len(pieces[-1]) + 1) * width > tokens:
            pieces.append([])
            width = len(samples[index].ids)
        pieces[-1].append(index)
    return pieces


def sample_of(pair: Pair, layout: Layout) -> Sample:
    """The pair as tokens, with what of it carries loss."""
    prompt, completion = layout.pair_ids(pair.prompt, pair.answer.strip(), pair.messages)
    earlier = layout.earlier_spans(pair.messages) if pair.messages else ()
    return Sample(ids=(*prompt, *completion), start=len(prompt), earlier=earlier or ())


def _untrained(pairs: Sequence[Pair], samples: Sequence[Sample], layout: Layout) -> tuple[str, ...]:
    """What is said of conversations of which the last answer alone is trained although others should be."""
    wanted = [at for at, pair in enumerate(pairs) if any(m.trained for m in pair.messages)]
    missed = [pairs[at] for at in wanted if not samples[at].earlier]
    if not missed:
        return ()
    why = "the chat template does not leave earlier answers as they were given"
    if not layout.chat:
        why = "the model has no chat template, and what was said before is one text"
    return (
        f"In {len(missed)} of {len(wanted)} conversations only the last answer is trained: {why}: {_places(missed)}.",
    )


def _validation(groups: Sequence[str], recipe: Recipe) -> set[int]:
    """Positions of the validation side: whole groups, drawn until the share is reached, never all."""
    names = sorted(set(groups))
    random.Random(f"{recipe.seed}/split").shuffle(names)
    wanted = max(1, round(len(groups) * recipe.eval_share))
    members: dict[str, list[int]] = {}
    for at, name in enumerate(groups):
        members.setdefault(name, []).append(at)
    chosen: set[int] = set()
    for name in names:
        if len(chosen) >= wanted:
            break
        # One giant group must not become the validation set.
        if len(chosen) + len(members[name]) <= max(wanted * 2, 1):
            chosen.update(members[name])
    if not chosen:  # every group is larger than twice the share: split inside the smallest one
        smallest = min(names, key=lambda name: (len(members[name]), name))
        chosen.update(members[smallest][:wanted])
    return chosen


def _warnings(kept: int, dropped: Sequence[Pair], limit: int, total: int) -> tuple[str, ...]:
    said = []
    if dropped:
        said.append(
            f"{len(dropped)} of {total} examples are longer than {limit} tokens and were left out: {_places(dropped)}."
        )
    if kept < FEW:
        said.append(f"Only {kept} examples: the result depends on chance; {FEW} or more are usual.")
    return tuple(said)


def _epochs(kept: int, recipe: Recipe) -> tuple[str, ...]:
    """Evidence 5.2: one or two epochs above 20,000 examples, three with early stopping below."""
    if kept <= MANY or recipe.epochs <= 2:
        return ()
    return (f"{recipe.epochs} epochs over {kept:,} examples: one or two are usual above {MANY:,}.",)


def _places(pairs: Sequence[Pair]) -> str:
    named = ", ".join(pair.where or "an example without a row number" for pair in pairs[:SHOWN])
    more = len(pairs) - SHOWN
    return f"{named} and {more} more" if more > 0 else named
