"""How the learning rate moves over a training. Knows only the recipe; no torch.

rate_share(recipe, step=0, total=300)        # of `learning_rate`: 1/9 while it rises over 9 steps
"""

from __future__ import annotations

import math

from finetune.recipe import Recipe


def rate_share(recipe: Recipe, step: int, total: int) -> float:
    """Share of the peak rate at a 0-based step: a linear rise, then the schedule down to 0 (or constant)."""
    rise = max(1, round(recipe.warmup * total))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, total - rise)
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule == "linear":
        return 1 - done
    return 0.5 * (1 + math.cos(math.pi * done))
