"""Fine-tuned approaches on a small random model: trained once, answered through the one path, resumed after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baselines.contract import NotApplicable
from baselines.finetuned import without_answer
from baselines.latency import measure_interleaved
from finetune.data import sample_of
from reports.errors import DataError, UsageError
from reports.run.events import Event, Measured, Prepared, Trained, TrainingFinished, Warned
from reports.run.schema import ApproachSpec, Document, Example, LatencySample, ModelSpec, Passage, Question, Task, Turn

TASK = Task(type="classification", instruction="Name it.", labels=("refund", "card"))
WORDS = {"refund": "order shipped back", "card": "card payment top"}
TRAIN = [
    Example(id=f"t{i}", input=f"{WORDS[label]} {i}", output=label, row=i + 2)
    for i, label in enumerate(["refund", "card"] * 30)
]
QUESTIONS = [Question(id=f"q{i}", input=f"{WORDS[label]} {100 + i}") for i, label in enumerate(["refund", "card"] * 4)]
QUICK = {"learning_rate": 1e-2, "epochs": 3, "batch": 8}


@pytest.fixture
def engine(world: Any, tiny_model: Path) -> Any:
    from baselines.models.local import load

    world.model = load(ModelSpec(id=str(tiny_model)), device="cpu")
    return world


@pytest.mark.parametrize("kind", ["lora", "qlora", "full"])
def test_it_learns_the_labels_that_the_base_does_not_know(engine: Any, kind: str) -> None:
    resources = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    before = engine.answers(engine.make("zero-shot", {}, resources), QUESTIONS)
    approach = engine.make(kind, QUICK if kind != "full" else {**QUICK, "learning_rate": 3e-3}, resources)
    replies = engine.answers(approach, QUESTIONS)
    expected = {f"q{i}": label for i, label in enumerate(["refund", "card"] * 4)}
    assert {case: reply.text for case, reply in replies.items()} == expected
    assert {reply.status for reply in replies.values()} == {"ok"}
    assert all(reply.text not in TASK.labels for reply in before.values())
    assert [r.prompt for r in replies.values()] == [before[case].prompt for case in replies]


def test_events_tell_the_course_and_the_result(engine: Any) -> None:
    engine.make("qlora", QUICK, engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS))
    trained = [event for event in engine.events if isinstance(event, Trained)]
    (finished,) = [event for event in engine.events if isinstance(event, TrainingFinished)]
    assert trained[0].point.step == 1
    assert [event.point.step for event in trained].count(0) == 1
    assert trained[-1].point.step == finished.training.steps == trained[-1].total_steps
    assert finished.training.best_validation_loss is not None
    assert finished.training.recipe["answers_on"] == "float32"
    assert finished.training.prompt_hash == engine.model.layout.hash
    assert isinstance(engine.events[-1], Prepared)


def test_preparing_again_finds_the_adapter(engine: Any) -> None:
    resources = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    first = engine.make("lora", QUICK, resources)
    expected = engine.answers(first, QUESTIONS)
    (before,) = [event for event in engine.events if isinstance(event, TrainingFinished)]
    engine.events.clear()
    again = engine.make("lora", QUICK, resources)
    assert not [event for event in engine.events if isinstance(event, Trained)]
    assert [event for event in engine.events if isinstance(event, TrainingFinished)] == [before]
    assert engine.answers(again, QUESTIONS) == expected
    assert again.fingerprint() == first.fingerprint()


def test_merged_weights_are_timed_beside_the_adapter_where_that_is_asked_for(engine: Any) -> None:
    resources = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    plain = engine.make("lora", QUICK, resources)
    asked = engine.make("lora", {**QUICK, "merged_latency": True}, resources)
    assert plain.as_merged() is None
    assert asked.fingerprint() == plain.fingerprint(), "the trained weights are the same"
    merged = asked.as_merged()
    merged.prepare(engine.events.append)
    forms = (asked, merged)
    samples: list[LatencySample] = []

    def emit(event: Event) -> None:
        samples.extend([event.sample] if isinstance(event, Measured) else [])
        assert not isinstance(event, Warned)

    measure_interleaved(forms, QUESTIONS, set(), emit, levels=(1, 4), samples=4)
    warm = [(sample.case, sample.concurrency, sample.merged) for sample in samples if sample.phase == "warm"]
    assert sorted(warm) == sorted(
        (f"q{n}", level, form) for n in range(4) for level in (1, 4) for form in (False, True)
    )
    assert all(sample.ttft_seconds for sample in samples)
    assert not any("lora" in name for name, _ in merged._model().core.model.named_modules())
    beside, inside = (engine.answers(form, QUESTIONS) for form in forms)
    assert {case: reply.text for case, reply in beside.items()} == {case: reply.text for case, reply in inside.items()}


def test_an_unfinished_training_goes_on(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baselines.finetuned.EVENT_SECONDS", 0.0)
    resources = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    from baselines.registry import create
    from finetune.train import train

    defaults = train.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "checkpoint_seconds", 0.0)
    spec = ApproachSpec(name="lora", kind="lora", options=QUICK)

    def until(event: Any) -> None:
        if isinstance(event, Trained) and event.point.step == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create(spec, resources).prepare(until)
    steps: list[int] = []
    create(spec, resources).prepare(lambda e: steps.append(e.point.step) if isinstance(e, Trained) else None)
    assert steps[0] == 9


def test_the_fingerprint_moves_with_data_recipe_and_model(engine: Any, plain_model: Path) -> None:
    from baselines.models.local import load
    from baselines.registry import create

    def fingerprint(train: list[Example] = TRAIN, **options: Any) -> str:
        resources = engine.resources(task=TASK, train=train, questions=QUESTIONS)
        return create(ApproachSpec(name="lora", kind="lora", options=options), resources).fingerprint()

    seen = {fingerprint(), fingerprint(rank=8), fingerprint(seed=3), fingerprint(TRAIN[1:])}
    assert fingerprint() in seen
    engine.model = load(ModelSpec(id=str(plain_model)), device="cpu")
    assert len(seen | {fingerprint()}) == 5
    assert engine.model.core._weights is None


def test_eval_inputs_are_never_trained_on(engine: Any) -> None:
    from baselines.registry import create

    leaked = Example(id="leak", input=QUESTIONS[0].input.upper() + "!", output="refund")
    resources = engine.resources(task=TASK, train=[*TRAIN, leaked], questions=QUESTIONS)
    approach: Any = create(ApproachSpec(name="lora", kind="lora"), resources)
    assert len(approach.pairs()) == len(TRAIN)


def test_too_few_and_empty_examples_say_where(engine: Any) -> None:
    with pytest.raises(DataError, match="at least 10 examples; the training data has 6"):
        engine.make("lora", QUICK, engine.resources(task=TASK, train=TRAIN[:6], questions=QUESTIONS))
    broken = [*TRAIN, Example(id="e", input="nothing", output=" ", row=99)]
    with pytest.raises(DataError, match=r"1 of 61 training outputs .* row 99"):
        engine.make("lora", QUICK, engine.resources(task=TASK, train=broken, questions=QUESTIONS))


def test_examples_beyond_the_context_are_warned_about(engine: Any) -> None:
    long = Example(id="long", input="card " * 700, output="card", row=77)
    engine.make("lora", QUICK, engine.resources(task=TASK, train=[*TRAIN, long], questions=QUESTIONS))
    said = [event.text for event in engine.events if isinstance(event, Warned)]
    assert any("row 77" in text and "left out" in text for text in said)


def test_endpoints_are_not_applicable_and_remote_models_refused(engine: Any) -> None:
    from baselines.registry import create

    resources = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    endpoint = ApproachSpec(name="qlora", kind="qlora", model=ModelSpec(id="openai:gpt"))
    with pytest.raises(NotApplicable, match="openai:gpt"):
        create(endpoint, resources)
    engine.model = type("Remote", (), {"name": "remote", "context_length": 512, "device": "remote"})()
    with pytest.raises(UsageError, match="remote cannot be trained here"):
        engine.make("qlora", QUICK, resources)


class TestWithRetrieval:
    TASK = Task(type="qa", instruction="Answer the question.")
    DOCUMENTS = [
        Document(id=f"d{i}", text=f"The code of box {i} is {1000 + i}. It stands in hall {i % 7}.") for i in range(50)
    ]
    TRAIN = [Example(id=f"t{i}", input=f"What is the code of box {i}?", output=str(1000 + i)) for i in range(40)]
    QUESTIONS = [Question(id=f"q{i}", input=f"What is the code of box {i}?") for i in range(40, 46)]

    def test_training_prompts_hold_passages_with_distractors_and_sometimes_no_answer(self, engine: Any) -> None:
        from baselines.registry import create

        resources = engine.resources(
            task=self.TASK, train=self.TRAIN, documents=self.DOCUMENTS, questions=self.QUESTIONS
        )
        options = {**QUICK, "passages": 3, "search": "lexical"}
        approach: Any = create(ApproachSpec(name="qlora+rag", kind="qlora+rag", options=options), resources)
        pairs = approach.pairs()
        assert all(pair.prompt.count("Passage ") == 3 for pair in pairs)
        present = sum(f" is {pair.answer}." in pair.prompt for pair in pairs)
        assert 0.6 * len(pairs) <= present < len(pairs)
        assert pairs == approach.pairs()

    def test_it_trains_and_answers_with_passages(self, engine: Any) -> None:
        resources = engine.resources(
            task=self.TASK, train=self.TRAIN, documents=self.DOCUMENTS, questions=self.QUESTIONS
        )
        approach = engine.make("qlora+rag", {**QUICK, "epochs": 1, "passages": 2}, resources)
        replies = engine.answers(approach, self.QUESTIONS)
        assert all(len(reply.passages) == 2 for reply in replies.values())
        assert all("Passage 1: " in reply.prompt for reply in replies.values())


def test_passages_without_the_answer_are_told_by_whole_words() -> None:
    passages = [Passage(document=str(i), index=0, text=text) for i, text in enumerate(("In 2012.", "It is 12!", "x"))]
    assert [p.document for p in without_answer(passages, "12")] == ["0", "2"]
    assert len(without_answer(passages, "?")) == 3


def test_a_cached_model_trains_and_caches_under_its_adapter(engine: Any, tmp_path: Path) -> None:
    from baselines.models.cache import CachedModel, ResponseCache

    engine.model = CachedModel(engine.model, ResponseCache(tmp_path / "answers.sqlite"))
    resources = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    for kind, options in (("lora", QUICK), ("full", {**QUICK, "learning_rate": 3e-3})):
        approach = engine.make(kind, options, resources)
        first = engine.answers(approach, QUESTIONS)
        second = engine.answers(approach, QUESTIONS)
        assert not any(reply.from_cache for reply in first.values())
        assert all(reply.from_cache for reply in second.values())
        assert [r.text for r in first.values()] == [second[case].text for case in first]


def test_a_conversation_is_trained_and_asked_in_its_roles(engine: Any) -> None:
    task = Task(type="generation", instruction="Go on.")
    said = [Turn(role="user", text="order"), Turn(role="assistant", text=" shipped "), Turn(role="user", text="back")]
    talks = [e.model_copy(update={"turns": (said[0], said[1], Turn(role="user", text=e.input))}) for e in TRAIN]
    questions = [q.model_copy(update={"turns": tuple(said), "context": {"system": "Be kind."}}) for q in QUESTIONS]
    resources = engine.resources(task=task, train=talks, questions=questions)
    approach = engine.make("lora", {**QUICK, "epochs": 1}, resources)
    pair, layout = approach.pairs()[0], engine.model.layout
    sample = sample_of(pair, layout)
    heard = [layout.tokenizer.decode(sample.ids[start:end]) for start, end in sample.spans]
    assert [text.replace("<|end|>", "").strip() for text in heard] == ["shipped", TRAIN[0].output]
    prompt = approach.asked(questions[:1])[0].prompt
    assert [tuple(m) for m in prompt.messages] == [
        ("system", "Be kind.\n\nGo on.", False),
        ("user", "order", False),
        ("assistant", "shipped", True),
        ("user", "back", False),
    ]
    asked = Example(
        id="x", input=questions[0].input, output="y", context=questions[0].context, turns=questions[0].turns
    )
    approach._examples = (asked,)
    (same,) = approach.pairs()
    answering = layout.prompt_ids([prompt.text], [prompt.messages])[0]
    assert list(sample_of(same, layout).ids[: len(answering)]) == answering
    assert {reply.status for reply in engine.answers(approach, questions[:2]).values()} <= {"ok", "truncated"}


def test_fingerprints_move_with_turns_and_only_with_them(engine: Any) -> None:
    plain = engine.resources(task=TASK, train=TRAIN, questions=QUESTIONS)
    turns = (Turn(role="user", text="a"), Turn(role="assistant", text="b"), Turn(role="user", text="c"))
    spoken = [q.model_copy(update={"turns": turns}) for q in QUESTIONS]
    other = engine.resources(task=TASK, train=TRAIN, questions=spoken)
    prints = [engine.make("zero-shot", {}, resources).fingerprint() for resources in (plain, other)]
    assert prints[0] != prints[1]
