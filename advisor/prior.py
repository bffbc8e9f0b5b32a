"""What the interview alone suggests, with its reasons: a transparent scorecard over published outcomes.

record = prior(read_interview({"task": "ticket-classification", "idiosyncratic": True}))
record.ranking[0], record.probability          # ("fine-tuning", 0.91)

A guess, worth about eight cases: the measured run always overrides it. It says well whether to try fine-tuning at all
(78 to 85 % right on published comparisons, against 52 to 58 % for always or never), and poorly whether to add
retrieval to it: measure that.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from advisor.questions import Interview
from reports.prior import Family, PriorRecord, SimilarCase, Tier

PROBABILITY = {-4: 0.11, -3: 0.18, -2: 0.27, -1: 0.39, 0: 0.53, 1: 0.66, 2: 0.77, 3: 0.85, 4: 0.91}
"""Score to the probability that tuning is worth it (Platt, sources weighted alike; evidence 4.3)."""
WORTH_TRYING = 1
SIMILAR = 5
PER_SOURCE = 2

_TYPES = {
    "ticket-classification": "classification",
    "classification": "classification",
    "extraction": "extraction",
    "medical-coding": "classification",
    "legal-analysis": "classification",
    "style-generation": "generation style",
    "tool-calling": "code",
    "house-code": "code",
    "code": "code",
    "knowledge-qa": "qa knowledge",
    "reasoning-qa": "qa reasoning",
    "summarization": "generation style",
}
"""Kinds of task of the interview to task types of the table of published cases."""
_LEARNABLE = frozenset(
    {
        "ticket-classification",
        "classification",
        "extraction",
        "medical-coding",
        "legal-analysis",
        "style-generation",
        "tool-calling",
    }
)
_TIERS: dict[str, tuple[Tier, str]] = {
    "legal-analysis": ("high", "legal document analysis"),
    "medical-coding": ("high", "medical coding"),
    "ticket-classification": ("high", "ticket classification"),
    "house-code": ("high", "task-specific code"),
    "style-generation": ("moderate", "creative styles"),
    "translation": ("moderate", "specific language pairs"),
    "summarization": ("moderate", "domain summaries"),
}
_PROJECT_TYPES = {
    "classification": "classification",
    "extraction": "extraction",
    "qa": "knowledge-qa",
    "summarization": "summarization",
}


def prior(interview: Interview, task_type: str | None = None) -> PriorRecord:
    """The guess. `task_type`: the project's own, where the question for the kind of task was skipped."""
    task = interview.task or _PROJECT_TYPES.get(task_type or "", "other")
    points = _points(interview, task)
    score = sum(value for value, _ in points)
    probability = PROBABILITY[score]
    odds = probability / (1 - probability) / 2
    tier, tier_reason = _tier(interview, task)
    return PriorRecord(
        ranking=_ranking(interview, score),
        score=score,
        probability=probability,
        probability_frontier=round(odds / (1 + odds), 2),
        tier=tier,
        tier_reason=tier_reason,
        reasons=(*(f"{value:+d}: {said}" for value, said in points), *_hints(interview, score)),
        similar=similar_cases(interview, task),
        unanswered=interview.skipped(),
    )


def agreed(record: PriorRecord, verdict_kind: str) -> bool:
    """True where measurement came to the family that the interview had put first."""
    return bool(record.ranking) and record.ranking[0] == verdict_kind


def _points(interview: Interview, task: str) -> list[tuple[int, str]]:
    """The scorecard: S = 3 idiosyncratic + 1 learnable type - 2 reasoning - 1 general facts - 1 knowledge questions."""
    points = []
    if interview.idiosyncratic:
        points.append((3, "the output follows a convention of your own; tuning was worth it in 51 of 58 such cases"))
    if task in _LEARNABLE:
        points.append((1, f"{task.replace('-', ' ')} is a kind of task that tuning learns well"))
    if interview.reasoning:
        points.append((-2, "reasoning in several steps; tuning was worth it in 3 of 23 such cases"))
    if interview.needs_facts == "general":
        points.append((-1, "general knowledge is needed, which large models have and small tuned ones lack"))
    if task == "knowledge-qa":
        points.append((-1, "questions of fact; tuning was worth it in 13 of 39 such cases"))
    return points


