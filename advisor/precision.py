"""Says in one line what a GPU without bfloat16 changes for a project: float16 to answer with, float32 to train in.

    fallback_words(spec.approaches, "Tesla T4", bf16=False)      # "" where nothing falls back

Refuses to decide it: `finetune.loading.resolve_precision` does, when weights are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable

from advisor.gpus import BF16_SINCE
from baselines.kinds import METHODS
from finetune.fit import without_bf16
from reports.run.schema import ApproachSpec, Environment, is_endpoint

OWN = ("float32", "bfloat16")
"""Precisions that are kept as they are said, in trainings too."""


def fallback_words(approaches: Iterable[ApproachSpec], name: str, *, bf16: bool) -> str:
    """`bf16`: whether the GPU `name`, or the processor, has it or never had a part in it."""
    if bf16:
        return ""
    asked = [(a.kind in METHODS, a.model.precision) for a in approaches if a.model and not is_endpoint(a.model)]
    answering = any(precision not in {*OWN, "float16"} for _, precision in asked)
    training = any(trained and precision not in OWN for trained, precision in asked)
    return without_bf16(name, answering=answering, training=training)


def words_of_environment(approaches: Iterable[ApproachSpec], environment: Environment) -> str:
    """The same of the machine that a run is made on."""
    capability = environment.compute_capability
    bf16 = capability is None or tuple(map(int, capability.split("."))) >= BF16_SINCE
    return fallback_words(approaches, environment.device, bf16=bf16)
