"""The kinds of approaches: what each needs, which options it takes, and the code that makes one, imported when asked.

    KINDS["rag"].needs                                  # ('documents', 'model', 'embedder')
    validate_options("few-shot", {"shot": 4})           # UsageError: … did you mean shots?
    applicable("classifier", task, facts)               # None, or the reason for the list of skipped ones
    create(spec, resources).prepare(emit)               # here the code behind the kind is imported

Plain data otherwise: importing this module costs nothing and needs no model.
"""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

from baselines.contract import Approach, Resources
from baselines.kinds import COMMON, KINDS, METHODS, Family, Kind, Need, Option, is_recipe_dial
from finetune.data import MINIMUM
from finetune.recipe import Method, Recipe
from reports.errors import UsageError
from reports.run.schema import ApproachSpec, DataFacts, Task

__all__ = [
    "KINDS",
    "METHODS",
    "Family",
    "Kind",
    "Need",
    "Option",
    "applicable",
    "create",
    "find",
    "too_few",
    "validate_options",
]


def find(kind: str) -> Kind:
    """The kind of this name. Raises UsageError that names the nearest one."""
    if kind not in KINDS:
        raise UsageError(f"there is no approach {kind!r}", _nearest(kind, KINDS))
    return KINDS[kind]


def validate_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a spec with every default filled in; `as` and `model` left out: they are the spec's own fields.

    Raises UsageError for an unknown kind or option, a wrong type, or a value out of range.
    """
    found = find(kind)
    known = {option.name: option for option in (*found.options, *_common(found))}
    for name in options:
        if name not in known:
            own = ", ".join(known)
            raise UsageError(f"the approach {kind} has no option {name!r}", f"{_nearest(name, known)}; it takes {own}")
    resolved = {
        option.name: _value(kind, option, options.get(option.name))
        for option in found.options
        if not option.silent or option.name in options
    }
    for option in _common(found):
        _value(kind, option, options.get(option.name))
    if kind in METHODS:
        resolved |= _resolved_recipe(METHODS[kind], resolved)
    if "file" in found.needs and not resolved.get("path"):
        raise UsageError(
            f"the approach {kind} needs the file with the answers",
            f"write it as {kind}: {{path: outputs.csv, answer: COLUMN, id: COLUMN}}",
        )
    overlap, longest = resolved.get("overlap_tokens"), resolved.get("chunk_tokens")
    if overlap is not None and longest is not None and overlap >= longest:
        raise UsageError(
            f"the approach {kind}: overlap_tokens ({overlap}) must be smaller than chunk_tokens ({longest})",
            "an overlap of a fifth of the passage is usual",
        )
    return resolved


def applicable(kind: str, task: Task, facts: DataFacts, *, has_model: bool = True) -> str | None:
    """None where the approach fits the task and has its data; else one sentence for the list of skipped ones."""
    needs = find(kind).needs
    if "labels" in needs and task.type != "classification":
        return f"it only classifies, and the task is {task.type}"
    if "labels" in needs and len(task.labels) == 1:
        return "there is only one label, so there is nothing to tell apart"
    if "train" in needs and facts.train_examples + facts.dev_examples == 0:
        return "it needs training examples, and the project has none (data.train)"
    if "documents" in needs and facts.documents == 0:
        return "it needs documents to search, and the project has none (data.documents)"
    if "model" in needs and not has_model:
        return "it needs a language model, and the project names none (model)"
    if kind == "floor" and task.type == "classification" and not task.labels and facts.train_examples == 0:
        return "neither a list of labels nor training data says which labels there are"
    return None


def too_few(kind: str, facts: DataFacts) -> str | None:
    """Why the training examples are too few for a kind that fits otherwise; None where they are enough."""
    there = facts.train_examples + facts.dev_examples
    if kind in METHODS and 0 < there < MINIMUM:
        return f"fine-tuning needs at least {MINIMUM} training examples, and there are {there}"
    return None


def create(spec: ApproachSpec, resources: Resources) -> Approach:
    """The approach of a spec, not yet prepared. Raises UsageError for an unknown kind or wrong options."""
    kind = find(spec.kind)
    resolved = spec.model_copy(update={"options": validate_options(spec.kind, spec.options)})
    module, _, function = kind.factory.partition(":")
    factory: Callable[[ApproachSpec, Resources], Approach] = getattr(importlib.import_module(module), function)
    return factory(resolved, resources)


def _resolved_recipe(method: Method, options: Mapping[str, Any]) -> dict[str, Any]:
    """Derived dials filled in by the recipe itself, which also refuses values that cannot be; `seed` stays as said."""
    said = {name: value for name, value in options.items() if is_recipe_dial(name) and value is not None}
    dials = Recipe.from_options(method, said).described()
    return {name: dials[name] for name in options if name in dials} | {"seed": options["seed"]}


def _common(kind: Kind) -> tuple[Option, ...]:
    return COMMON if "model" in kind.needs else COMMON[:1]


def _value(kind: str, option: Option, value: Any) -> Any:
    if value is None:
        return option.default
    where = f"the approach {kind}: {option.name}"
    if option.type == "flag":
        if not isinstance(value, bool):
            raise UsageError(f"{where} must be true or false, not {value!r}", option.doc)
        return value
    if option.type in ("text", "choice"):
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where} must be a text, not {value!r}", option.doc)
        if option.choices and value not in option.choices:
            raise UsageError(f"{where} cannot be {value!r}", f"one of: {', '.join(option.choices)}")
        return value
    return _number(where, option, value)


def _number(where: str, option: Option, value: Any) -> int | float:
    """YAML reads 2e-4 as a text (it has no dot): a number in a text is a number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise UsageError(f"{where} must be a number, not {value!r}", option.doc) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{where} must be a number, not {value!r}", option.doc)
    if option.type == "integer":
        if float(value) != int(value):
            raise UsageError(f"{where} must be a whole number, not {value!r}", option.doc)
        value = int(value)
    low, high = option.low if option.low is not None else -math.inf, option.high or math.inf
    if not low <= value <= high:
        span = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise UsageError(f"{where} must be {span}, not {value!r}", option.doc)
    number: int | float = value
    return number


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=1, cutoff=0.4)
    close = close or difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
