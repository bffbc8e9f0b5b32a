"""Retrieval recall of stored answers: did the passages that an approach was given hold those that the data mark?

    for score in retrieval_scores(store, "rag"): …          # metric retrieval-recall@4, where 4 passages were asked for

Only where cases bring gold passages (SQuAD's paragraph) and the approach searches documents. A case without one gets
no score; one whose passage stands in no document is left unscored with that reason, since no search could find it.
"""

from __future__ import annotations

from collections.abc import Iterator

from baselines import registry
from baselines.scoring.retrieval import Corpus
from reports.metrics import RECALL
from reports.run.schema import Score
from reports.run.store import RunStore

VERSION = 1
"""Raised with every change that can move a value."""


def retrieval_scores(store: RunStore, name: str) -> Iterator[Score]:
    """The missing scores of an approach, in the order of its answers; nothing where retrieval cannot be scored."""
    spec = next(spec for spec in store.header.spec.approaches if spec.name == name)
    kind = registry.find(spec.kind)
    gold = {case.question.id: case.gold_passages for case in store.cases() if case.gold_passages}
    if "documents" not in kind.needs or not gold:
        return
    metric = f"{RECALL}{spec.options.get('passages', kind.option('passages').default)}"
    known = {case for case, score in store.scores(name, metric).items() if score.version == VERSION}
    corpus = Corpus(store.documents())
    for answer in store.answers(name).values():
        if answer.case not in gold or answer.case in known:
            continue
        value = corpus.recall(answer.passages, gold[answer.case]) if answer.passages else None
        why = "its gold passage stands in no document" if answer.passages else "no passages were retrieved"
        yield Score(
            case=answer.case,
            approach=name,
            metric=metric,
            version=VERSION,
            value=value,
            unscored=why if value is None else None,
        )
