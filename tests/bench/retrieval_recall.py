"""How well do the default chunks and searches find a marked paragraph? XQuAD's 48 articles, 1,190 questions, MiniLM.

    python -m tests.bench.retrieval_recall                # two minutes on one core

A retrieved chunk counts for the gold paragraph when the two share at least half of the shorter (`counts_for`).
Given the 240 paragraphs themselves instead of articles, dense search reaches a recall at 4 of .977.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean as mean
from typing import get_args

from baselines.chunking import Splitting, chunk_all
from baselines.embedding import load_embedder
from baselines.kinds import KINDS
from baselines.retrieval import Search, build
from baselines.scoring.retrieval import counts_for
from reports.run.schema import Passage
from tests.xquad import Articles, holds_reference, ndcg_at, read, recall_at, reciprocal_rank

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "xquad_en_de" / "corpus_en"
K, DEPTH = 4, 10


def main() -> int:
    """Writes one line for each kind of search."""
    if not CORPUS.is_dir():
        sys.stderr.write("XQuAD is not beside this checkout (../shared/data)\n")
        return 3
    corpus = read(CORPUS)
    documents, asked = corpus.documents, corpus.asked
    embedder = load_embedder("auto")
    options = {option.name: option.default for option in KINDS["rag"].options}
    splitting = Splitting(int(str(options["chunk_tokens"])), int(str(options["overlap_tokens"])))
    passages = chunk_all(documents, splitting, embedder.tokenizer)
    sys.stdout.write(f"{len(documents)} articles, {len(passages)} chunks, {len(asked)} questions, {splitting}\n")
    with tempfile.TemporaryDirectory() as scratch:
        for search in get_args(Search):
            index = build(passages, embedder, search, folder=Path(scratch) / search, vectors=Path(scratch) / "v")
            found = index.search([row["question"] for row in asked], DEPTH)
            line = "".join(f"  {name} {value:.4f}" for name, value in figures(corpus, found).items())
            sys.stdout.write(f"{search:8}{line}\n")
    return 0


def figures(corpus: Articles, found: Sequence[Sequence[Passage]]) -> dict[str, float]:
    """Means over the questions; each has one gold paragraph, whose chunks all stand for it."""
    ranked = [
        [
            str(row["relevant_doc_ids"][0])
            if counts_for(corpus.span_of(p), corpus.gold[row["relevant_doc_ids"][0]])
            else f"{p.document}@{p.index}"
            for p in passages
        ]
        for row, passages in zip(corpus.asked, found, strict=True)
    ]
    pairs = [(r, set(row["relevant_doc_ids"])) for r, row in zip(ranked, corpus.asked, strict=True)]
    held = [
        float(holds_reference([p.text for p in passages[:K]], row["answers"]))
        for row, passages in zip(corpus.asked, found, strict=True)
    ]
    return {
        f"recall@{K}": mean(recall_at(K, r, w) for r, w in pairs),
        f"recall@{DEPTH}": mean(recall_at(DEPTH, r, w) for r, w in pairs),
        "MRR": mean(reciprocal_rank(r, w) for r, w in pairs),
        f"nDCG@{DEPTH}": mean(ndcg_at(DEPTH, list(dict.fromkeys(r)), w) for r, w in pairs),
        f"answer in {K}": mean(held),
    }


if __name__ == "__main__":
    sys.exit(main())
