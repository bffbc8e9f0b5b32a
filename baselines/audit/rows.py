"""The rows that an audit looks at: every row of the files as it stands, repeats included. Judges nothing.

    material = read_material(Source(path="eval.csv"), Source(path="train.csv"), "classification", base)
    material.learn[0].place, material.learn[0].input, material.broken

The loader merges what repeats and refuses files with many broken rows; here both are kept, to be shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from baselines.audit.normal_form import normal
from baselines.detection import detect, require_both
from baselines.drafts import Draft, drafts_of, read_source
from baselines.formats.table import Problem
from baselines.overlap import bare_text
from baselines.source import Source
from reports.run.schema import Case, Example, TaskType

Part = Literal["train", "dev", "eval"]


@dataclass(frozen=True)
class Item:
    """One usable row."""

    part: Part
    file: str
    row: int
    """As the user counts."""
    input: str
    outputs: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """What is trained on, and the first of what counts as right."""
        return self.outputs[0] if self.outputs else ""

    @property
    def place(self) -> str:
        return f"{self.file} row {self.row}"

    @cached_property
    def normal(self) -> str:
        """The input in the form in which rows are compared."""
        return normal(self.input)

    @cached_property
    def answer(self) -> str:
        """The output in that form; what has no letters or digits stands as it is."""
        return normal(self.output) or self.output.strip()

    @cached_property
    def frame(self) -> str:
        """The context fields in that form: two rows with different passages ask different things."""
        return "\n".join(normal(text) for _, text in sorted(self.context.items()))


@dataclass(frozen=True)
class Material:
    """All rows of a project by what they are for."""

    task: TaskType
    train: tuple[Item, ...] = ()
    dev: tuple[Item, ...] = ()
    eval: tuple[Item, ...] = ()
    broken: tuple[tuple[Part, Problem], ...] = ()
    file_of: Mapping[Part, str] = field(default_factory=dict)
    rows: Mapping[Part, int] = field(default_factory=dict)
    """Rows of each part's file, broken ones included."""

    @property
    def learn(self) -> tuple[Item, ...]:
        """What approaches learn from: train and dev."""
        return (*self.train, *self.dev)


def read_material(
    eval: Source, train: Source | None, task: TaskType, base: Path = Path(), *, dev: Source | None = None
) -> Material:
    """The rows of the files. Raises DataError where a file or a column is missing or nothing can be read."""
    items: dict[Part, tuple[Item, ...]] = {}
    broken: list[tuple[Part, Problem]] = []
    files: dict[Part, str] = {}
    rows: dict[Part, int] = {}
    sources: tuple[tuple[Part, Source | None], ...] = (("train", train), ("dev", dev), ("eval", eval))
    for part, source in sources:
        if source is None:
            continue
        table = read_source(source, base)
        parts = detect(table, source, task)
        require_both(table, parts)
        drafts, problems = drafts_of(table, parts, task)
        items[part] = tuple(item_of(draft, part) for draft in drafts)
        broken += [(part, problem) for problem in problems]
        files[part] = source.path
        rows[part] = len(table.rows) + len(table.broken)
    return Material(
        task=task,
        train=items.get("train", ()),
        dev=items.get("dev", ()),
        eval=items.get("eval", ()),
        broken=tuple(broken),
        file_of=files,
        rows=rows,
    )


def item_of(draft: Draft, part: Part) -> Item:
    """A row of a file."""
    return Item(part, draft.file, draft.row, draft.input, draft.references, draft.context)


def of_run(cases: Sequence[Case], train: Sequence[Example], dev: Sequence[Example], task: TaskType) -> Material:
    """What a run works with: repeats are merged there, and rows know their number but no file."""
    return Material(
        task=task,
        train=tuple(_of_example(example, "train") for example in train),
        dev=tuple(_of_example(example, "dev") for example in dev),
        eval=tuple(_of_case(case) for case in cases),
    )


def divided(material: Material, parts: Mapping[str, Part]) -> Material:
    """Of one file that is split: each row in the part that its input falls into. Keys are `bare_text` of inputs."""
    found: dict[Part, list[Item]] = {"train": [], "dev": [], "eval": []}
    for item in material.eval:
        part = parts.get(bare_text(item.input), "eval")
        found[part].append(replace(item, part=part))
    return replace(material, train=tuple(found["train"]), dev=tuple(found["dev"]), eval=tuple(found["eval"]))


def _of_example(example: Example, part: Part) -> Item:
    return Item(part, part, example.row or 0, example.input, (example.output,), example.context)


def _of_case(case: Case) -> Item:
    return Item("eval", "eval", case.row or 0, case.question.input, case.references, case.question.context)
