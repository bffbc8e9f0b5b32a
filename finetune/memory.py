"""Memory that a fine-tuning will need, from the model's configuration and the recipe alone. No torch.

    estimate = estimate_memory(config, recipe, micro_batch=1, length=1024)
    estimate.total, estimate.plan_for               # bytes; plan_for adds a fifth for fragmentation

The formula was checked against published measurements (median error 7 %, see tests/finetune/test_memory.py):

    lin = L (2 h² + 2 h kv + 3 h I), emb = V h (twice when untied)     weights per kind; experts are counted apart
    weights   LoRA, full 2 (lin + emb) bytes; QLoRA lin (1/2 + 1/64 + 4/16384) + 2 emb
    adapters  rank L (2·2h + 2 (h + kv) + 3 (h + I)) weights, 16 bytes each (fp32 weight, gradient, two Adam moments)
    activations of one layer  T (8 h + 2 kv + 4 I) 2 bytes; checkpointed: T L h 2 bytes and one layer
    logits    10 bytes per token and vocabulary entry; 1 with logits on answer positions only
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.recipe import Recipe
from reports.errors import DataError

OVERHEAD_BYTES = 0.8e9
"""CUDA context, kernels and buffers."""

ADAPTER_BYTES = 16
FULL_BYTES = {"mixed": 12, "float32": 16}
"""Per weight: bf16 weight and gradient with fp32 moments; fp32 throughout."""

QUANTISED_BYTES = {True: 0.5 + 1 / 64 + 4 / 16384, False: 0.5 + 4 / 64}
"""Per linear weight in NF4, with and without double quantisation of the scales."""

MARGIN = 1.2

EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""Names for the number of experts in a configuration."""
OLDER = ("gpt2", "gpt_neox", "gptj", "gpt_neo", "gpt_bigcode", "opt", "bloom", "falcon", "phi", "codegen", "mpt")
WITHOUT_GATE = frozenset((*OLDER, "starcoder2", "nemotron"))
"""Architectures whose MLP has two matrices."""

