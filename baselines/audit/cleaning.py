"""A cleaned copy of the training files, with a log of every row that was taken out or changed, and why.

    done = clean(train_source, "classification", base, audit=audit, fixes=SAFE, folder=folder)
    done.files, done.removed, done.changed, done.aside, done.log
    done = clean(source, …, parts=part_of_input)        # one file that is split: train, dev and eval, each by itself

Where one file is both eval and training set, its copy is written in the parts that a run makes of it: a later split of
what is left would move rows, and what was trained on could become a case. Rows of the eval part stay as they are.

Never touches an original, never writes into a folder that holds anything, never removes a row for label noise: that a
classifier disagrees is a reason to read a row, not to drop it. Such rows are set aside in a file of the same columns,
to be corrected and put back. CSV stays CSV with its delimiter, JSON and JSON Lines stay what they are; other layouts
become JSON Lines with the same columns.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from baselines.audit.findings import Audit, Change, Fix, Place, excerpt
from baselines.audit.personal_data import masked
from baselines.audit.rows import Part
from baselines.audit.tidying import bare_answer
from baselines.detection import Parts, detect
from baselines.drafts import Draft, drafts_of, source_files
from baselines.formats.reading import read_table
from baselines.formats.table import JSON, Problem, Table
from baselines.overlap import bare_text
from baselines.source import Source
from reports.errors import DataError, UsageError
from reports.run import atomic
from reports.run.schema import TaskType

FIXES: tuple[Fix, ...] = get_args(Fix)
SAFE: tuple[Fix, ...] = ("duplicates", "leaks", "label-spelling")
"""What is done where nothing is said: exact repeats, rows that give eval cases away, one writing for each label."""
LOG = "cleaning.jsonl"
ASIDE = "set-aside"
"""Folder of the rows that a person has to read: beside the copies, and in no pattern such as `*.csv` of them."""
_KINDS: dict[Fix, tuple[str, ...]] = {"leaks": ("leaks", "near-leaks")}
"""Kinds of findings that a fix repairs, where the name is not the same."""
_FOREIGN_SHAPES = ("squad", "slots", "promptfoo")
"""Layouts whose rows are pieces of one document: their copy has the columns input, output and context."""
_LEAVING = ("remove", "set-aside")
_DONE = {
    "remove": "removed",
    "mask": "masked",
    "relabel": "relabelled",
    "trim": "trimmed",
    "unfence": "taken out of its fence",
    "set-aside": "set aside",
}


@dataclass(frozen=True)
class Cleaned:
    """What was written."""

    files: tuple[Path, ...]
    log: Path
    kept: int
    """Rows to learn from in the copies."""
    removed: Mapping[str, int]
    """Fix (or `broken-rows`) → rows taken out; a row with several reasons counts for the first."""
    changed: Mapping[str, int]
    """Fix → rows changed."""
    columns: str = ""
    """What the project file must say of the columns, where the copy has others than the original; "" else."""
    parts: Mapping[Part, str] = field(default_factory=dict)
    """Of a file that was split: part → path of its rows in the folder, with `*` where there are several files."""
    aside: Mapping[str, int] = field(default_factory=dict)
    """Fix → rows set aside."""
    aside_files: tuple[Path, ...] = ()
    """Where they are."""


@dataclass(frozen=True)
class _Step:
    """What one fix wants of one row."""

    fix: str
    place: Place


def clean(
    source: Source,
    task: TaskType,
    base: Path,
    *,
    audit: Audit,
    fixes: Collection[Fix],
    folder: Path,
    parts: Mapping[str, Part] | None = None,
) -> Cleaned:
    """Writes the copies below `folder`. Raises UsageError for a folder that holds something.

    `audit` must be of these files as they are now. `parts`: `bare_text` of an input → the part that its rows belong
    to, where the file is split. Raises DataError where no row to learn from would be left.
    """
    refuse_used(folder)
    steps = _steps(audit, fixes)
    work = _Work()
    written: dict[str, str] = {}
    aside: dict[str, str] = {}
    paths = source_files(source, base)
    kept, columns = 0, ""
    found: dict[Part, str] = {}
    for path in paths:
        one = _File(source, path, base, task)
        rows, doubtful = one.cleaned(steps, work)
        if doubtful:
            name, text = one.written([cells for _, cells in doubtful])
            aside[_free(f"{ASIDE}/{name}", aside, f"{ASIDE}/{path.parent.name}-{name}")] = text
        for part, own in _divided(rows, one, parts):
            kept += len(own) if part != "eval" else 0
            name, text = one.written([cells for _, cells in own])
            if part is not None:
                suffix = name.rpartition(".")[2]
                found[part] = f"{part}-*.{suffix}" if len(paths) > 1 else f"{part}.{suffix}"
                name = found[part].replace("*", name.rpartition(".")[0])
            written[_free(name, written, f"{path.parent.name}-{name}")] = text
        columns = columns or one.new_columns()
    if not kept:
        raise DataError("cleaning would leave no training row", "choose fewer fixes, or look at the audit's rows first")
    for name, text in {**written, **aside}.items():
        atomic.write(folder / name, text)
    atomic.write(folder / LOG, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in work.log))
    files = tuple(folder / name for name in written)
    beside = tuple(folder / name for name in aside)
    return Cleaned(files, folder / LOG, kept, work.removed, work.changed, columns, found, work.aside, beside)


def _free(name: str, taken: Collection[str], other: str) -> str:
    return other if name in taken else name


@dataclass
class _Work:
    """What was done so far, over all files."""

    log: list[dict[str, str | int]] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    aside: Counter[str] = field(default_factory=Counter)


_Numbered = tuple[int, dict[str, JSON]]


def _divided(
    rows: Sequence[_Numbered], one: _File, parts: Mapping[str, Part] | None
) -> Iterator[tuple[Part | None, Sequence[_Numbered]]]:
    """The rows in one piece, or in those of a split; a part without rows is left out."""
    if parts is None:
        yield None, rows
        return
    owners = [parts.get(bare_text(one.drafts[number].input), "eval") for number, _ in rows]
    for part in get_args(Part):
        own = [row for row, owner in zip(rows, owners, strict=True) if owner == part]
        if own:
            yield part, own


def refuse_used(folder: Path) -> None:
    """Raises UsageError where the folder of the copy holds anything, or is a file."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty: nothing is overwritten", "name a new folder")


