"""Prompts, shots, overflow and the one answering path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baselines.contract import NotApplicable
from baselines.prompting import Material, fitted
from baselines.shots import balanced, diverse
from reports.run.schema import Example, Passage, Question, Task

TASK = Task(type="classification", instruction="Name it.", labels=("a", "b"))


def _examples(n: int, labels: str = "ab") -> list[Example]:
    return [Example(id=str(i), input=f"text number {i}", output=labels[i % len(labels)]) for i in range(n)]


def _words(text: str) -> int:
    return len(text.split())


def test_zero_shot_sends_the_question_alone(world: Any) -> None:
    questions = [Question(id=str(i), input=f"case {i}") for i in range(5)]
    world.model.says = lambda prompt: f"  {prompt.split()[2]} \n"
    approach = world.make("zero-shot", {}, world.resources(task=TASK, questions=questions))
    replies = world.answers(approach, questions)
    assert {case: reply.text for case, reply in replies.items()} == {str(i): str(i) for i in range(5)}
    assert replies["3"].prompt == "Input: case 3\n\nName it.\nAnswer with exactly one of: a, b"
    assert replies["3"].prompt_tokens == _words(replies["3"].prompt)


def test_a_task_with_several_labels_asks_for_several(world: Any) -> None:
    question = Question(id="1", input="case")
    task = TASK.model_copy(update={"several_labels": True})
    replies = world.answers(world.make("zero-shot", {}, world.resources(task=task, questions=[question])), [question])
    assert replies["1"].prompt == "Input: case\n\nName it.\nAnswer with one or more, joined by |, of: a, b"


@pytest.mark.parametrize(
    ("kind", "shared"),
    [("zero-shot", 1), ("few-shot", 3), ("knn-few-shot", 1)],
    ids=["the instruction", "and the examples", "the instruction alone"],
)
def test_an_instruction_of_its_own_may_stand_first_where_a_prompt_cache_holds_it(
    world: Any, kind: str, shared: int
) -> None:
    questions = [Question(id=str(i), input=f"case {i}") for i in range(3)]
    options = {"instruction": "Which is it?", "instruction_first": True} | ({} if kind == "zero-shot" else {"shots": 2})
    resources = world.resources(task=TASK, train=_examples(20), questions=questions)
    approach = world.make(kind, options, resources)
    asked = approach.ask(questions, world.model)
    for place, found in enumerate(asked):
        assert found.prompt.text.startswith("Which is it?\nAnswer with exactly one of: a, b\n\nInput: ")
        assert found.prompt.text.endswith(f"Input: case {place}")
    beginnings = {found.prompt.text[: found.prompt.shared] for found in asked}
    assert len(beginnings) == 1
    assert beginnings.pop().count("\n\n") == shared
    plain = world.make(kind, {name: value for name, value in options.items() if name == "shots"}, resources)
    assert plain.fingerprint() != approach.fingerprint()


def test_a_failure_of_the_model_stays_a_failure(world: Any) -> None:
    questions = [Question(id="1", input="fine"), Question(id="2", input="broken")]
    world.model.says = lambda prompt: "FAIL" if "broken" in prompt else "a"
    replies = world.answers(world.make("zero-shot", {}, world.resources(questions=questions)), questions)
    assert (replies["1"].status, replies["2"].status, replies["2"].error) == ("ok", "error", "the fake failed")


def test_few_shot_is_the_same_before_every_question(world: Any) -> None:
    questions = [Question(id=str(i), input=f"case {i}") for i in range(3)]
    approach = world.make("few-shot", {"shots": 4}, world.resources(train=_examples(20), questions=questions))
    prompts = [reply.prompt for reply in world.answers(approach, questions).values()]
    heads = {prompt.split("Input: case")[0] for prompt in prompts}
    assert len(heads) == 1
    assert heads.pop().count("Answer: ") == 4


def test_an_example_that_the_eval_set_asks_is_never_shown(world: Any) -> None:
    questions = [Question(id="1", input="Text number 0!")]
    resources = world.resources(train=_examples(2), questions=questions)
    for kind in ("few-shot", "knn-few-shot"):
        prompt = world.answers(world.make(kind, {"shots": 2}, resources), questions)["1"].prompt
        assert prompt.count("Answer: ") == 1, kind
        assert "number 1" in prompt, kind


@pytest.mark.parametrize("kind", ["few-shot", "knn-few-shot", "classifier"])
def test_a_training_file_that_is_the_eval_file_leaves_nothing_to_learn_from(world: Any, kind: str) -> None:
    train = _examples(10)
    questions = [Question(id=e.id, input=e.input) for e in train]
    with pytest.raises(NotApplicable, match="every training example is also an eval case"):
        world.make(kind, {}, world.resources(train=train, questions=questions))


def test_nearest_example_stands_last(world: Any) -> None:
    train = [
        Example(id="1", input="apple pie recipe", output="a"),
        Example(id="2", input="car engine noise", output="b"),
        Example(id="3", input="apple pie with cream", output="a"),
    ]
    questions = [Question(id="q", input="apple pie with vanilla cream")]
    approach = world.make("knn-few-shot", {"shots": 2}, world.resources(train=train, questions=questions))
    prompt = world.answers(approach, questions)["q"].prompt
    assert prompt.index("apple pie recipe") < prompt.index("apple pie with cream") < prompt.index("vanilla")
    assert "car engine" not in prompt


def test_examples_of_the_questions_own_group_are_left_out(world: Any) -> None:
    train = [Example(id=str(i), input=f"apple {i}", output="a", group="own") for i in range(30)]
    train.append(Example(id="x", input="car", output="b", group="other"))
    questions = [Question(id="q", input="apple", group="own")]
    approach = world.make("knn-few-shot", {"shots": 2}, world.resources(train=train, questions=questions))
    prompt = world.answers(approach, questions)["q"].prompt
    assert prompt.startswith("Input: car\nAnswer: b\n\nInput: apple\n")


def test_embeddings_of_the_pool_are_found_again(world: Any) -> None:
    resources = world.resources(train=_examples(10), questions=[])
    world.make("knn-few-shot", {}, resources)
    world.make("knn-few-shot", {}, resources)
    assert world.embedder.embedded == 10


@pytest.mark.parametrize("budget", [5, 20, 30, 45, 60, 1000])
def test_what_does_not_fit_goes_from_the_front(budget: int) -> None:
    examples = tuple(_examples(8))
    passages = tuple(Passage(document="d", index=i, text=f"passage {i} says little") for i in range(3))
    question = Question(id="q", input="what is it")
    asked = fitted(TASK, question, Material(examples, passages), budget, _words)
    kept = [e for e in examples if f"{e.input}\n" in asked.prompt.text]
    assert kept == list(examples[len(examples) - len(kept) :])
    assert asked.passages == passages[: len(asked.passages)]
    assert asked.dropped == 11 - len(kept) - len(asked.passages)
    assert not kept or len(asked.passages) == 3
    assert _words(asked.prompt.text) <= budget or asked.dropped == 11
    assert "what is it" in asked.prompt.text
    assert asked.prompt.shared == (0 if asked.dropped else asked.prompt.text.index("Passage 1"))


def test_a_cut_prompt_is_said(world: Any) -> None:
    world.model.context_length = 64 + 64 + 30
    questions = [Question(id="q", input="what is it")]
    approach = world.make("few-shot", {}, world.resources(train=_examples(20), questions=questions))
    world.answers(approach, questions)
    assert [event.text for event in world.events if event.kind == "warned"] == [
        "1 of 1 prompts were too long for the context of 158 tokens: up to 6 examples or passages left out"
    ]


def test_one_question_alone_gives_the_same_answer(world: Any) -> None:
    world.model.says = lambda prompt: str(len(prompt))
    questions = [Question(id=str(i), input="word " * i) for i in range(1, 4)]
    approach = world.make("few-shot", {"shots": 2}, world.resources(train=_examples(9), questions=questions))
    together = world.answers(approach, questions)
    assert {q.id: approach.answer_one(q) for q in questions} == together


def test_the_fingerprint_moves_with_what_decides_the_answers(world: Any) -> None:
    train = _examples(12)
    base = world.resources(train=train)
    changed = {
        "same": base,
        "instruction": world.resources(train=train, task=TASK.model_copy(update={"instruction": "Other."})),
        "labels": world.resources(train=train, task=TASK.model_copy(update={"labels": ("a", "b", "c")})),
        "train": world.resources(train=train[:-1]),
        "length": replace(base, spec=base.spec.model_copy(update={"max_answer_tokens": 5})),
    }
    found = {name: world.make("few-shot", {}, resources).fingerprint() for name, resources in changed.items()}
    assert len({world.make("few-shot", {}, base).fingerprint(), found["same"]}) == 1
    assert len(set(found.values())) == len(changed)
    assert world.make("few-shot", {"shots": 3}, base).fingerprint() != found["same"]
    world.model.fingerprint = "fake-2"
    assert world.make("few-shot", {}, base).fingerprint() != found["same"]


def test_balanced_shots_take_labels_in_turn() -> None:
    examples = _examples(30, "aaab")
    chosen = balanced(examples, 4)
    assert sorted(e.output for e in chosen) == ["a", "a", "b", "b"]
    assert balanced(examples[::-1], 4) == chosen
    assert {e.output for e in balanced(_examples(40, "aaaabbbc"), 2)} == {"a", "b"}
    assert balanced(examples, 0) == ()
    assert len(balanced(examples[:3], 8)) == 3


def test_diverse_shots_are_short_and_share_few_words() -> None:
    same = [Example(id=f"s{i}", input="how do I pay", output=f"by card {i}") for i in range(5)]
    other = Example(id="o", input="opening hours", output="nine")
    long = Example(id="l", input="very " * 100, output="long")
    chosen = diverse([*same, other, long], 2)
    assert other in chosen
    assert long not in chosen
    assert len(diverse([*same, other, long], 50)) <= 3
