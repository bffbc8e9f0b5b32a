"""Whether what was exported is still the model that was measured: equal answers, and quality on the eval set.

    check, texts = check_merged(source, merged)          # the same greedy answers on 20 cases
    quality(source, "merged", texts).value               # by the run's first metric, with its interval

Everything answers through the run's own prompts, decoding and metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from advisor.export_source import Source
from baselines import scoring
from baselines.prompting import decoding_of
from finetune.export.folder import Check
from reports.errors import AdvisorError
from reports.run.schema import Answer, Case
from reports.statistics.outcomes import Outcomes, score_kind
from reports.summary.estimates import estimate
from reports.summary.model import Estimate

if TYPE_CHECKING:
    from baselines.models.local import LocalModel
    from baselines.prompts import Prompt

EQUAL_CASES = 20
"""Cases on which merged weights must answer as the adapter does."""


CONTEXT_STEP = 256


def prompts_of(source: Source, cases: Sequence[Case]) -> list[Prompt]:
    """The prompts of the cases as the approach sends them."""
    return [asked.prompt for asked in source.approach.asked([case.question for case in cases])]


def context_of(source: Source, prompts: Sequence[Prompt]) -> int:
    """Positions for the longest of these prompts and its answer, rounded up; the model's own would fill the memory."""
    layout, room = source.base.layout, source.store.header.spec.max_answer_tokens
    longest = max(map(len, layout.prompt_ids([p.text for p in prompts], [p.messages for p in prompts])), default=0)
    return min(source.base.context_length, -(-(longest + room) // CONTEXT_STEP) * CONTEXT_STEP)


def answers_of(source: Source, model: LocalModel, cases: Sequence[Case]) -> dict[str, str]:
    """Case id to greedy answer, in batches."""
    found: dict[str, str] = {}
    prompts = prompts_of(source, cases)
    for generations in model.generate(prompts, decoding_of(source.store.header.spec)):
        for generation in generations:
            found[cases[generation.index].question.id] = generation.text
    return found


def compare(what: str, expected: Mapping[str, str], found: Mapping[str, str], *, least: float, words: str) -> Check:
    """How many answers are equal; passed where at least a share of `least` is."""
    common = [case for case in expected if case in found]
    equal = sum(expected[case] == found[case] for case in common)
    text = f"{equal} of {len(common)} greedy answers are equal: {words}."
    return Check(what, bool(common) and equal >= least * len(common), text, equal, len(common))


def check_merged(source: Source, merged: LocalModel) -> Check:
    """The merged weights against the adapter beside its base, in the precision that the run answered in."""
    cases = source.cases[:EQUAL_CASES]
    expected = answers_of(source, source.approach.tuned(), cases)  # type: ignore[arg-type]
    found = answers_of(source, merged, cases)
    return compare("greedy answers", expected, found, least=1.0, words="merged weights and adapter")


def measure_quantised_base(source: Source, merged: LocalModel) -> Check | None:
    """For an adapter trained on NF4 weights: how far answers on those weights differ from the merged ones.

    None for adapters trained in full precision, and where 4-bit weights cannot be loaded here.
    """
    from baselines.models import local

    if source.provenance.precision != "nf4" or source.base.precision == "nf4":
        return None
    cases = source.cases[:EQUAL_CASES]
    spec = source.model_spec.model_copy(update={"precision": "nf4"})
    try:
        trained_on = local.load(spec, model_path=source.base_folder).with_adapter(source.trained_folder)
        expected = answers_of(source, trained_on, cases)
    except (AdvisorError, AssertionError, NotImplementedError):  # bitsandbytes refuses some shapes this way
        return None
    words = "adapter on the NF4 weights it was trained on, and merged into the full-precision base"
    return compare("NF4 and full precision", expected, answers_of(source, merged, cases), least=0.0, words=words)


def quality(source: Source, name: str, texts: Mapping[str, str]) -> Estimate:
    """The run's first metric over these answers (case id to text), with its 95 % interval."""
    spec = source.store.header.spec
    metric = spec.metrics[0]
    cases = [case for case in source.cases if case.question.id in texts]
    pairs = [(case, Answer(case=case.question.id, approach=name, text=texts[case.question.id])) for case in cases]
    tools = scoring.Tools(folder=source.project_folder, embedder=source.embedder)
    scores = scoring.score_many(metric, pairs, spec.task, tools)
    values = [score.value for score in scores]
    groups = [case.question.group or f"case {case.question.id}" for case in cases]
    outcomes = Outcomes(
        metric=metric,
        kind=score_kind(metric, [value for value in values if value is not None]),
        scores={name: [value or 0.0 for value in values]},  # type: ignore[dict-item]
        failed={name: [value is None for value in values]},  # type: ignore[dict-item]
        predicted={name: [score.predicted for score in scores]},
        expected=[
            score.expected or (case.references[0] if case.references else "")
            for score, case in zip(scores, cases, strict=True)
        ],
        groups=groups if any(case.question.group for case in cases) else None,
        seed=spec.seed,
    )
    return estimate(outcomes.quality(name), outcomes.failures(name))
