"""What of a model's configuration decides memory and time: widths, layers, and its linear layers by name. No torch.

shape = shape_of(config)
shape.linear + shape.embedding                           # weights
shape.adapter(16, targets="q_proj,v_proj", dora=True)    # trained weights of such an adapter
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.errors import DataError

EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""Names for the number of experts in a configuration."""
OLDER = ("gpt2", "gpt_neox", "gptj", "gpt_neo", "gpt_bigcode", "opt", "bloom", "falcon", "phi", "codegen", "mpt")
WITHOUT_GATE = frozenset((*OLDER, "starcoder2", "nemotron"))
"""Architectures whose MLP has two matrices."""

NAMES = {
    "query": ("q_proj",),
    "key": ("k_proj",),
    "value": ("v_proj",),
    "query, key and value": ("qkv_proj", "query_key_value", "c_attn", "Wqkv"),
    "output": ("o_proj", "out_proj", "dense", "attn.c_proj", "c_proj"),
    "gate": ("gate_proj",),
    "up": ("up_proj", "c_fc", "fc1", "fc_in", "dense_h_to_4h"),
    "gate and up": ("gate_up_proj",),
    "down": ("down_proj", "fc2", "fc_out", "dense_4h_to_h", "mlp.c_proj", "c_proj"),
    "head": ("lm_head", "embed_out"),
}
"""Parts of a decoder to what transformers' architectures call them."""
KNOWN = tuple(dict.fromkeys(name for names in NAMES.values() for name in names if "." not in name))
MLP = frozenset(("gate", "up", "gate and up", "down"))


@dataclass(frozen=True)
class Matrix:
    """A linear layer, `count` times in the model."""

    inputs: int
    outputs: int
    count: int


@dataclass(frozen=True)
class Shape:
    """What of a configuration decides memory."""

    hidden: int
    layers: int
    intermediate: int
    vocabulary: int
    kv: int
    """Key/value heads times head size."""
    query: int
    """Query heads times head size."""
    tied: bool
    gated: bool = True
    """The MLP has gate, up and down; older architectures have no gate."""
    sparse_layers: int = 0
    """Layers whose MLP is a mixture of experts."""
    experts: int = 0
    """Stored in each of them."""
    active: int = 0
    """Experts that a token goes through."""
    expert_width: int = 0
    shared_width: int = 0
    """Inner width of the experts that every token goes through."""

    @property
    def linear(self) -> int:
        """Weights in the layers."""
        return self.dense + self.in_experts

    @property
    def dense(self) -> int:
        """Of them those in linear layers, which bitsandbytes quantises; transformers 5 stores experts otherwise."""
        attention = self.layers * (2 * self.hidden * self.query + 2 * self.hidden * self.kv)
        widths = (self.layers - self.sparse_layers) * self.intermediate + self.sparse_layers * self.shared_width
        return attention + (3 if self.gated else 2) * self.hidden * widths

    @property
    def in_experts(self) -> int:
        """With their routers."""
        return self.sparse_layers * self.experts * self.hidden * (3 * self.expert_width + 1)

    @property
    def active_linear(self) -> int:
        """Weights that one token is multiplied with."""
        return self.dense + self.sparse_layers * self.active * self.hidden * 3 * self.expert_width

    @property
    def inner(self) -> int:
        """Widest inner state of a layer's MLP for one token."""
        sparse = self.active * self.expert_width + self.shared_width if self.sparse_layers else 0
        return max(sparse, self.intermediate if self.sparse_layers < self.layers else 0)

    @property
    def embedding(self) -> int:
        """Weights in embedding and output layer."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    def adapter(self, rank: int, targets: str = "all-linear", *, dora: bool = False) -> int:
        """Weights of an adapter of this rank on the layers that `targets` names; PEFT gives each expert one of its own.

        DoRA adds a magnitude for each output. A name that `unknown_layers` returns counts as the widest matrix.
        """
        found = sum(m.count * (rank * (m.inputs + m.outputs) + dora * m.outputs) for m in self.matrices(targets))
        parts = _parts(targets)
        if parts is not None and not parts & MLP:
            return found
        # Gate and up are one matrix there, which PEFT gives twice the rank; the router is a linear layer too.
        one = 2 * (self.hidden + 2 * self.expert_width) + self.hidden + self.expert_width
        router = self.hidden + self.experts if parts is None else 0
        return found + rank * self.sparse_layers * (self.experts * one + router)

    def matrices(self, targets: str = "all-linear") -> list[Matrix]:
        """The linear layers that `targets` (module names joined by commas) means, experts left out."""
        parts = _parts(targets)
        if parts is None:
            parts = {"query", "key", "value", "output", "up", "down"} | ({"gate"} if self.gated else set())
        return [matrix for part in sorted(parts) for matrix in self._named(part)]

    def _named(self, part: str) -> Iterator[Matrix]:
        hidden, kv, query = self.hidden, self.kv, self.query
        once = {
            "query": (hidden, query, self.layers),
            "key": (hidden, kv, self.layers),
            "value": (hidden, kv, self.layers),
            "query, key and value": (hidden, query + 2 * kv, self.layers),
            "output": (query, hidden, self.layers),
            "head": (hidden, self.vocabulary, 1),
            "": (hidden, max(hidden, self.inner), self.layers),
        }
        if part in once:
            yield Matrix(*once[part])
            return
        for width, layers in (
            (self.intermediate, self.layers - self.sparse_layers),
            (self.shared_width, self.sparse_layers),
        ):
            if width and layers:
                wide = 2 * width if part == "gate and up" else width
                yield Matrix(wide, hidden, layers) if part == "down" else Matrix(hidden, wide, layers)


def unknown_layers(targets: str) -> list[str]:
    """Names in `targets` of which no size is known: another architecture's, or none at all."""
    return [name for name in _names(targets) if not _parts_of(name)] if targets != "all-linear" else []


