"""Whether two approaches stand on the same model: a difference between models is not one between approaches.

basis(spec, "zero-shot", "few-shot")      # 'same base model', 'different models', or '' where one has no model
"""

from __future__ import annotations

from reports.run.schema import ModelSpec, RunSpec
from reports.text import one_line


def several_models(spec: RunSpec) -> bool:
    """True where the approaches of a run use more than one model."""
    return len({_identity(item.model) for item in spec.approaches if item.model is not None}) > 1


def basis(spec: RunSpec, a: str, b: str) -> str:
    """Words for a comparison."""
    first, second = _model(spec, a), _model(spec, b)
    if first is None or second is None:
        return ""
    return "same base model" if same_model(first, second) else "different models"


def same_model(one: ModelSpec, other: ModelSpec) -> bool:
    """True for the same weights at the same place."""
    return _identity(one) == _identity(other)


def different_models(spec: RunSpec, a: str | None, b: str | None) -> str:
    """A caution about a comparison that decides; empty where both stand on the same model, or one on none."""
    if a is None or b is None or basis(spec, a, b) != "different models":
        return ""
    first, second = (f"{one_line(name, 60)} ({one_line(_id(spec, name), 60)})" for name in (a, b))
    return (
        f"{first} and {second} use different models: what sets them apart may be the model as much as the approach. "
        "Compare approaches on the same model to tell."
    )


def _model(spec: RunSpec, name: str) -> ModelSpec | None:
    return next((item.model for item in spec.approaches if item.name == name), None)


def _id(spec: RunSpec, name: str) -> str:
    found = _model(spec, name)
    return found.id if found else ""


def _identity(model: ModelSpec) -> tuple[str, str | None, str | None]:
    """Of the weights: limits, precision and prices do not make another model."""
    return model.id, model.base_url, model.revision
