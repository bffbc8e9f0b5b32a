"""What each metric is: how one case scores, what it is called, how it is defined. Scores nothing itself.

facts("token-f1").kind == "bounded"; facts("python:mine.py:score").title
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reports.statistics.results import ScoreKind
from reports.text import Unit


@dataclass(frozen=True)
class MetricFacts:
    """One metric as statistics and reports need it. Larger is better for all of them."""

    name: str
    kind: ScoreKind
    """`binary`: 0 or 1 a case; `bounded`: a number a case; `set`: of all cases together, from the labels read."""
    title: str
    definition: str
    unit: Unit = "share"


_KNOWN = (
    MetricFacts(
        "accuracy",
        "binary",
        "Accuracy",
        "Share of cases whose label, read from the answer without regard to case, quotes or a trailing sentence, is a "
        "reference label. An answer that names no known label, or several, is a format failure and counts as wrong.",
    ),
    MetricFacts(
        "macro-f1",
        "set",
        "Macro F1",
        "F1 of each label over all cases, then their plain mean: rare labels weigh as much as frequent ones.",
    ),
    MetricFacts(
        "multilabel-f1",
        "set",
        "Multi-label F1",
        "Micro F1 over all (case, label) pairs: labels named and right, against labels named and labels expected.",
    ),
    MetricFacts(
        "exact-match",
        "binary",
        "Exact match",
        "Share of answers equal to a reference after SQuAD normalisation (lower case, no punctuation, no articles, "
        "single spaces).",
    ),
    MetricFacts(
        "token-f1",
        "bounded",
        "Token F1",
        "F1 of the words of answer and reference after SQuAD normalisation; the best reference counts.",
    ),
    MetricFacts(
        "rouge1", "bounded", "ROUGE-1", "F1 of single words (rouge-score, stemmed); the best reference counts."
    ),
    MetricFacts("rouge2", "bounded", "ROUGE-2", "F1 of word pairs (rouge-score, stemmed); the best reference counts."),
    MetricFacts(
        "rougeL",
        "bounded",
        "ROUGE-L",
        "F1 of the longest common word sequence (rouge-score, stemmed); the best reference counts.",
    ),
    MetricFacts(
        "rougeLsum",
        "bounded",
        "ROUGE-Lsum",
        "ROUGE-L line by line (rouge-score, stemmed); the best reference counts.",
    ),
    MetricFacts("json-valid", "binary", "Valid JSON", "Share of answers that hold one JSON value that parses."),
    MetricFacts(
        "json-fields",
        "bounded",
        "JSON field F1",
        "F1 of the (path, value) pairs of the answer's JSON against the reference's; no valid JSON is a format "
        "failure.",
    ),
    MetricFacts(
        "number",
        "binary",
        "Number equal",
        "Share of answers whose final number equals the reference number; no number is a format failure.",
    ),
    MetricFacts("contains", "binary", "Contains", "Share of answers that contain a reference, without regard to case."),
    MetricFacts("regex", "binary", "Pattern", "Share of answers in which the reference, as a pattern, is found."),
    MetricFacts(
        "embedding-similarity",
        "bounded",
        "Embedding similarity",
        "Cosine of the embeddings of answer and reference; the best reference counts. Close in topic is not the same "
        "as right.",
    ),
    MetricFacts(
        "judge",
        "bounded",
        "Judge",
        "Share of answers that a language model passed by the project's rubric; against another approach, how often it "
        "preferred the answer in both orders, a tie counting half. A judge has an error rate of its own, which the "
        "interval does not contain.",
    ),
)
KNOWN = {fact.name: fact for fact in _KNOWN}
RECALL = "retrieval-recall@"


def facts(name: str, values: Iterable[float] = ()) -> MetricFacts:
    """The facts of a metric. `values` (scores of cases) settle what the name leaves open: a user's own function is
    right-or-wrong where all its values are 0 or 1, and a share of 1 where they stay between them."""
    seen = set(values)
    unit: Unit = "share" if all(-1 <= value <= 1 for value in seen) else "number"
    if name in KNOWN:
        return replace(KNOWN[name], unit=unit)
    if name.startswith(RECALL):
        passages = name.removeprefix(RECALL)
        return MetricFacts(
            name,
            "bounded",
            f"Retrieval recall at {passages}",
            f"Share of the known relevant passages that stand among the {passages} passages given to the model.",
        )
    kind: ScoreKind = "binary" if seen and seen <= {0.0, 1.0} else "bounded"
    title = name.rsplit(":", 1)[-1] if name.startswith("python:") else name
    return MetricFacts(name, kind, title, f"The project's own function {name.removeprefix('python:')}.", unit)
