"""The last layer of a decoder, computed beyond its attention only where an answer token is predicted.

    last = LastLayer.of(decoder)                     # None where the layer is built otherwise
    with last.only(rows, columns):
        hidden = decoder(input_ids=ids).last_hidden_state[0]      # (answer tokens, width)

Nothing after the last attention mixes positions, and a position without loss needs no output: its MLP would be computed
and thrown away, two thirds of that layer. Of six layers and short answers that is a tenth of a step. Layers of another
build (experts, more norms, hooks that move them between cards) and checkpointed ones, whose second forward comes when
the places are gone, are left as they are; the caller compares logits before it trusts any of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

PARTS = {"input_layernorm", "self_attn", "post_attention_layernorm", "mlp"}
MLP_PARTS = {"gate_proj", "up_proj", "down_proj", "act_fn"}


class LastLayer:
    """Stands before the layer's own forward."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._plain = layer.forward
        self._places: tuple[torch.Tensor, torch.Tensor] | None = None
        layer.forward = self._forward

    @classmethod
    def of(cls, decoder: Any) -> LastLayer | None:
        """The last layer, where it is one attention and one MLP, each behind a norm and beside a sum."""
        layers = getattr(decoder, "layers", None)
        if not isinstance(layers, torch.nn.ModuleList) or not len(layers):
            return None
        layer: Any = layers[-1]
        parts = {name for name, _ in layer.named_children()}
        if parts != PARTS or not MLP_PARTS.issuperset(name for name, _ in layer.mlp.named_children()):
            return None
        return None if hasattr(layer, "_hf_hook") else cls(layer)

    def release(self) -> None:
        """Give the layer its own forward back."""
        self._layer.forward = self._plain

    @contextmanager
    def only(self, rows: torch.Tensor, columns: torch.Tensor) -> Iterator[None]:
        """While it is entered the layer gives (1, len(rows), width): the outputs at these places."""
        self._places = rows, columns
        try:
            yield
        finally:
            self._places = None

    @property
    def ready(self) -> bool:
        """False while the layer's activations are to be computed a second time."""
        return not (getattr(self._layer, "gradient_checkpointing", False) and self._layer.training)

    def _forward(self, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if self._places is None:
            return self._plain(hidden_states, *args, **kwargs)
        layer = self._layer
        attended, _ = layer.self_attn(layer.input_layernorm(hidden_states), *args, **kwargs)
        kept = (hidden_states + attended)[self._places].unsqueeze(0)
        return kept + layer.mlp(layer.post_attention_layernorm(kept))