ROWS_AT_ONCE = {True: 512, False: 128}
"""Prompts that are answered together at most, by whether on a GPU."""
PREFILL_TOKENS = {True: 16384, False: 2048}
"""Padded tokens of prompts that are read at once."""
TABLE_SHARE = {True: 0.6, False: 0.25}
"""Of the memory that is free beside the weights, for the keys and values of all answers under way."""


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
    matrices: int = 3
    """Of one MLP: gate, up and down; older architectures have no gate."""
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
        return attention + self.matrices * self.hidden * widths

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

    def adapter(self, rank: int) -> int:
        """Weights of an adapter of this rank on all linear layers; PEFT gives each expert one of its own."""
        attention = self.layers * (2 * (self.hidden + self.query) + 2 * (self.hidden + self.kv))
        dense = self.matrices * (self.layers - self.sparse_layers) * (self.hidden + self.intermediate)
        shared = self.matrices * self.sparse_layers * (self.hidden + self.shared_width) if self.shared_width else 0
        # Gate and up are one matrix there, which PEFT gives twice the rank; the router is a linear layer too.
        one = 2 * (self.hidden + 2 * self.expert_width) + self.hidden + self.expert_width
        experts = self.sparse_layers * (self.experts * one + self.hidden + self.experts)
        return rank * (attention + dense + shared + experts)


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by part. All of it must fit on one device."""

    weights: float
    adapters: float
    """With their gradients and moments; for full fine-tuning the gradients and moments of everything."""
    activations: float
    logits: float
    overhead: float
    checkpointing: bool

    @property
    def total(self) -> float:
        return self.weights + self.adapters + self.activations + self.logits + self.overhead

    @property
    def plan_for(self) -> float:
        """With a margin for fragmentation."""
        return self.total * MARGIN

    def words(self) -> str:
        """One line for a plan or an error."""
        parts = {
            "weights": self.weights,
            "trained": self.adapters,
            "activations": self.activations,
            "logits": self.logits,
        }
        listed = ", ".join(f"{name} {value / 1e9:.1f}" for name, value in parts.items())
        return f"{self.total / 1e9:.1f} GB, plan for {self.plan_for / 1e9:.1f} ({listed})"


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
        matrices=2 if str(text.get("model_type")) in WITHOUT_GATE else 3,
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


def estimate_memory(
    config: Mapping[str, Any],
    recipe: Recipe,
    *,
    length: int,
    micro_batch: int = 1,
    checkpointing: bool | None = None,
    weight_bytes: float = 2.0,
    double_quantised: bool = True,
    logit_bytes: float = 1.0,
    overhead: float = OVERHEAD_BYTES,
) -> MemoryEstimate:
    """Bytes to train `micro_batch` examples of `length` tokens at once.

    `weight_bytes` is 2 for bf16 and 4 for float32 (CPU). `logit_bytes` per token and vocabulary entry: 1 with logits
    on answer positions only, 10 with a full fp32 copy and its gradient. `checkpointing` None reads the recipe.
    """
    shape = shape_of(config)
    tokens = micro_batch * length
    scale = weight_bytes / 2
    checkpointed = bool(recipe.gradient_checkpointing) if checkpointing is None else checkpointing
    layer = tokens * (4 * shape.hidden + 4 * shape.query + 2 * shape.kv + 4 * shape.inner) * 2 * scale
    if checkpointed:
        activations = tokens * shape.layers * shape.hidden * 2 * scale + layer
    else:
        activations = shape.layers * layer
    linear, embedding = shape.linear, shape.embedding
    if recipe.method == "full":
        weights = weight_bytes * (linear + embedding)
        per_weight = FULL_BYTES["mixed"] if weight_bytes < 4 else FULL_BYTES["float32"]
        trained = (per_weight - weight_bytes) * (linear + embedding)
    else:
        quantised = recipe.method == "qlora"
        linear_bytes = QUANTISED_BYTES[double_quantised] if quantised else weight_bytes
        weights = linear_bytes * shape.dense + weight_bytes * (shape.in_experts + embedding)
        trained = float(ADAPTER_BYTES * shape.adapter(recipe.rank))
    return MemoryEstimate(
        weights=weights,
        adapters=trained,
        activations=activations,
        logits=tokens * shape.vocabulary * logit_bytes,
        overhead=overhead,
        checkpointing=checkpointed,
    )


def cache_bytes(config: Mapping[str, Any], *, tokens: int, rows: int, bytes_per_value: float = 2.0) -> float:
    """Key/value cache for answering `rows` prompts of `tokens` (prompt and answer) at once."""
    shape = shape_of(config)
    return 2 * shape.layers * shape.kv * bytes_per_value * tokens * rows


def answering_rows(
    config: Mapping[str, Any], *, questions: int, tokens: int, free: float, gpu: bool, bytes_per_value: float
) -> int:
    """Prompts that are answered together: as many as the table of keys and values takes of `free` bytes."""
    row = cache_bytes(config, tokens=tokens, rows=1, bytes_per_value=bytes_per_value)
    return max(1, min(questions, ROWS_AT_ONCE[gpu], int(TABLE_SHARE[gpu] * free / row)))


def answering_bytes(
    config: Mapping[str, Any], *, weight_bytes: float, prompt: int, room: int, rows: int, gpu: bool
) -> float:
    """Weights, the table of `rows` prompts with `room` tokens for each answer, and what a pass computes besides.

    Without the CUDA context or Python. The widest moment of a pass is in the MLP: two of its inner states and their
    product beside the layer's input and output.
    """
    shape = shape_of(config)
    value = 2.0 if gpu else 4.0
    weights = shape.dense * weight_bytes + (shape.in_experts + shape.embedding) * max(weight_bytes, 2.0)
    table = cache_bytes(config, tokens=prompt + room, rows=rows, bytes_per_value=value)
    tokens = min(rows * prompt, max(prompt, PREFILL_TOKENS[gpu]))
    passing = max(tokens * (2 * shape.hidden + 3 * shape.inner), rows * shape.vocabulary) * value
    return weights + table + passing
