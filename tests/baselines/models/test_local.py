"""The local model: equal to transformers' greedy generate, one by one; statuses, stops, adapters, sharing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselines.models.contract import Decoding, Generation
from baselines.models.local import LocalModel, load
from baselines.prompts import Prompt
from reports.errors import DataError
from reports.run.schema import ModelSpec

WORDS = [
    "card",
    "payment",
    "refund",
    "the",
    "order",
    "was",
    "shipped",
    "monday",
    "quick",
    "brown",
    "fox",
    "balance",
    "top",
    "up",
    "12",
    "7",
    "address",
]
DECODING = Decoding(max_new_tokens=24)


def prompts(count: int, longest: int = 60, seed: int = 0) -> list[Prompt]:
    chance = random.Random(seed)
    return [Prompt(f"Input: {' '.join(chance.choices(WORDS, k=chance.randint(1, longest)))}") for _ in range(count)]


def answers(model: LocalModel, asked: list[Prompt], decoding: Decoding = DECODING) -> list[Generation]:
    found = {g.index: g for batch in model.generate(asked, decoding) for g in batch}
    assert sorted(found) == list(range(len(asked)))
    return [found[i] for i in range(len(asked))]


def greedy(model: LocalModel, ids: list[int], decoding: Decoding = DECODING) -> Any:
    """transformers' own greedy decoding of one prompt, with the logits of every step."""
    import torch

    return model.core.model.generate(
        input_ids=torch.tensor([ids], device=model.device),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long, device=model.device),
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,
        eos_token_id=sorted(model.layout.end_ids),
        pad_token_id=0,
        output_scores=True,
        return_dict_in_generate=True,
    )


def one_by_one(model: LocalModel, asked: list[Prompt], decoding: Decoding = DECODING) -> list[str]:
    """The texts of it, of each prompt alone."""
    decode = model.core.files.tokenizer.decode
    return [
        decode(greedy(model, ids, decoding).sequences[0, len(ids) :], skip_special_tokens=True).strip()
        for ids in model.layout.prompt_ids([prompt.text for prompt in asked])
    ]


def assert_equal_but_for_ties(
    model: LocalModel, asked: list[Prompt], found: list[str], expected: list[str], most: int = 1
) -> None:
    """The answers to `asked` alone. A few may differ where the two best tokens are within a float's noise: which is
    ahead then depends on the processor and on the shapes that were multiplied."""
    import torch

    other = [at for at, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b]
    assert len(other) <= most
    for ids in model.layout.prompt_ids([asked[at].text for at in other]):
        best = torch.stack([step[0].topk(2).values for step in greedy(model, ids).scores])
        assert float((best[:, 0] - best[:, 1]).min()) < 1e-3


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LocalModel:
    return load(ModelSpec(id=str(tiny_model)), device="cpu")


def test_batched_answers_equal_greedy_decoding_one_by_one(model: LocalModel) -> None:
    asked = prompts(120)
    found = answers(model, asked)
    expected = one_by_one(model, asked)
    assert_equal_but_for_ties(model, asked, [g.text for g in found], expected)
    assert {g.status for g in found} == {"ok", "truncated"}


@pytest.mark.parametrize(("rows", "prefill"), [(1, 1), (3, 64), (128, 100_000)])
def test_budgets_change_no_answer(model: LocalModel, rows: int, prefill: int) -> None:
    asked = prompts(30, seed=1)
    expected = [g.text for g in answers(model, asked)]
    limits = model.core.engine.limits
    kept = (limits.rows, limits.prefill_tokens)
    limits.rows, limits.prefill_tokens = rows, prefill
    try:
        assert [g.text for g in answers(model, asked)] == expected
    finally:
        limits.rows, limits.prefill_tokens = kept


