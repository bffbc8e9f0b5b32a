"""The list of approaches as the plan screen shows and changes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor import plan, project
from advisor.choices import choices, read_option, toggled, with_options
from advisor.demo import project_folder
from advisor.project import Project
from reports.errors import UsageError


@pytest.fixture(scope="module")
def tickets() -> Project:
    return project.load(project_folder("tickets"))


def test_the_project_s_approaches_come_first_then_what_is_left_out(tickets: Project) -> None:
    found = choices(tickets, plan.prepare(tickets))
    assert [choice.name for choice in found if choice.state == "runs"] == [s.name for s in tickets.approach_specs()]
    off = [choice.name for choice in found if choice.state == "off"]
    assert "full" in off
    assert "recorded" not in off  # under its own name
    few = next(choice for choice in found if choice.name == "few-shot")
    assert (few.said, few.model, few.family) == (("shots",), "demo", "prompting")
    assert all(choice.reason for choice in found)


def test_skipped_ones_say_why(tickets: Project) -> None:
    without = tickets.model_copy(update={"data": tickets.data.model_copy(update={"documents": None})})
    found = {choice.name: choice for choice in choices(without, plan.prepare(without))}
    assert found["rag"].state == "skipped"
    assert "documents" in found["rag"].reason
    assert found["qlora+rag"].state == "off"
    assert "documents" in found["qlora+rag"].reason
    assert replace(found["rag"], state="off").family == "retrieval"


def test_off_and_on_again_gives_back_what_stood_there(tickets: Project) -> None:
    fewer = tickets.model_copy(update={"approaches": tuple(toggled(tickets, "rag"))})
    assert {"rag": {"passages": 3}} not in fewer.approaches
    assert tuple(toggled(fewer, "rag", tickets)) == tickets.approaches
    assert toggled(fewer, "rag")[-1] == "rag"
    assert toggled(tickets, "lora")[-1] == "lora"


def test_what_cannot_be_turned_on_or_off_says_what_to_do(tickets: Project) -> None:
    with pytest.raises(UsageError, match="the file with the answers"):
        toggled(tickets, "recorded")
    with pytest.raises(UsageError, match="at least one approach"):
        toggled(tickets.model_copy(update={"approaches": ("floor",)}), "floor")


def test_options_are_set_taken_out_and_checked(tickets: Project) -> None:
    assert {"few-shot": {"shots": 3}} in with_options(tickets, "few-shot", {"shots": 3})
    assert "few-shot" in with_options(tickets, "few-shot", {"shots": None})
    with pytest.raises(UsageError, match="shots"):
        with_options(tickets, "few-shot", {"shots": 0})


@pytest.mark.parametrize(
    ("kind", "name", "said", "value"),
    [
        ("few-shot", "shots", " 12 ", 12),
        ("qlora", "learning_rate", "1e-3", 0.001),
        ("qlora", "use_dora", "yes", True),
        ("rag", "search", "dense", "dense"),
        ("few-shot", "shots", "", None),
        ("recorded", "answer", "out", "out"),
    ],
)
def test_what_is_typed_is_read_by_type(kind: str, name: str, said: str, value: object) -> None:
    assert read_option(kind, name, said) == value


@pytest.mark.parametrize(
    ("kind", "name", "said"), [("few-shot", "shots", "x"), ("rag", "search", "best"), ("qlora", "epochs", "[")]
)
def test_what_does_not_fit_is_refused(kind: str, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=name):
        read_option(kind, name, said)