def _steps(audit: Audit, fixes: Collection[Fix]) -> dict[tuple[str, int], list[_Step]]:
    """(file, row) → what is to be done, in the order in which the fixes were asked for."""
    steps: dict[tuple[str, int], list[_Step]] = defaultdict(list)
    for fix in fixes:
        for finding in audit.findings:
            if finding.kind in _KINDS.get(fix, (fix,)):
                for place in finding.rows:
                    if place.change is not None and place.part != "eval":
                        steps[place.file, place.row].append(_Step(fix, place))
    return steps


class _File:
    """One training file: as its rows stand there, and as texts."""

    def __init__(self, source: Source, path: Path, base: Path, task: TaskType) -> None:
        several = set("*?") & set(source.path) and not (base / source.path).exists()
        self.name = path.relative_to(base).as_posix() if several else source.path
        self.path = path
        settings = {"delimiter": source.delimiter, "encoding": source.encoding, "sheet": source.sheet}
        self.read: Table = read_table(
            self.name, base, header=source.header, format=source.format, wanted=source.named(), **settings
        )
        raw = "records" if source.format in (None, "records") else source.format
        self.raw: Table = read_table(
            self.name, base, header=source.header, format=raw, wanted=source.named(), **settings
        )
        self.parts: Parts = detect(self.read, source, task)
        drafts, broken = drafts_of(self.read, self.parts, task)
        self.drafts: dict[int, Draft] = {draft.row: draft for draft in drafts}
        self.broken: list[Problem] = broken
        self.own_layout = self.raw.shape not in _FOREIGN_SHAPES

    def cleaned(
        self, steps: Mapping[tuple[str, int], Sequence[_Step]], work: _Work
    ) -> tuple[list[_Numbered], list[_Numbered]]:
        """The rows that stay and those set aside, with their numbers, changed where asked for. All else is logged."""
        for problem in self.broken:
            work.removed["broken-rows"] += 1
            work.log.append({"file": self.name, "row": problem.row or 0, "done": "removed", "fix": "broken-rows",
                             "why": excerpt(problem.reason)})  # fmt: skip
        rows: list[_Numbered] = []
        doubtful: list[_Numbered] = []
        for number, cells in self._rows():
            wanted = steps.get((self.name, number), ())
            leaving = _first(wanted, "remove") or _first(wanted, "set-aside")
            removed = leaving is not None and leaving.place.change == "remove"
            for step in wanted:
                if step is not leaving and (removed or step.place.change in _LEAVING):
                    continue  # it leaves once, for one reason
                cells = self._changed(number, cells, step.place)
                counted = work.changed if step is not leaving else work.removed if removed else work.aside
                counted[step.fix] += 1
                work.log.append({"file": self.name, "row": number, "done": _DONE[step.place.change or "remove"],
                                 "fix": step.fix, "why": step.place.note, "text": step.place.excerpt})  # fmt: skip
            if not removed:
                (doubtful if leaving else rows).append((number, cells))
        return rows, doubtful

    def written(self, rows: Sequence[dict[str, JSON]]) -> tuple[str, str]:
        """(file name, its text)."""
        stem = self.path.name.removesuffix(".gz").rsplit(".", 1)[0]
        if not self.own_layout or self.read.format not in ("csv", "json"):
            return f"{stem}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if self.read.format == "json":
            return f"{stem}.json", json.dumps(list(rows), ensure_ascii=False, indent=1) + "\n"
        suffix = self.path.name.removesuffix(".gz").rpartition(".")[2]
        return f"{stem}.{suffix}", self._delimited(rows)

    def new_columns(self) -> str:
        """What the project must say where the copy has other columns than the original."""
        if self.own_layout:
            return ""
        context = f", context: [{', '.join(self.parts.context)}]" if self.parts.context else ""
        return f"input: input, reference: output{context}"

    def _rows(self) -> list[tuple[int, dict[str, JSON]]]:
        """(row number, cells) of every usable row."""
        if self.own_layout:
            return [(row.number, row.cells) for row in self.raw.rows if row.number in self.drafts]
        return [(number, _plain(draft)) for number, draft in sorted(self.drafts.items())]

    def _changed(self, number: int, cells: dict[str, JSON], place: Place) -> dict[str, JSON]:
        if place.change == "mask":
            return self._everywhere(cells, masked)
        if place.change in ("trim", "unfence"):
            tidy = str.strip if place.change == "trim" else bare_answer
            answer = self.drafts[number].references[0].strip()
            return self._everywhere(cells, lambda text: tidy(text) if text.strip() == answer else text)
        if place.change == "relabel":
            column = self.parts.reference[0] if self.own_layout else "output"
            labels: JSON = [*place.value.split("|")] if isinstance(cells.get(column), list) else place.value
            return {**cells, column: labels} if column in cells else cells
        return cells

    def _everywhere(self, cells: dict[str, JSON], change: Callable[[str], str]) -> dict[str, JSON]:
        """Every text of the row changed, however deep, but for what names the row."""
        spared = {self.parts.id, self.parts.group} if self.own_layout else {"id", "group"}
        return {column: value if column in spared else _mapped(value, change) for column, value in cells.items()}

    def _delimited(self, rows: Sequence[dict[str, JSON]]) -> str:
        """The rows with the original's delimiter and header; a column that repeats gets its cells back side by side."""
        columns = self.raw.columns
        text = io.StringIO()
        delimiter = self.raw.delimiter if self.raw.delimiter in (",", ";", "\t", "|") else ","
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        if len(self.raw.unnamed) < len(columns):
            writer.writerow("" if column in self.raw.unnamed else column for column in columns)
        for row in rows:
            writer.writerow(_cell(row.get(column)) for column in columns)
        return text.getvalue()


def _plain(draft: Draft) -> dict[str, JSON]:
    output: JSON = draft.references[0] if len(draft.references) == 1 else [*draft.references]
    own: dict[str, JSON] = {"input": draft.input, "output": output}
    named: dict[str, JSON] = {"id": draft.id} if draft.id else {}
    grouped: dict[str, JSON] = {"group": draft.group} if draft.group else {}
    return {**named, **own, **draft.context, **grouped}


def _mapped(value: JSON, change: Callable[[str], str]) -> JSON:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value


def _first(steps: Sequence[_Step], change: Change) -> _Step | None:
    return next((step for step in steps if step.place.change == change), None)


def _cell(value: JSON) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