def test_the_table_stays_within_its_budget_as_prompts_get_shorter(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.models.slots import SlotTable

    sizes: list[int] = []
    real = SlotTable.advance

    def watched(self: SlotTable, chosen: Any) -> None:
        sizes.append(self.capacity * self.columns)
        real(self, chosen)

    asked = prompts(60, longest=80, seed=11)
    expected = [g.text for g in answers(model, asked)]
    monkeypatch.setattr(SlotTable, "advance", watched)
    limits = model.core.engine.limits
    monkeypatch.setattr(limits, "table_tokens", 1200)
    assert [g.text for g in answers(model, asked)] == expected
    assert max(sizes) <= 1200
    assert len(set(sizes)) > 1


def test_shared_beginnings_change_no_answer(model: LocalModel) -> None:
    shots = "".join(f"Input: {w}\nAnswer: {w}\n\n" for w in WORDS[:8])
    asked = [Prompt(shots + p.text, shared=len(shots)) for p in prompts(25, longest=20, seed=2)]
    alone = [Prompt(p.text) for p in asked]
    assert_equal_but_for_ties(model, alone, [g.text for g in answers(model, asked)], one_by_one(model, alone))


def test_the_same_prompt_twice_and_prompts_of_one_token(model: LocalModel) -> None:
    asked = [Prompt("Input: card"), Prompt("Input: card"), Prompt("x")]
    found = answers(model, asked)
    assert found[0].text == found[1].text
    assert [g.text for g in found] == one_by_one(model, asked)


@pytest.mark.parametrize("shape", [{"kv_heads": 4}, {"kv_heads": 1}, {"sliding_window": 24, "chat": False}])
def test_other_attention_shapes_agree_too(
    build_tiny: Callable[..., Path], tmp_path: Path, shape: dict[str, int]
) -> None:
    model = load(ModelSpec(id=str(build_tiny(tmp_path / "m", **shape))), device="cpu")
    model._stops = ()
    asked = prompts(20, seed=3)
    assert [g.text for g in answers(model, asked)] == one_by_one(model, asked)


def test_the_padded_engine_gives_the_same_answers(model: LocalModel) -> None:
    from baselines.models.generation import Job, Stopping
    from baselines.models.padded import PaddedEngine

    asked = prompts(20, seed=4)
    jobs = [Job(i, ids) for i, ids in enumerate(model.layout.prompt_ids([p.text for p in asked]))]
    stopping = Stopping(model.layout.end_ids, 24, context=512)
    padded = PaddedEngine(model.core.model, "cpu")
    padded.budget = 300
    found = [c for batch in padded.run(jobs, stopping) for c in batch]
    assert all(c.first_at is not None for c in found)
    left = {c.index: (c.ids, c.reason) for c in found}
    right = {c.index: (c.ids, c.reason) for batch in model.core.engine.run(jobs, stopping) for c in batch}
    assert left == right


def test_one_alone_gives_the_same_answer_and_measures(model: LocalModel) -> None:
    asked = prompts(5, seed=5)
    for prompt, batched in zip(asked, answers(model, asked), strict=True):
        alone = model.generate_one(prompt, DECODING)
        assert (alone.text, alone.status, alone.completion_tokens) == (
            batched.text,
            batched.status,
            batched.completion_tokens,
        )
        assert alone.ttft_seconds is not None
        assert alone.seconds is not None
        assert 0 < alone.ttft_seconds <= alone.seconds


def test_several_at_a_time_are_timed_each_by_itself(model: LocalModel) -> None:
    asked = [*prompts(20, seed=4), Prompt("card " * 600)]
    together = {g.index: g for batch in model.generate_together(asked, DECODING) for g in batch}
    assert [together[i].text for i in range(20)] == [g.text for g in answers(model, asked[:20])]
    assert together[20].status == "error"
    timed = [together[i] for i in range(20)]
    assert len({g.ttft_seconds for g in timed}) == 1, "one batch: their first tokens come out of one step"
    assert all(0 < (g.ttft_seconds or 0) <= (g.seconds or 0) for g in timed)
    longest = max(timed, key=lambda g: g.completion_tokens or 0)
    shortest = min(timed, key=lambda g: g.completion_tokens or 0)
    assert (shortest.completion_tokens or 0) < (longest.completion_tokens or 0)
    assert (shortest.seconds or 0) < (longest.seconds or 0), "an answer is there when it ends, not when the batch does"


def test_sampling_depends_on_seed_not_on_neighbours(model: LocalModel) -> None:
    asked = prompts(12, seed=6)
    warm = Decoding(max_new_tokens=12, temperature=1.0, seed=1)
    together = [g.text for g in answers(model, asked, warm)]
    assert [g.text for g in answers(model, asked[5:6], warm)] == together[5:6]
    assert [model.generate_one(p, warm).text for p in asked[:3]] == together[:3]
    other = Decoding(max_new_tokens=12, temperature=1.0, seed=2)
    assert [g.text for g in answers(model, asked, other)] != together


def test_a_prompt_beyond_the_context_is_an_error_not_a_cut(model: LocalModel) -> None:
    long = Prompt("card " * 600)
    found = answers(model, [Prompt("Input: card"), long])
    assert found[0].status != "error"
    assert found[1].status == "error"
    assert "context of 512" in str(found[1].error)
    assert model.generate_one(long, DECODING).status == "error"


def test_an_answer_that_does_not_end_is_truncated_and_kept(model: LocalModel) -> None:
    cut = [g for g in answers(model, prompts(20), Decoding(max_new_tokens=3)) if g.status == "truncated"]
    assert cut
    for generation in cut:
        assert generation.completion_tokens == 3
        assert "did not end within 3 tokens" in str(generation.error)
    assert any(g.text for g in cut)


def test_answers_stop_at_the_end_of_the_context(tiny_model: Path) -> None:
    model = load(ModelSpec(id=str(tiny_model), context_length=40), device="cpu")
    found = [g for g in answers(model, prompts(40, longest=12)) if g.status == "truncated"]
    assert found
    assert all((g.prompt_tokens or 0) + (g.completion_tokens or 0) <= 40 for g in found)


def test_stop_texts_end_an_answer(model: LocalModel) -> None:
    asked = prompts(20, seed=7)
    free = answers(model, asked)
    letter = next(g.text[len(g.text) // 2] for g in free if len(g.text) > 8 and g.text[len(g.text) // 2].isalnum())
    stopped = answers(model, asked, Decoding(max_new_tokens=24, stop=(letter,)))
    for before, after in zip(free, stopped, strict=True):
        assert letter not in after.text
        assert before.text.startswith(after.text)
    assert sum(g.completion_tokens or 0 for g in stopped) < sum(g.completion_tokens or 0 for g in free)


def test_a_model_without_template_stops_at_a_blank_line(plain_model: Path) -> None:
    model = load(ModelSpec(id=str(plain_model)), device="cpu")
    assert model._stops == ("\n\n",)
    assert model._stopped(model.core.files.tokenizer("card\n\nInput").input_ids, model._stops)
    assert not model._stopped(model.core.files.tokenizer("\n\ncard").input_ids, model._stops)


def test_out_of_memory_halves_the_budgets_and_loses_nothing(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = prompts(40, seed=8)
    expected = [g.text for g in answers(model, asked)]
    from baselines.models import generation

    engine = generation.Engine(model.core.model, "cpu")
    monkeypatch.setattr(model.core, "_engine", engine)
    real = generation._Pool._prefill

    def small(self: generation._Pool, jobs: list[generation.Job], columns: int, capacity: int) -> None:
        if len(jobs) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 1 GiB")
        real(self, jobs, columns, capacity)

    monkeypatch.setattr(generation._Pool, "_prefill", small)
    assert [g.text for g in answers(model, asked)] == expected
    assert engine.limits.rows <= 7


def test_a_prompt_that_never_fits_memory_is_an_error_of_its_own(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.models import generation

    engine = generation.Engine(model.core.model, "cpu")
    monkeypatch.setattr(model.core, "_engine", engine)
    real = generation._Pool._prefill

    def picky(self: generation._Pool, jobs: list[generation.Job], columns: int, capacity: int) -> None:
        if any(len(job.ids) > 100 for job in jobs):
            raise RuntimeError("CUDA out of memory. Tried to allocate 1 GiB")
        real(self, jobs, columns, capacity)

    monkeypatch.setattr(generation._Pool, "_prefill", picky)
    found = answers(model, [*prompts(10, longest=20), Prompt("card payment " * 60)])
    assert [g.status for g in found].count("error") == 1
    assert "Memory ran out" in str(found[-1].error)


def test_other_failures_are_not_taken_for_memory(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from baselines.models import generation

    def broken(*_: object) -> None:
        raise RuntimeError("a kernel failed")

    monkeypatch.setattr(generation._Pool, "_prefill", broken)
    with pytest.raises(RuntimeError, match="a kernel failed"):
        answers(model, prompts(2))


def test_the_fingerprint_follows_what_decides_answers(tiny_model: Path, plain_model: Path) -> None:
    specs = [
        ModelSpec(id=str(tiny_model)),
        ModelSpec(id=str(tiny_model), precision="bfloat16"),
        ModelSpec(id=str(tiny_model), context_length=100),
        ModelSpec(id=str(tiny_model), chat_template_arguments={"a": 1}),
        ModelSpec(id=str(plain_model)),
    ]
    assert len({load(spec, device="cpu").fingerprint for spec in specs}) == 5
    assert load(specs[0], device="cpu").fingerprint == load(ModelSpec(id="demo"), model_path=tiny_model).fingerprint


def test_a_context_beyond_the_models_is_refused(tiny_model: Path) -> None:
    with pytest.raises(DataError, match="more than the 512 positions"):
        load(ModelSpec(id=str(tiny_model), context_length=4096))


def test_opening_a_model_reads_no_weights(tiny_model: Path) -> None:
    model = load(ModelSpec(id=str(tiny_model)), device="cpu")
    assert model.count_tokens("card payment") > 0
    assert model.context_length == 512
    assert model.core._weights is None


class TestAdapters:
    @pytest.fixture(scope="class")
    def trained(self, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
        from finetune.data import Pair
        from finetune.recipe import Recipe
        from finetune.train import train

        folders = []
        for answer in ("refund", "balance"):
            pairs = [Pair(p.text, answer) for p in prompts(40, longest=10)]
            out = tmp_path_factory.mktemp(answer)
            recipe = Recipe.from_options("lora", {"learning_rate": 1e-2, "epochs": 3, "batch": 8})
            train(pairs, str(tiny_model), recipe, out, device="cpu")
            folders.append(out / "adapter")
        return folders

    def test_base_and_adapters_share_weights_and_keep_apart(self, tiny_model: Path, trained: list[Path]) -> None:
        base = load(ModelSpec(id=str(tiny_model)), device="cpu")
        asked = prompts(10, longest=10, seed=9)
        before = [g.text for g in answers(base, asked)]
        first, second = (base.with_adapter(folder) for folder in trained)
        assert {g.text for g in answers(first, asked)} == {"refund"}
        assert {g.text for g in answers(second, asked)} == {"balance"}
        assert [g.text for g in answers(base, asked)] == before
        assert first.core is base.core
        assert len({base.fingerprint, first.fingerprint, second.fingerprint}) == 3

    def test_interleaved_answers_do_not_mix(
        self, tiny_model: Path, trained: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("baselines.models.generation.YIELD_SECONDS", 0.0)
        base = load(ModelSpec(id=str(tiny_model)), device="cpu")
        base.core.engine.limits.rows = 2
        first, second = (base.with_adapter(folder) for folder in trained)
        asked = prompts(8, longest=10, seed=9)
        running = first.generate(asked, DECODING), second.generate(asked, DECODING)
        texts: list[set[str]] = [set(), set()]
        for pair in zip(*running, strict=False):
            for seen, batch in zip(texts, pair, strict=True):
                seen.update(g.text for g in batch)
        assert texts == [{"refund"}, {"balance"}]
        assert first.generate_one(asked[0], DECODING).text == "refund"
        assert second.generate_one(asked[0], DECODING).text == "balance"

    def test_the_adapter_of_another_base_is_refused(
        self, build_tiny: Callable[..., Path], tmp_path: Path, trained: list[Path]
    ) -> None:
        other = load(ModelSpec(id=str(build_tiny(tmp_path / "other", seed=7))), device="cpu")
        with pytest.raises(DataError, match="trained on other weights"):
            other.with_adapter(trained[0])
