"""A first project file from a guess at the data: every choice with its reason, every key that matters explained.

    found = guess("eval.csv", train="train.csv")
    path = write_project(Path("support"), found)      # support/advisor.yaml; refuses to replace one

Reads no data: `baselines.guess` looked. The file is for a person to correct, so what was not chosen stands there too,
as a comment with the reason.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from advisor.project import DEFAULT_APPROACHES, FILE
from advisor.questions import FIELDS, read_interview
from baselines.guess import Guess
from baselines.kinds import KINDS, METHODS, Kind
from baselines.prompts import DEFAULT_INSTRUCTIONS
from baselines.registry import applicable
from baselines.scoring.registry import METRICS
from baselines.source import Source
from baselines.splits import SHARES
from reports.errors import UsageError
from reports.run import atomic
from reports.run.schema import DataFacts, Decision, Task, Traffic, is_endpoint
from reports.text import clean, count

WIDTH = 112
FEWEST_TO_MEASURE = 50
"""Fewer cases are a pilot without a verdict: an eval file is not proposed for splitting below this."""
_NOT_IN_YAML = re.compile("[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SHOWN = {
    "few-shot": ("shots",),
    "knn-few-shot": ("shots",),
    "rag": ("passages",),
    "rag+few-shot": ("passages", "shots"),
    "qlora": ("rank", "epochs"),
    "qlora+rag": ("rank", "epochs"),
    "lora": ("rank", "epochs"),
    "full": ("epochs",),
}
"""Dials worth a look at first; `advisor plan` shows the others."""


def write_project(
    folder: Path,
    found: Guess,
    base: Path = Path(),
    *,
    model: str = "demo",
    interview: Mapping[str, Any] | None = None,
) -> Path:
    """Writes advisor.yaml into `folder` (made where it is missing) and returns its path.

    `base`: where the guess's paths start. `interview`: answers by question field, as in the project file; numbers also
    go to the keys that they set. Raises UsageError where a project file is there already or an answer is none, and
    EnvironmentFault where the disk refuses.
    """
    path = folder / FILE
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise UsageError(f"{nearest} is a file, not a folder", "name a folder for the project")
    if path.exists() or path.is_symlink():
        raise UsageError(
            f"{path} is there already and was left as it is", "edit it, or name another folder for the new project"
        )
    atomic.write(path, project_text(folder, found, base, model=model, interview=interview))
    return path


def project_text(
    folder: Path,
    found: Guess,
    base: Path = Path(),
    *,
    model: str = "demo",
    interview: Mapping[str, Any] | None = None,
) -> str:
    """The content of the project file; see write_project."""
    answers = {key: value for key, value in (interview or {}).items() if value is not None}
    read_interview(answers)
    name = Path(os.path.abspath(folder)).name or "project"
    sections = (
        [
            *_comment(
                f"What to compare, and by which rule. Proposed after a look at {count(found.cases, 'case')}: correct "
                "what was guessed wrongly."
            ),
            *_comment("`advisor plan` shows what would run and every default, `advisor run` measures it."),
            *_comment("Paths are relative to this file."),
            f"name: {_scalar(name)}",
        ],
        _task(found),
        _data(found, base, folder),
        _interview(answers),
        _model(model),
        _approaches(found, model),
        _metrics(found),
        _decision(answers),
        _prices(answers),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


# --- sections -----------------------------------------------------------------------------------------


def _task(found: Guess) -> list[str]:
    lines = ["task:", *_why(found, "task", indent=2)]
    lines += _comment("One of: classification, extraction, qa, summarization, generation.", 2)
    lines.append(f"  type: {found.task}")
    if found.instruction:
        lines += _why(found, "instruction", indent=2)
    else:
        lines += _comment("What the model is told after the input. Say it as you would to a new colleague.", 2)
    lines.append(f"  instruction: {_scalar(found.instruction or DEFAULT_INSTRUCTIONS[found.task])}")
    if found.task == "classification":
        lines += _why(found, "labels", indent=2)
        lines += _comment("from-data takes the labels of the training data; or write a list.", 2)
        lines.append("  labels: from-data")
    return lines


def _data(found: Guess, base: Path, folder: Path) -> list[str]:
    def said(source: Source) -> str:
        return _source(source, _relative(source.path, base, folder))

    lines = ["data:", *_why(found, "input", "reference", "id", "group", "context", indent=2)]
    lines.append(f"  eval: {said(found.eval)}")
    lines += _why(found, "train", indent=2)
    if found.train:
        lines.append(f"  train: {said(found.train)}")
    else:
        train, dev, test = (f"{100 * share:.0f} %" for _, share in SHARES)
        lines += _comment(
            f"Where an approach below learns from examples, the eval file is split: {train} to learn from, {dev} to "
            f"tune on, {test} to measure. `split: false` keeps every row for measuring.",
            2,
        )
        lines += ["  # train: train.csv", "  # split: false"]
    lines += _why(found, "documents", indent=2)
    if found.documents:
        lines.append(f"  documents: {said(found.documents)}")
    else:
        lines += _comment("A folder or file of texts to look things up in, for retrieval.", 2)
        lines.append("  # documents: handbook/")
    return lines


def _interview(answers: Mapping[str, Any]) -> list[str]:
    """Every question, so that it can be answered here; skipped ones as comments."""
    lines = _comment(
        "What a guess before measuring stands on. Leave out what you do not know; what is measured counts."
    )
    lines.append("interview:" if answers else "# interview:")
    start = "  # " if answers else "#   "
    for field in FIELDS.values():
        if field.id in answers:
            lines.append(f"  {field.id}: {_spoken(answers[field.id])}")
        elif not field.sets:
            may = " | ".join(choice.value for choice in field.choices) or f"a number ({field.unit})"
            lines += _comment(f"{field.label}: {may}", len(start) - 2 if answers else 0)
            lines.append(f"{start}{field.id}:")
    return lines


def _model(model: str) -> list[str]:
    lines = _comment(
        "The model of every approach that names none: a hub id, a local folder, or openai:NAME. `demo` is the bundled "
        "one: it proves that everything works, not which approach is best on yours. Replace it for a real answer."
    )
    return [*lines, f"model: {_scalar(model)}"]


def _approaches(found: Guess, model: str) -> list[str]:
    """The ones that fit as entries, the others as comments with the reason."""
    chosen, others = [], []
    for name in (*DEFAULT_APPROACHES, *(kind for kind in KINDS if kind not in DEFAULT_APPROACHES)):
        kind = KINDS[name]
        against = _against(kind, found, model)
        entry = f"- {_entry(kind)}"
        if against is None:
            chosen.append(f"  {entry.ljust(42)}  # {kind.doc}")
        else:
            others.append(f"  # {entry.ljust(40)}  # {against}")
    return [
        *_comment("What is compared: a name, or a name with options; `as` gives a second one its own name."),
        "approaches:",
        *chosen,
        *_comment("Not chosen:", 2),
        *others,
    ]


def _against(kind: Kind, found: Guess, model: str) -> str | None:
    """Why an approach is not proposed; None where it is."""
    if kind.name == "recorded":
        return "answers that the system you use today already gave, from a file"
    enough = found.cases * SHARES[-1][1] >= FEWEST_TO_MEASURE
    learnable = found.train is not None or enough
    facts = DataFacts(
        eval_cases=found.cases, train_examples=int(learnable), dev_examples=0, documents=int(bool(found.documents))
    )
    reason = applicable(kind.name, Task(type=found.task, labels=found.labels), facts)
    if reason and "train" in kind.needs and not learnable:
        return f"it learns from examples: name a training file ({count(found.cases, 'case')} are too few to split)"
    if reason:
        return reason
    if kind.name in METHODS and is_endpoint(model):
        return "it trains weights, and an endpoint gives none to train"
    return None if kind.name in DEFAULT_APPROACHES else kind.doc


def _entry(kind: Kind) -> str:
    if kind.name == "recorded":
        return "recorded: {as: today, path: outputs.csv}"
    options = ", ".join(f"{name}: {_scalar(kind.option(name).default)}" for name in _SHOWN.get(kind.name, ()))
    return f"{kind.name}: {{{options}}}" if options else kind.name


def _metrics(found: Guess) -> list[str]:
    others = ["python:FILE.py:FUNCTION" if name == "python" else name for name in METRICS if name not in found.metrics]
    return [
        *_why(found, "metrics"),
        *_comment(f"The first one decides. Others: {', '.join(others)}."),
        f"metrics: [{', '.join(_scalar(name) for name in found.metrics)}]",
    ]


def _decision(answers: Mapping[str, Any]) -> list[str]:
    """The rule and the volume, with the interview's numbers where there are some."""
    own = _set_by(answers)
    decision, traffic = Decision(), Traffic()
    keys = (
        (
            "margin",
            decision.margin,
            "smallest difference that matters, in the first metric's unit: within it, the cheaper wins",
        ),
        ("min_quality", "0.85", "what is worse is not recommended"),
        ("max_p95_seconds", "2.0", "95 of 100 answers must be there by then"),
        ("monthly_budget_usd", "500", "all running costs at the traffic below"),
        ("error_cost_usd", "0.10", "what one wrong answer costs you"),
    )
    lines = [*_comment("The rule, fixed before the run."), "decision:"]
    for key, usual, doc in keys:
        said = f"decision.{key}" in own or key == "margin"
        value = _scalar(own.get(f"decision.{key}", usual)) if said else usual
        lines.append(f"  {'' if said else '# '}{f'{key}: {value}'.ljust(25)}  # {doc}")
    lines.append("traffic:")
    for key, usual, doc in (
        ("queries_per_day", traffic.queries_per_day, "decides whether one-off costs pay back"),
        ("horizon_months", traffic.horizon_months, "for how long"),
    ):
        value = _scalar(_short(own.get(f"traffic.{key}", usual)))
        lines.append(f"  {f'{key}: {value}'.ljust(25)}  # {doc}")
    return lines


