"""Listens to a model while it trains: answers a few fixed prompts and says whether they fell apart.

    sampler = Sampler(model, tokenizer, prepared, end_ids)
    heard = sampler.listen()                       # repetition, entropy, format rate of 16 greedy answers
    alarm = sampler.judge(heard, recipe)           # "" while all is well

The loss cannot tell a learning rate that is too high from a hard task; answers that repeat themselves, or lose a form
that they had, can. Greedy decoding: no random number is drawn, so a training is the same with and without it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from finetune.data import Prepared, Sample, split_step
from finetune.guards import lower_rate
from finetune.loading import is_out_of_memory
from finetune.recipe import Recipe

PROMPTS = 16
MOST_TOKENS = 256
"""Of an answer that is listened to."""
REPEATED = 0.5
"""Share of repeated word pairs from which an answer is called repetition."""
LOST = 0.5
"""Loss in format rate, against the best one heard, that is an alarm."""
CLOSED = 50
"""Most distinct answers of training data that has a fixed set of them."""


@dataclass(frozen=True)
class Heard:
    """What the answers are like at one evaluation."""

    repetition: float
    """Share of answers that repeat themselves."""
    entropy: float
    """Mean over the answers' tokens, in nats: 0 is certain, ln(vocabulary) knows nothing."""
    format_rate: float
    """Share that ended, and is one of the known answers or JSON where the training data is."""


class Sampler:
    """The fixed prompts of one training. Validation examples first."""

    def __init__(self, model: Any, tokenizer: Any, prepared: Prepared, end_ids: Sequence[int]) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.end_ids = sorted(end_ids)
        pool = (*prepared.validation, *prepared.train)
        self.samples = pool[: min(PROMPTS, len(pool))]
        self.limit = min(MOST_TOKENS, _usual(len(sample.ids) - sample.start for sample in pool) + 4)
        self._form = Form.of([self._text(sample.ids[sample.start :]) for sample in prepared.train])
        self.first: Heard | None = None
        """Of the untrained model."""
        self.best_format = 0.0
        self.told = False

    def listen(self, tokens_at_once: int = 4096) -> Heard | None:
        """Answers all prompts; None where memory does not suffice for it. Leaves the model in its mode."""
        training = self.model.training
        self.model.eval()
        try:
            texts: list[tuple[str, bool]] = []
            entropies: list[float] = []
            prompts = [Sample(s.ids[: s.start], 0) for s in self.samples]
            for piece in split_step(range(len(prompts)), prompts, tokens_at_once):
                found, said = self._answers([prompts[i].ids for i in piece])
                texts += found
                entropies += said
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        finally:
            self.model.train(training)
        heard = Heard(
            repetition=sum(repeats(text) for text, _ in texts) / len(texts),
            entropy=sum(entropies) / max(1, len(entropies)),
            format_rate=sum(self._kept(text, ended) for text, ended in texts) / len(texts),
        )
        self.first = self.first or heard
        return heard

    def judge(self, heard: Heard, recipe: Recipe) -> str:
        """A sentence, once, when answers fall apart that did not before; else an empty string."""
        self.best_format, best = max(self.best_format, heard.format_rate), self.best_format
        first = self.first or heard
        if self.told:
            return ""
        ceiling = 0.9 * math.log(max(2, len(self.tokenizer)))
        if heard.repetition >= first.repetition + REPEATED:
            what = f"{heard.repetition:.0%} of the sample answers repeat themselves ({first.repetition:.0%} before)"
        elif heard.format_rate <= best - LOST:
            what = f"{heard.format_rate:.0%} of the sample answers keep the form of the data ({best:.0%} before)"
        elif heard.entropy > ceiling > first.entropy:
            what = f"the sample answers are noise (entropy {heard.entropy:.1f}, {first.entropy:.1f} before)"
        else:
            return ""
        self.told = True
        return f"learning_rate {recipe.learning_rate:g} looks too high: {what}. {lower_rate(recipe)}"

    @property
    def facts(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        first = self.first
        return {"first": vars(first) if first else None, "best_format": self.best_format, "told": self.told}

    def recall(self, facts: dict[str, Any]) -> None:
        """The state of `facts`."""
        self.first = Heard(**facts["first"]) if facts["first"] else None
        self.best_format, self.told = facts["best_format"], facts["told"]

    @torch.no_grad()
    def _answers(self, prompts: Sequence[Sequence[int]]) -> tuple[list[tuple[str, bool]], list[float]]:
        """((text, ended) of each prompt, entropy of each generated token)."""
        device = next(self.model.parameters()).device
        width = max(map(len, prompts))
        ids = torch.tensor([[*[self.end_ids[0]] * (width - len(p)), *p] for p in prompts], device=device)
        mask = torch.tensor([[*[0] * (width - len(p)), *[1] * len(p)] for p in prompts], device=device)
        out = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=self.limit,
            eos_token_id=self.end_ids,
            pad_token_id=self.end_ids[0],
            return_dict_in_generate=True,
            output_logits=True,
        )
        answers, entropies = [], []
        alive = [True] * len(prompts)
        rows: list[list[int]] = [[] for _ in prompts]
        for step, logits in enumerate(out.logits):
            odds = torch.log_softmax(logits.float(), dim=-1)
            spread = (-(odds.exp() * odds.clamp(min=-100)).sum(-1)).tolist()
            for row, token in enumerate(out.sequences[:, width + step].tolist()):
                if alive[row]:
                    entropies.append(spread[row])
                    alive[row] = token not in self.end_ids
                    rows[row].extend([token] if alive[row] else [])
        for row, found in enumerate(rows):
            answers.append((self._text(found), not alive[row]))
        return answers, entropies

    def _kept(self, text: str, ended: bool) -> bool:
        """The answer has the form. Where usual answers are longer than what is listened to, none of them can end."""
        if ended or self.limit < MOST_TOKENS:
            return ended and self._form.holds(text)
        return bool(text) and not repeats(text)

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text.strip()


@dataclass(frozen=True)
class Form:
    """What all answers of the training data have in common."""

    answers: frozenset[str] = frozenset()
    """The fixed set of answers; empty where they are free."""
    json: bool = False

    @classmethod
    def of(cls, answers: Sequence[str]) -> Form:
        """A fixed set where few answers stand for many examples; JSON where nearly all of them are."""
        known = frozenset(answers)
        return cls(
            answers=known if len(known) <= min(CLOSED, len(answers) // 4) else frozenset(),
            json=sum(map(_is_json, answers)) >= 0.95 * max(1, len(answers)),
        )

    def holds(self, answer: str) -> bool:
        """True where the answer has the form; free answers must only say something."""
        if self.answers:
            return answer in self.answers
        return _is_json(answer) if self.json else bool(answer)


def _usual(lengths: Iterable[int]) -> int:
    """Tokens that 95 % of the answers need at most."""
    ordered = sorted(lengths)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]


def repeats(text: str) -> bool:
    """True where half of the text's pairs of neighbouring words (or of characters, in one long word) came before."""
    units: Sequence[str] = text.split()
    units = units if len(units) >= 6 else text.replace(" ", "")
    pairs = list(itertools.pairwise(units))
    return len(pairs) >= 8 and 1 - len(set(pairs)) / len(pairs) >= REPEATED


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False
