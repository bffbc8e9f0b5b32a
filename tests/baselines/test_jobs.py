"""Which approaches share a worker, and in which order workers run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from baselines.jobs import Job, answering_jobs
from reports.run.schema import ApproachSpec, ModelSpec

TEMPLATE = Job(id="", action="score", run="/r", approaches=(), models={"demo": "/m"}, cache="/c", retry_failed=True)
SMALL, NF4, BIG = ModelSpec(id="small"), ModelSpec(id="small", precision="nf4"), ModelSpec(id="big")


def spec(kind: str, model: ModelSpec | None = None, name: str = "") -> ApproachSpec:
    return ApproachSpec(name=name or kind, kind=kind, model=model)


def groups(*specs: ApproachSpec) -> list[tuple[str, ...]]:
    return [job.approaches for job in answering_jobs(TEMPLATE, specs)]


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([], []),
        ([spec("floor"), spec("recorded")], [("floor", "recorded")]),
        ([spec("zero-shot", SMALL), spec("rag", SMALL)], [("zero-shot", "rag")]),
        ([spec("zero-shot", SMALL), spec("rag", BIG)], [("zero-shot",), ("rag",)]),
        ([spec("zero-shot", SMALL), spec("rag", NF4)], [("zero-shot",), ("rag",)]),
        ([spec("qlora", SMALL), spec("lora", SMALL)], [("qlora",), ("lora",)]),
        (
            [spec("qlora", SMALL), spec("zero-shot", SMALL), spec("classifier"), spec("floor"), spec("rag", SMALL)],
            [("floor",), ("classifier",), ("zero-shot", "rag"), ("qlora",)],
        ),
    ],
)
def test_groups_and_their_order(specs: list[ApproachSpec], expected: list[tuple[str, ...]]) -> None:
    assert groups(*specs) == expected


def test_a_job_has_what_the_template_has_and_an_id_of_its_own() -> None:
    jobs = answering_jobs(TEMPLATE, [spec("floor"), spec("zero-shot", SMALL), spec("rag", NF4), spec("qlora", SMALL)])
    assert len({job.id for job in jobs}) == 4
    for job in jobs:
        assert (job.action, job.run, job.models, job.cache, job.retry_failed) == (
            "answer",
            "/r",
            {"demo": "/m"},
            "/c",
            True,
        )


def test_a_job_survives_its_line_of_json_and_refuses_unknown_keys() -> None:
    [job] = answering_jobs(TEMPLATE, [spec("floor", name="[/x]\x1b\u202e")])
    line = job.model_dump_json()
    assert "\n" not in line
    assert Job.model_validate_json(line) == job
    with pytest.raises(ValidationError):
        Job.model_validate_json('{"id": "a", "action": "answer", "run": "/r", "approaches": [], "x": 1}')
