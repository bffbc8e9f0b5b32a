"""Cosine of the embeddings of answer and reference, the best reference counts; below 0 it is 0.

Close in topic is not the same as right: a negated sentence lies near the sentence. An empty answer scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from baselines.scoring.contract import Reading, Tools
from reports.errors import UsageError
from reports.run.schema import Case, Task


def embedding_similarity(pairs: Sequence[tuple[Case, str]], task: Task, tools: Tools, argument: str) -> list[Reading]:
    """One value between 0 and 1 for each pair. All texts are embedded in one call."""
    if tools.embedder is None:
        raise UsageError("the metric embedding-similarity needs an embedding model", "set `embedder` in the project")
    texts = [t for case, text in pairs for t in (text, *case.references)]
    distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    vectors = tools.embedder().embed(list(distinct))
    readings = []
    for case, text in pairs:
        wanted = vectors[[distinct[reference] for reference in case.references]]
        cosine = float((wanted @ vectors[distinct[text]]).max()) if text.strip() else 0.0
        readings.append(Reading(min(max(cosine, 0.0), 1.0)))
    return readings
