"""The dials of a fine-tuning: few, with derived defaults, and every default said.

Refuses to know files and hardware. The numbers follow what was measured elsewhere: all linear layers rather than
attention alone (Biderman 2405.09673, LoRA Without Regret), about ten times the learning rate of full fine-tuning
(the same), rank-stabilised scaling at high rank (2312.03732), small effective batches.

    recipe = Recipe.from_options("qlora", {"rank": 16, "epochs": 3})
    recipe.learning_rate                        # 0.0002
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from reports.errors import UsageError

Method = Literal["qlora", "lora", "full"]
Schedule = Literal["cosine", "linear", "constant"]

LEARNING_RATES: dict[str, float] = {"qlora": 2e-4, "lora": 2e-4, "full": 2e-5}


@dataclass(frozen=True)
class Recipe:
    """What decides a training. Build it with `from_options` to have defaults derived and values checked."""

    method: Method = "qlora"
    rank: int = 16
    """Of the adapters; ignored by `full`."""
    alpha: int = 32
    """The adapters' output is scaled by alpha / rank (rsLoRA: alpha / sqrt(rank))."""
    targets: str = "all-linear"
    """`all-linear` (without the output layer), or module names joined by commas."""
    dropout: float = 0.0
    use_rslora: bool = False
    use_dora: bool = False
    neftune: float = 0.0
    """Noise on the embeddings while training (2310.05914); 5 suits chat, 0 is off."""
    learning_rate: float = 2e-4
    schedule: Schedule = "cosine"
    warmup: float = 0.03
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    epochs: int = 3
    batch: int = 16
    """Examples an optimizer step learns from, whatever fits the memory at once."""
    batch_tokens: int = 0
    """Padded tokens that go through the model at once; 0 asks the hardware and halves when memory runs out."""
    max_length: int = 0
    """Tokens of prompt and answer together; longer examples are left out and counted. 0: the model's context."""
    eval_share: float = 0.05
    """Of the examples, kept for the validation loss."""
    evaluations: int = 2
    """An epoch."""
    patience: int = 2
    """Evaluations without a better validation loss before training stops; 0 never stops early."""
    gradient_checkpointing: bool | None = None
    """Trade time for memory; None turns it on when the estimate needs it."""
    seed: int = 0

    @classmethod
    def from_options(cls, method: Method, options: Mapping[str, Any]) -> Recipe:
        """The recipe of a project's options. Raises UsageError for an unknown key (naming the nearest) or value."""
        kinds = {f.name: f for f in fields(cls)}
        for key in options:
            if key not in kinds:
                near = difflib.get_close_matches(key, kinds, n=1)
                hint = f"Did you mean `{near[0]}`?" if near else f"Known options: {', '.join(kinds)}."
                raise UsageError(f"{method}: unknown option `{key}`.", hint)
        given = {key: _typed(method, key, value, cls) for key, value in options.items() if value is not None}
        given["method"] = method
        given.setdefault("learning_rate", LEARNING_RATES[method])
        given.setdefault("use_rslora", given.get("rank", cls.rank) >= 64)
        recipe = cls(**given)
        recipe._check()
        return recipe

    def described(self) -> dict[str, Any]:
        """Every dial by name, for print and for the record."""
        return asdict(self)

    def lint(self) -> list[str]:
        """Sentences about dials that usually go wrong; empty when there is nothing to say."""
        said = []
        if self.method != "full" and self.learning_rate < 5e-5:
            said.append(
                f"learning_rate {self.learning_rate:g} suits full fine-tuning; adapters want about ten times it."
            )
        if self.method != "full" and self.learning_rate > 5e-4:
            said.append(
                f"learning_rate {self.learning_rate:g} is high for adapters: models of a few million parameters bear "
                "it, large ones diverge."
            )
        if self.method == "full" and self.learning_rate > 1e-4:
            said.append(f"learning_rate {self.learning_rate:g} is high for full fine-tuning.")
        if self.method != "full" and self.targets != "all-linear":
            said.append(
                "Adapters on some layers only lose to adapters on all linear layers; rank does not make up for it."
            )
        return said

    def _check(self) -> None:
        positive = ("rank", "alpha", "learning_rate", "epochs", "batch", "max_grad_norm", "evaluations")
        for name in positive:
            if getattr(self, name) <= 0:
                raise UsageError(f"{self.method}: `{name}` must be above 0, not {getattr(self, name)}.")
        for name in ("dropout", "warmup", "neftune", "weight_decay", "batch_tokens", "max_length", "patience", "seed"):
            if getattr(self, name) < 0:
                raise UsageError(f"{self.method}: `{name}` cannot be negative.")
        for name in ("dropout", "warmup", "eval_share"):
            if getattr(self, name) >= 1:
                raise UsageError(f"{self.method}: `{name}` is a share below 1, not {getattr(self, name)}.")
        if self.eval_share <= 0:
            raise UsageError(
                f"{self.method}: `eval_share` must be above 0.", "Early stopping needs examples to look at."
            )


def _typed(method: str, key: str, value: Any, cls: type[Recipe]) -> Any:
    """The value as the field's type, or UsageError. YAML reads 2e-4 as text: numbers in text are fine."""
    default = getattr(cls, key)
    if key == "gradient_checkpointing" or isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise UsageError(f"{method}: `{key}` is yes or no, not {value!r}.")
    choices = {"schedule": get_args(Schedule), "method": get_args(Method)}.get(key)
    if choices is not None:
        if value in choices:
            return value
        raise UsageError(f"{method}: `{key}` must be one of {', '.join(choices)}, not {value!r}.")
    if isinstance(default, str):
        return ",".join(value) if isinstance(value, (list, tuple)) else str(value)
    try:
        number = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        number = None
    if number is None or not math.isfinite(number) or (isinstance(default, int) and number != int(number)):
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise UsageError(f"{method}: `{key}` must be {kind}, not {value!r}.")
    return int(number) if isinstance(default, int) else number
