"""Whether two approaches stand on the same model: a difference between models is not one between approaches.

basis(spec, "zero-shot", "few-shot")      # 'same base model', 'different models', or '' where one has no model

The same weights in another precision, engine or with other chat-template arguments are the same base model, and said to
be used differently.
"""

from __future__ import annotations

import json

from reports.run.schema import ModelSpec, RunSpec
from reports.text import listed, one_line

SETTINGS = {"precision": "precision", "engine": "engine", "chat_template_arguments": "chat-template arguments"}
"""What moves the answers of the same weights, in words."""


def several_models(spec: RunSpec) -> bool:
    """True where the approaches of a run use more than one model, or one in more than one way."""
    return len({(_identity(m), *_settings(m)) for item in spec.approaches if (m := item.model) is not None}) > 1


def basis(spec: RunSpec, a: str, b: str) -> str:
    """Words for a comparison."""
    first, second = _model(spec, a), _model(spec, b)
    if first is None or second is None:
        return ""
    if not same_model(first, second):
        return "different models"
    others = _differing(first, second)
    return f"same base model, with different {listed(others)}" if others else "same base model"


def same_model(one: ModelSpec, other: ModelSpec) -> bool:
    """True for the same weights at the same place."""
    return _identity(one) == _identity(other)


def different_models(spec: RunSpec, a: str | None, b: str | None) -> str:
    """A caution about a comparison that decides; empty where both stand on the same model, or one on none."""
    first, second = (_model(spec, name) if name is not None else None for name in (a, b))
    if first is None or second is None:
        return ""
    names = [f"{one_line(str(name), 60)} ({one_line(m.id, 60)})" for name, m in ((a, first), (b, second))]
    if _identity(first) != _identity(second):
        return (
            f"{names[0]} and {names[1]} use different models: what sets them apart may be the model as much as the "
            "approach. Compare approaches on the same model to tell."
        )
    others = _differing(first, second)
    if not others:
        return ""
    return (
        f"{names[0]} and {names[1]} use the same base model with different {listed(others)}: what sets them apart may "
        "be that as much as the approach."
    )


def _model(spec: RunSpec, name: str) -> ModelSpec | None:
    return next((item.model for item in spec.approaches if item.name == name), None)


def _identity(model: ModelSpec) -> tuple[str, str | None, str | None]:
    """Of the weights: limits and prices do not make another model."""
    return model.id, model.base_url, model.revision


def _settings(model: ModelSpec) -> tuple[str, ...]:
    return tuple(json.dumps(getattr(model, name), sort_keys=True, default=str) for name in SETTINGS)


def _differing(first: ModelSpec, second: ModelSpec) -> list[str]:
    """The settings that are not the same, in words."""
    both = zip(SETTINGS.values(), _settings(first), _settings(second), strict=True)
    return [words for words, one, other in both if one != other]
