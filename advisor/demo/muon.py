"""Muon: momentum whose matrix updates are made orthogonal by Newton-Schulz steps (Jordan et al., 2024).

optimizer = Muon([p for p in net.parameters() if p.ndim == 2], lr=0.02)
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """For hidden matrices only; embeddings, gains and outputs want AdamW."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, steps: int = 5) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "steps": steps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update. Matrices of one shape are made orthogonal together."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                velocity = state["momentum"]
                velocity.lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(velocity, group["momentum"])
                shapes.setdefault(parameter.shape, []).append((parameter, ahead))
            for shape, pairs in shapes.items():
                updates = orthogonal(torch.stack([u for _, u in pairs]), group["steps"])
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for (parameter, _), update in zip(pairs, updates, strict=True):
                    parameter.add_(update, alpha=-group["lr"] * scale)


def orthogonal(stack: Tensor, steps: int) -> Tensor:
    """Each matrix of (n, rows, columns) with its singular values pushed near 1 (quintic Newton-Schulz)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = stack.shape[1] > stack.shape[2]
    x = stack.mT if tall else stack
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    turned: Tensor = x.mT if tall else x
    return turned.float()