def _ranking(interview: Interview, score: int) -> tuple[Family, ...]:
    """The order of evidence 4.3."""
    documents = interview.corpus in ("documents", "both")
    corpus = documents or interview.corpus == "examples"
    know = interview.needs_facts in ("general", "specific") or interview.change in ("weekly", "monthly")
    both: Family = "fine-tuning with retrieval"
    if score >= WORTH_TRYING:
        if interview.needs_facts == "specific" and documents:
            return both, "fine-tuning", "retrieval", "prompting"
        if corpus:
            return "fine-tuning", both, "retrieval", "prompting"
        return "fine-tuning", "prompting", both, "retrieval"
    if know and documents and not interview.reasoning:
        return "retrieval", both, "prompting", "fine-tuning"
    return "prompting", "retrieval", both, "fine-tuning"


def _tier(interview: Interview, task: str) -> tuple[Tier, str]:
    """How much tuning brings in this domain by practice; explained, and not counted in the score."""
    if interview.change in ("weekly", "monthly") and interview.needs_facts in ("general", "specific"):
        return "low", "current information: what changes must be looked up, not trained."
    if task == "knowledge-qa" and interview.needs_facts != "specific":
        return "low", "general knowledge questions: the base model does them well already."
    if task in _TIERS:
        tier, domain = _TIERS[task]
        said = "tuning usually pays" if tier == "high" else "tuning pays sometimes"
        return (
            tier,
            f"{domain}: by practice, {said}. A base model that does your task well already leaves little to gain.",
        )
    return "unknown", "no experience of practice is known for this kind of task."


def _hints(interview: Interview, score: int) -> tuple[str, ...]:
    """What weighs without points: upkeep, labels, the size of the model."""
    hints = []
    if score >= WORTH_TRYING and interview.labels_today is not None and interview.labels_today < 100:
        hints.append("Fewer than 100 labels: tuning usually needs 200 to 500 to level off.")
    if interview.change in ("weekly", "monthly"):
        hints.append("What changes this often is cheaper to look up than to train again.")
    if interview.largest_model == "frontier":
        hints.append(
            "The published prompts are mostly of 2022 to 2024: against a current frontier model halve the odds."
        )
    if interview.audit:
        hints.append("Citations and deletion favour retrieval: training cannot be undone for one fact.")
    if interview.corpus in ("examples", "both"):
        hints.append("Put labelled examples that resemble the question into the prompt: often as good as tuning.")
    return tuple(hints)


@cache
def published_cases() -> tuple[dict[str, str], ...]:
    """The shipped table of published outcomes, verified rows only, as read."""
    content = (files("advisor") / "cases.csv").read_text("utf-8")
    return tuple(csv.DictReader(content.splitlines()))


def similar_cases(interview: Interview, task: str, count: int = SIMILAR) -> tuple[SimilarCase, ...]:
    """Nearest published cases by type and the answers to questions 2 to 4, at most two of one source."""
    wanted = {
        "task_type": (_TYPES.get(task), 2),
        "needs_facts": (interview.needs_facts, 1),
        "idiosyncratic": (_word(interview.idiosyncratic), 1),
        "reasoning": (_word(interview.reasoning), 1),
    }

    def distance(row: dict[str, str]) -> tuple[int, bool, int, str]:
        apart = sum(weight for key, (value, weight) in wanted.items() if value is not None and row[key] != value)
        return apart, not row["evidence"].startswith("read in the paper"), -int(row["year"]), row["id"]

    chosen: list[dict[str, str]] = []
    for row in sorted(published_cases(), key=distance):
        if sum(other["source"] == row["source"] for other in chosen) < PER_SOURCE:
            chosen.append(row)
    return tuple(_similar(row) for row in chosen[:count])


def _word(answer: bool | None) -> str | None:
    return None if answer is None else "yes" if answer else "no"


def _similar(row: dict[str, str]) -> SimilarCase:
    def score(key: str) -> float | None:
        return float(row[key]) if row[key] else None

    return SimilarCase(
        id=row["id"],
        task=row["task"],
        task_type=row["task_type"],
        metric=row["metric"],
        prompt=score("prompt"),
        rag=score("rag"),
        finetune=score("finetune"),
        rag_finetune=score("rag_finetune"),
        winner=row["winner"],
        source=row["source"],
        note=f"{row['comparison']}: {row['prompt_model']} prompted, {row['tuned_model']} tuned; {row['evidence']}",
    )
