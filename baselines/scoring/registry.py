"""The metrics by name: which there are, which a task type gets by default, what a wrong name probably meant.

METRICS["accuracy"].light                # True: scored as answers arrive
validate("acuracy", folder)              # UsageError: … did you mean accuracy?
default_metrics("qa")                    # ('token-f1', 'exact-match')
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from baselines.scoring.answers import exact_match, token_f1
from baselines.scoring.classification import SEPARATOR, accuracy, multilabel
from baselines.scoring.contract import Metric, TextMetric
from baselines.scoring.function import load, user_function, version
from baselines.scoring.judge import judge_metric
from baselines.scoring.judge import version as judge_version
from baselines.scoring.matching import contains, regex
from baselines.scoring.number import number, read_number
from baselines.scoring.overlap import Rouge
from baselines.scoring.similarity import embedding_similarity
from baselines.scoring.structure import NotJson, json_fields, json_valid, read_json
from reports.errors import UsageError
from reports.run.schema import JudgeSpec, TaskType

METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", 1, True, "the right label", TextMetric(accuracy), ("classification",)),
        Metric("macro-f1", 1, True, "F1 averaged over labels", TextMetric(accuracy), ("classification",)),
        Metric("multilabel-f1", 1, True, "F1 over several labels a case", TextMetric(multilabel)),
        Metric("token-f1", 1, True, "shared words with the reference", TextMetric(token_f1), ("qa",)),
        Metric("exact-match", 1, True, "equal after SQuAD normalisation", TextMetric(exact_match), ("qa",)),
        Metric("rougeL", 1, False, "longest common subsequence", Rouge("rougeL"), ("summarization", "generation")),
        Metric("rouge1", 1, False, "shared words", Rouge("rouge1"), ("summarization", "generation")),
        Metric("rouge2", 1, False, "shared word pairs", Rouge("rouge2"), ("summarization",)),
        Metric("rougeLsum", 1, False, "ROUGE-L by sentence", Rouge("rougeLsum"), ("summarization",)),
        Metric("json-fields", 1, True, "F1 of JSON fields", TextMetric(json_fields), ("extraction",)),
        Metric("json-valid", 1, True, "parses", TextMetric(json_valid), ("extraction",), needs_reference=False),
        Metric("number", 1, True, "the same final number", TextMetric(number)),
        Metric("contains", 1, True, "a reference stands in the answer", contains, takes_argument=True),
        Metric("regex", 1, True, "the reference, a pattern, is found", regex, takes_argument=True),
        Metric("embedding-similarity", 1, False, "close in meaning", embedding_similarity),
        Metric("judge", 1, False, "a language model's verdict", judge_metric, needs_reference=False),
        Metric("python", 1, False, "your function", user_function, needs_reference=False, takes_argument=True),
    )
}


def find(name: str, folder: Path = Path(), judge: JudgeSpec | None = None) -> tuple[Metric, str]:
    """The metric of a full name and the argument behind its colon ('' without one). Raises UsageError otherwise.

    `judge`: whose verdicts the metric `judge` means; their version is its fingerprint.
    """
    base, _, argument = name.partition(":")
    metric = METRICS.get(base)
    if metric is None:
        raise UsageError(f"there is no metric {name!r}", _nearest(base))
    if argument and not metric.takes_argument:
        raise UsageError(f"the metric {base} takes no argument (found {name!r})", f"write it as {base}")
    if base == "judge" and judge is not None:
        return replace(metric, version=judge_version(judge)), argument
    if base == "python":
        return replace(metric, name=name, version=version(argument, folder)), argument
    return (replace(metric, name=name, needs_reference=False) if argument else metric), argument


def validate(name: str, folder: Path = Path()) -> None:
    """Raises UsageError for a name without a metric, and for a user's function that does not load."""
    metric, argument = find(name, folder)
    if metric.name.startswith("python:"):
        load(argument, folder)


def default_metrics(task_type: TaskType, references: Sequence[str] = ()) -> tuple[str, ...]:
    """The metrics of a task that names none; the first decides.

    A sample of references settles what the type leaves open: labels joined by "|" are several at once, extraction
    without JSON is compared as text, and an open task whose references all end in a marked number ("#### 18",
    "A: 18") or are one is compared by number.
    """
    sample = [reference for reference in references if reference.strip()]
    if sample and task_type in ("qa", "generation", "extraction") and all(map(_is_number, sample)):
        return ("number",)
    if sample and task_type == "extraction" and not all(map(_is_json, sample)):
        return ("exact-match", "token-f1")
    if task_type == "classification" and any(SEPARATOR in reference for reference in sample):
        return ("multilabel-f1",)
    return tuple(metric.name for metric in METRICS.values() if task_type in metric.defaults)


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name.lower().replace("_", "-"), METRICS, n=1, cutoff=0.5)
    known = f"known: {', '.join(METRICS)}:file.py:function"
    return f"did you mean {close[0]}? {known}" if close else known


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except NotJson:
        return False
    return True


def _is_number(text: str) -> bool:
    last = text.strip().splitlines()[-1]
    marked = "####" in last or last.lower().startswith(("a:", "answer:"))
    bare = last.strip("$€£%+-−. ").replace(",", "").replace(".", "", 1).isdigit() and "\n" not in text.strip()
    return (marked or bare) and read_number(text) is not None