def _parts(targets: str) -> set[str] | None:
    """None: all of a layer's; an empty name among them: a matrix that is not known."""
    if targets == "all-linear":
        return None
    return {part for name in _names(targets) for part in _parts_of(name) or ("",)}


def _names(targets: str) -> list[str]:
    return [name.strip() for name in targets.split(",") if name.strip()]


def _parts_of(name: str) -> tuple[str, ...]:
    """Of a name, or of a path that ends in one: `self_attn.q_proj`."""
    pieces = name.split(".")
    end = ".".join(pieces[-2:]) if pieces[-1] == "c_proj" else pieces[-1]  # attention and MLP both have one
    return tuple(part for part, names in NAMES.items() if end in names)


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The shape in a config.json. Raises DataError for a configuration without the usual fields."""
    text = config.get("text_config") or config
    names = {
        "hidden_size": ("hidden_size", "n_embd", "d_model"),
        "layers": ("num_hidden_layers", "n_layer", "num_layers"),
        "heads": ("num_attention_heads", "n_head", "num_heads"),
        "vocabulary": ("vocab_size",),
    }
    found: dict[str, int] = {}
    for name, spellings in names.items():
        value = next((text[key] for key in spellings if text.get(key)), None)
        if value is None:
            raise DataError(
                f"The model's configuration has no {spellings[0]}.", "Only decoder models can be estimated."
            )
        found[name] = int(value)
    hidden, heads = found["hidden_size"], found["heads"]
    size = int(text.get("head_dim") or hidden // heads)
    layers = found["layers"]
    experts = next((int(text[key]) for key in EXPERTS if text.get(key)), 0)
    width = int(text.get("intermediate_size") or text.get("n_inner") or 4 * hidden)
    expert_width = int(text.get("moe_intermediate_size") or width)
    return Shape(
        hidden=hidden,
        layers=layers,
        intermediate=width,
        vocabulary=found["vocabulary"],
        kv=int(text.get("num_key_value_heads") or heads) * size,
        query=heads * size,
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        gated=str(text.get("model_type")) not in WITHOUT_GATE,
        sparse_layers=_sparse_layers(text, layers) if experts else 0,
        experts=experts,
        active=int(text.get("num_experts_per_tok") or text.get("num_experts_per_token") or 1) if experts else 0,
        expert_width=expert_width if experts else 0,
        shared_width=_shared_width(text, expert_width) if experts else 0,
    )


def _sparse_layers(text: Mapping[str, Any], layers: int) -> int:
    """Layers with experts: all but the first few, every so many, or all but those named."""
    every = int(text.get("decoder_sparse_step") or 1)
    first, named = int(text.get("first_k_dense_replace") or 0), set(text.get("mlp_only_layers") or ())
    return sum(at >= first and at not in named and (at + 1) % every == 0 for at in range(layers))


def _shared_width(text: Mapping[str, Any], expert_width: int) -> int:
    return int(text.get("shared_expert_intermediate_size") or int(text.get("n_shared_experts") or 0) * expert_width)