def _prices(answers: Mapping[str, Any]) -> list[str]:
    own = _set_by(answers)
    lines = _comment("Your own prices, in US dollars. What is left out comes from dated tables, named in the report.")
    label = own.get("prices.label_usd")
    lines.append("prices:" if label is not None else "# prices:")
    start = "#   " if label is None else "  # "
    lines.append(f"{start}gpu_hour_usd: 2.50         # or the machine's hour, where there is no GPU")
    lines.append(f"  label_usd: {_scalar(label)}" if label is not None else "#   label_usd: 0.50")
    return [*lines, f"{start}engineer_hour_usd: 75"]


# --- pieces -------------------------------------------------------------------------------------------


def _set_by(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of the project file that answers of the interview decide."""
    return {FIELDS[key].sets: _short(value) for key, value in answers.items() if FIELDS[key].sets}


def _short(value: Any) -> Any:
    """A number as it was meant: 1000, not 1000.0."""
    number = float(value)
    return int(number) if number.is_integer() else number


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _scalar(_short(value) if isinstance(value, float) else value)


def _why(found: Guess, *parts: str, indent: int = 0) -> list[str]:
    """The reasons for these parts, as comments."""
    return [line for reason in found.reasons if reason.part in parts for line in _comment(f"{reason}.", indent)]


def _comment(sentence: str, indent: int = 0) -> list[str]:
    """Comment lines. Foreign text may not end the line or hold what YAML refuses."""
    plain = _NOT_IN_YAML.sub("?", " ".join(clean(sentence, 600).split()))
    start = " " * indent + "# "
    return textwrap.wrap(plain, WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False)


def _source(source: Source, path: str) -> str:
    said = source.model_dump(exclude_defaults=True) | {"path": path}
    if len(said) == 1:
        return _scalar(path)
    return f"{{{', '.join(f'{key}: {_value(said[key])}' for key in ('path', *(k for k in said if k != 'path')))}}}"


def _value(value: Any) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        items = list(value)
        return _scalar(items[0]) if len(items) == 1 else f"[{', '.join(map(_scalar, items))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """One value on one line, quoted where YAML needs it."""
    plain = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=float("inf")).rstrip("\n")
    if isinstance(value, str) and ("\n" in plain or not plain.isprintable()):
        plain = yaml.safe_dump([value], default_flow_style=True, default_style='"', width=float("inf")).rstrip("\n")
    return plain[1:-1]


def _relative(path: str, base: Path, folder: Path) -> str:
    """The path as seen from the project's folder; absolute where none leads there (another drive)."""
    place = base / path
    target = os.path.join(os.path.realpath(place.parent), place.name)
    try:
        found = Path(os.path.relpath(target, os.path.realpath(folder))).as_posix()
    except ValueError:
        found = Path(target).as_posix()
    return f"{found}/" if path.endswith(("/", os.sep)) else found
