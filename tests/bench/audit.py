"""How many planted defects does the data audit find in Banking77, at what precision, and how long does it take?

    python -m tests.bench.audit                 # two minutes on one core: three seeds, then clean data sets
    python -m tests.bench.audit --deep          # one seed with sentence embeddings too: some minutes more

Planted into 10,003 training and 3,080 test rows: 200 near duplicates, 100 flipped labels, 50 leaked cases (half of them
word for word), 30 rows with personal data. `precision` counts every unplanted row as an error, although Banking77 has
hundreds of near copies and wrong labels of its own; what a reader says of those is printed for reading with --show.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from baselines.audit import Audit, Finding, examine, read_material
from baselines.audit.examination import Embed
from baselines.audit.findings import Kind
from baselines.audit.rows import Item, Material
from baselines.source import Source
from reports.run.schema import Task, TaskType
from tests.baselines.audit.planting import Pair, Planted, plant

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BANKING = DATA / "banking77" / "raw" / "banking_data"
SEEDS = (1, 2, 3)
FIRST = 50
"""Rows that someone reads who reads the surest."""
CLEAN: tuple[tuple[str, TaskType, str, Source, Source | None], ...] = (
    ("Banking77", "classification", "banking77/raw/banking_data", Source(path="test.csv"), Source(path="train.csv")),
    ("GSM8K", "generation", "gsm8k/raw/grade_school_math/data", Source(path="test.jsonl"), Source(path="train.jsonl")),
    (
        "MTS-Dialog",
        "summarization",
        "mts_dialog/raw/Main-Dataset",
        Source(path="MTS-Dialog-ValidationSet.csv", input=("dialogue",), reference=("section_text",)),
        Source(path="MTS-Dialog-TrainingSet.csv", input=("dialogue",), reference=("section_text",)),
    ),
)


def main() -> int:
    """Prints one line for each defect and seed, then what is found in data that nobody touched."""
    options = argparse.ArgumentParser()
    options.add_argument("--deep", action="store_true")
    options.add_argument("--show", type=int, default=0, help="unplanted findings of each kind to print")
    said = options.parse_args()
    if not BANKING.is_dir():
        sys.stderr.write("Banking77 is not beside this checkout (../shared/data)\n")
        return 3
    train, test = pairs(BANKING / "train.csv"), pairs(BANKING / "test.csv")
    for seed in SEEDS[:1] if said.deep else SEEDS:
        measure(plant(train, test, seed=seed), test, seed, deep=said.deep, show=said.show)
    for name, task, folder, cases, examples in CLEAN:
        clean(name, task, DATA / folder, cases, examples)
    return 0


def measure(planted: Planted, test: Sequence[Pair], seed: int, *, deep: bool, show: int) -> None:
    """Recall and strict precision of each kind of defect."""
    material = Material(
        task="classification",
        train=tuple(Item("train", "train.csv", i, text, (label,)) for i, (text, label) in enumerate(planted.rows)),
        eval=tuple(Item("eval", "test.csv", i, text, (label,)) for i, (text, label) in enumerate(test)),
    )
    started = time.process_time()
    audit = examine(material, Task(type="classification"), embed=embedding() if deep else None)
    seconds = time.process_time() - started
    say(f"seed {seed}: {len(material.train):,} + {len(material.eval):,} rows, {seconds:.1f} s of CPU")
    near, leaked = rows_of(audit, "duplicates", "near-duplicates"), rows_of(audit, "leaks", "near-leaks")
    noisy, personal = rows_of(audit, "label-noise"), rows_of(audit, "personal-data")
    copies = {copy.at for copy in planted.near} | {copy.of for copy in planted.near}
    hit = sum(copy.at in near or copy.of in near for copy in planted.near)
    tell("near duplicates", hit, len(planted.near), near, copies)
    leaks = {copy.at for copy in planted.leaked}
    tell("leaked cases", len(leaked & leaks), len(leaks), leaked, leaks)
    tell("flipped labels", len(noisy & set(planted.flipped)), len(planted.flipped), noisy, set(planted.flipped))
    tell("personal data", len(personal & set(planted.personal)), len(planted.personal), personal, set(planted.personal))
    kinds: tuple[tuple[Kind, set[int]], ...] = (
        ("near-duplicates", copies), ("near-leaks", leaks), ("label-noise", set(planted.flipped)),
    )  # fmt: skip
    for kind, own in kinds:
        finding = audit.finding(kind)
        rows = finding.rows if finding else ()
        planted_first = sum(row.row in own for row in rows[:FIRST])
        say(f"    {kind}: {planted_first} of the first {len(rows[:FIRST])} rows are planted")
        others = [row for row in rows if row.row not in own]
        for row in random.Random(0).sample(others, min(show, len(others))):
            say(f"    {kind}: {row.excerpt} · {row.note}")


def clean(name: str, task: TaskType, folder: Path, cases: Source, examples: Source | None) -> None:
    """What is found where nothing was planted."""
    material = read_material(cases, examples, task, folder)
    started = time.process_time()
    audit = examine(material, Task(type=task))
    say(f"{name}, as published: {time.process_time() - started:.1f} s of CPU")
    for finding in audit.findings:
        say(f"    {finding.kind}: {finding.text}")


def tell(name: str, hit: int, planted: int, found: set[int], own: set[int]) -> None:
    precision = len(found & own) / len(found) if found else 1.0
    say(f"    {name}: recall {hit / planted:.3f} ({hit} of {planted}), {len(found)} rows flagged, precision "
        f"{precision:.2f} if every unplanted row were an error")  # fmt: skip


def rows_of(audit: Audit, *kinds: Kind) -> set[int]:
    found: Iterable[Finding] = (finding for finding in audit.findings if finding.kind in kinds)
    return {row.row for finding in found for row in finding.rows if row.part == "train"}


def embedding() -> Embed:
    from baselines.embedding import load_embedder

    return load_embedder("auto").embed


def pairs(file: Path) -> list[Pair]:
    with file.open(newline="", encoding="utf-8") as stream:
        return [(row["text"], row["category"]) for row in csv.DictReader(stream)]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
