"""What the interview alone suggested, as a stored record. Knows no questions and no rules: `advisor.prior` fills it.

PriorRecord.model_validate_json(text).ranking[0]
"""

from __future__ import annotations

from typing import Literal

from reports.run.schema import Record

Tier = Literal["high", "moderate", "low", "unknown"]
Family = Literal["prompting", "retrieval", "fine-tuning", "fine-tuning with retrieval"]


class SimilarCase(Record):
    """One published outcome near the user's task."""

    id: str
    task: str
    task_type: str
    metric: str
    prompt: float | None = None
    """Published scores on the metric's own scale; None where the study did not run that arm."""
    rag: float | None = None
    finetune: float | None = None
    rag_finetune: float | None = None
    winner: str
    """prompt, rag, finetune, rag+ft or tie (the top two within one point)."""
    source: str
    note: str = ""


class PriorRecord(Record):
    """The guess before anything was measured. A measured result always overrides it."""

    ranking: tuple[Family, ...]
    """Families of approaches, the likeliest first."""
    score: int
    """Points of the scorecard."""
    probability: float
    """Calibrated probability that some fine-tuned approach beats the best other one by at least one point."""
    probability_frontier: float
    """The same with the odds halved, for a current frontier model as the prompted one."""
    tier: Tier
    """How much fine-tuning brings in this domain, by practice."""
    tier_reason: str
    reasons: tuple[str, ...]
    """One sentence for each rule that fired, with its points."""
    similar: tuple[SimilarCase, ...] = ()
    unanswered: tuple[str, ...] = ()
    """Ids of the questions that were skipped: the guess is weaker for them."""
