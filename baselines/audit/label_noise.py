"""Rows whose label a classifier that never saw them is sure to be another one. A person decides which one is right.

    label_noise(material)                       # from words and characters, in seconds
    label_noise(material, vectors)              # and from sentence embeddings, shape (rows, dimensions)

Confident learning (Northcutt, Jiang, Chuang: JAIR 70, 2021, arXiv 1911.00068): a row is a candidate when its predicted
probability of another label reaches the mean that rows of that label give to it. Probabilities are out of fold, from
a multinomial naive Bayes over words, word pairs and character 2- to 4-grams: on Banking77 it found flipped labels as
well as regressions did that take ten times as long. They are flattened until they fit (one temperature, Guo et al.,
ICML 2017). Rows with equal text stay in one fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselines.audit.findings import Finding, place
from baselines.audit.rows import Item, Material
from reports.run.fingerprint import of_text
from reports.text import count, one_line, share

FOLDS = 5
FEWEST_ROWS = 100
FEWEST_OF_LABEL = FOLDS
"""Rows of a label below which its probability means nothing: its rows are left out."""
SMOOTHING = 0.02
"""Added to every count of the naive Bayes."""
RIDGE = 0.3
TEMPERATURES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
DENSE_WEIGHTS = (0.0, 6.0, 12.0, 24.0)
"""What the scores from embeddings (about 0 to 1) count against log-probabilities."""
LEAST_AGREEMENT = 0.6
"""Share of the labels that the classifier must find out of fold: below it, its doubts are its own errors."""
LEAST_MARGIN = 0.5
"""Probability by which the other label must lead."""


@dataclass(frozen=True)
class Suspect:
    """A row that may carry the wrong label."""

    at: int
    """Position among the rows."""
    suggested: str
    probability: float
    """Of the suggested label, out of fold."""
    own: float
    """Of the label that the row has."""


class Unsure(ValueError):
    """The classifier knows too little of the task to doubt a label."""


def why_not(items: Sequence[Item]) -> str | None:
    """Why label noise cannot be looked for; None where it can."""
    counts = Counter(item.output for item in items)
    usual = [n for n in counts.values() if n >= FEWEST_OF_LABEL]
    if len(items) < FEWEST_ROWS:
        return f"label noise: {count(len(items), 'training row')} are too few, {FEWEST_ROWS} are needed"
    if len(usual) < 2:
        return f"label noise: fewer than two labels have {FEWEST_OF_LABEL} training rows"
    return None


def suspects(items: Sequence[Item], vectors: Any = None) -> list[Suspect]:
    """All candidates, the surest first. `vectors` is float, shape (len(items), dimensions), or None.

    Raises Unsure where the classifier is right too seldom.
    """
    import numpy as np

    counts = Counter(item.output for item in items)
    kept = [at for at, item in enumerate(items) if counts[item.output] >= FEWEST_OF_LABEL]
    names = sorted({items[at].output for at in kept})
    known = {name: number for number, name in enumerate(names)}
    labels = np.array([known[items[at].output] for at in kept])
    folds = np.array([int(of_text(items[at].normal)[:8], 16) % FOLDS for at in kept])
    scores = _naive_bayes([_text(items[at]) for at in kept], labels, folds, len(names))
    dense = None if vectors is None else _ridge(np.asarray(vectors, dtype=np.float64)[kept], labels, folds, len(names))
    chances = _calibrated(scores, dense, labels)
    own = chances[np.arange(len(labels)), labels]
    confident = np.array([chances[labels == k, k].mean() for k in range(len(names))])
    reached = np.where(chances >= confident, chances, -1.0)
    best = reached.argmax(axis=1)
    top = reached.max(axis=1)
    found = np.flatnonzero((top > 0) & (best != labels) & (top - own >= LEAST_MARGIN))
    order = found[np.argsort(-(top - own)[found], kind="stable")]
    agreement = float((chances.argmax(axis=1) == labels).mean())
    if agreement < LEAST_AGREEMENT:
        raise Unsure(f"label noise: a simple classifier agrees with {share(agreement)} of the labels only, so that its "
                     "doubts say more of it than of them")  # fmt: skip
    return [Suspect(kept[i], names[best[i]], float(top[i]), float(own[i])) for i in order]


def label_noise(material: Material, vectors: Any = None) -> Finding | None:
    """Training rows that may carry the wrong label; None where there are none or the task has no labels.

    Raises Unsure where the classifier is right too seldom to say.
    """
    items = material.learn
    if material.task != "classification" or why_not(items):
        return None
    found = suspects(items, vectors)
    if not found:
        return None
    rows = tuple(
        place(
            items[s.at],
            f"says “{one_line(items[s.at].output, 40)}”; “{one_line(s.suggested, 40)}” is likelier "
            f"({share(s.probability)} against {share(s.own)})",
            change="set-aside",
        )
        for s in found
    )
    return Finding(
        kind="label-noise",
        severity="warning" if len(found) > 0.02 * len(items) else "note",
        count=len(found),
        text=f"{count(len(found), 'training row')} of {len(items):,} may carry the wrong label",
        rows=rows,
        effect="wrong labels cap what training can reach; in the eval set they punish the better approach",
        remedy="read them, the surest first, and correct those that are wrong: about every second one was on real "
        "data; the fix sets them aside for that, and removes none",
        fix="label-noise",
    )


def _text(item: Item) -> str:
    return "\n".join((item.input, *item.context.values()))


def _naive_bayes(texts: Sequence[str], labels: Any, folds: Any, classes: int) -> Any:
    """Log-probabilities out of fold, up to a constant in each row: shape (rows, classes)."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer  # 1.8 s

    rare = 2 if len(texts) >= 1000 else 1
    shared: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, "min_df": rare}
    parts = [
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **shared),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), **shared),
    ]
    table = hstack([part for vectorizer in parts if (part := _fitted(vectorizer, texts)) is not None]).tocsr()
    scores = np.zeros((len(texts), classes))
    for fold in range(FOLDS):
        out = folds == fold
        learn = np.flatnonzero(~out)
        if not out.any() or not len(learn):
            continue
        members = csr_matrix((np.ones(len(learn)), (labels[learn], np.arange(len(learn)))), shape=(classes, len(learn)))
        totals = np.asarray((members @ table[learn]).todense(), dtype=np.float64) + SMOOTHING
        weights = np.log(totals / totals.sum(axis=1, keepdims=True))
        often = np.bincount(labels[learn], minlength=classes) + 1.0
        scores[out] = table[np.flatnonzero(out)] @ weights.T + np.log(often / often.sum())
    return scores


