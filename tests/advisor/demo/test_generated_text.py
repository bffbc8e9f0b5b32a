"""The generator of the demo model's text, and how the trainer reads it."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest
import torch

from advisor.demo import model_folder, network, packing, text_mix, tokens


@pytest.fixture(scope="module")
def encoder() -> tokens.Encoder:
    return tokens.Encoder(tokens.load(model_folder()))


def test_same_seed_same_text() -> None:
    first, again, other = (list(islice(text_mix.stream(seed), 60)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_every_kind_comes_up() -> None:
    kinds = {sheet.kind for sheet in islice(text_mix.stream(0), 600)}
    assert kinds == {
        "reading",
        "closed book",
        "classes",
        "guided",
        "natural",
        "extraction",
        "lookup",
        "copying",
        "marks",
    }


def test_answers_to_questions_on_passages_stand_in_them() -> None:
    rng = Random(2)
    turns = [turn for _ in range(100) for turn in text_mix.reading(rng).turns]
    known = [turn for turn in turns if turn.answer != "I don't know."]
    assert 0 < len(known) < len(turns)
    assert all(turn.answer.lower() in turn.prompt.lower() for turn in known)


def test_tokens_give_the_text_back(encoder: tokens.Encoder) -> None:
    for sheet in islice(text_mix.stream(1), 50):
        text = tokens.prompt_text(sheet.turns[0].prompt) + tokens.answer_text(sheet.turns[0].answer)
        assert encoder.tokenizer.decode(encoder.tokenizer.encode(text).ids, skip_special_tokens=False) == text
    odd = "Grüße 12,5 € \t<b>漢字</b>\n\n  x"
    assert encoder.tokenizer.decode(encoder.tokenizer.encode(odd).ids, skip_special_tokens=False) == odd


def test_loss_falls_on_whole_answers_and_their_end(encoder: tokens.Encoder) -> None:
    end = tokens.id_of(encoder.tokenizer, tokens.END)
    for sheet in islice(text_mix.stream(9), 40):
        row = encoder.row(sheet)
        learnt = [t for t, w in zip(row.target, row.weight, strict=True) if w == 1.0]
        answers = [encoder.tokenizer.encode(tokens.answer_text(t.answer)).ids for t in sheet.turns]
        assert learnt == [i for ids in answers for i in ids]
        assert learnt.count(end) == len(sheet.turns)


def test_branches_cost_nothing_in_precision(encoder: tokens.Encoder) -> None:
    """A turn gets the same logits beside its sisters as alone."""
    net = network.Network(network.Shape(width=32, heads=4, layers=2, hidden=48))
    network.initialise(net)
    sheet = next(s for s in text_mix.stream(0) if len(s.turns) > 2)
    alone = text_mix.Sheet(sheet.kind, sheet.turns[1:2])
    together, single = (packing.collate([encoder.row(s)], Random(0), 0.0, 0.0) for s in (sheet, alone))
    row = encoder.row(sheet)
    with torch.no_grad():
        both = net(together.tokens, together.position, together.mask, together.where)
        one = net(single.tokens, single.position, single.mask, single.where)
    own = [i for i, place in enumerate(together.where.tolist()) if row.branch[place] == 2]
    torch.testing.assert_close(both[own], one, atol=1e-4, rtol=1e-4)


def test_batches_hold_little_padding(encoder: tokens.Encoder) -> None:
    made = list(islice(packing.batches(encoder, 0, text_mix.FULL, 640), 20))
    padding = sum(int((b.tokens == 0).sum()) for b in made) / sum(b.tokens.numel() for b in made)
    assert padding < 0.08