def _fitted(vectorizer: Any, texts: Sequence[str]) -> Any:
    """None where the texts hold nothing for the vocabulary."""
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:
        return None


def _ridge(vectors: Any, labels: Any, folds: Any, classes: int) -> Any:
    """Scores out of fold of a ridge regression on the labels (about 0 to 1): shape (rows, classes)."""
    import numpy as np

    wanted = np.eye(classes)[labels]
    products, targets = vectors.T @ vectors, vectors.T @ wanted
    penalty = RIDGE * np.eye(vectors.shape[1])
    scores = np.zeros(wanted.shape)
    for fold in range(FOLDS):
        out = folds == fold
        part = vectors[out]
        weights = np.linalg.solve(products - part.T @ part + penalty, targets - part.T @ wanted[out])
        scores[out] = part @ weights
    return scores


def _calibrated(scores: Any, dense: Any, labels: Any) -> Any:
    """Probabilities with the temperature, and the weight of the embeddings, that fit the labels best."""
    best, lowest = None, float("inf")
    for weight in DENSE_WEIGHTS if dense is not None else (0.0,):
        for temperature in TEMPERATURES:
            chances = _softmax((scores + weight * dense if weight else scores) / temperature)
            loss = _loss(chances, labels)
            if loss < lowest:
                best, lowest = chances, loss
    return best


def _softmax(scores: Any) -> Any:
    import numpy as np

    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _loss(chances: Any, labels: Any) -> float:
    """Mean negative log-likelihood."""
    import numpy as np

    return float(-np.log(np.maximum(chances[np.arange(len(labels)), labels], 1e-12)).mean())
