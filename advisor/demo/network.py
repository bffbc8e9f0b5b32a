"""The demo model while it trains: Llama's arithmetic in plain torch, parameters named as transformers names them.

Differs from transformers only in what training needs: rows hold several sheets beside each other (a block mask says
who sees whom), logits are computed at loss positions alone, and the initialisation is built by hand (see `initialise`).

    net = Network(Shape()); loss_logits = net(tokens, position, mask, where)
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Size of the network. The defaults give 2.6 million parameters."""

    vocabulary: int = 2048
    width: int = 192
    layers: int = 5
    heads: int = 4
    hidden: int = 512
    theta: float = 1e5
    positions: int = 1024
    epsilon: float = 1e-5


class Norm(nn.Module):
    """Root mean square normalisation with a gain."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Attention(nn.Module):
    """Rotary attention under an additive mask."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        rows, length, width = x.shape
        weight = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        q, k, v = F.linear(x, weight).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = turn(q, cosine, sine), turn(k, cosine, sine)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        mixed: Tensor = self.o_proj(out.transpose(1, 2).reshape(rows, length, width))
        return mixed


class Feedforward(nn.Module):
    """Gated SiLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down_proj = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = F.linear(x, torch.cat([self.gate_proj.weight, self.up_proj.weight])).chunk(2, -1)
        out: Tensor = self.down_proj(F.silu(gate) * up)
        return out


class Layer(nn.Module):
    """One block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.width, shape.epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.width, shape.epsilon)
        self.mlp = Feedforward(shape)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine, mask)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Network(nn.Module):
    """The whole model; the output layer is the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        half = shape.width // shape.heads // 2
        turns = torch.outer(torch.arange(shape.positions).float(), frequencies(shape))
        self.register_buffer("cosine", turns.cos().repeat(1, 2), persistent=False)
        self.register_buffer("sine", torch.cat([-turns.sin(), turns.sin()], 1), persistent=False)
        assert self.get_buffer("cosine").shape[1] == 2 * half

    def blocks(self) -> list[Layer]:
        """The layers, by their type."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def forward(self, tokens: Tensor, position: Tensor, mask: Tensor, where: Tensor) -> Tensor:
        """Logits at the flat places `where` of (rows, length) tokens; mask (rows, 1, length, length) is additive."""
        x = self.embed_tokens(tokens)
        cosine, sine = self.get_buffer("cosine")[position][:, None], self.get_buffer("sine")[position][:, None]
        for layer in self.layers:
            x = layer(x, cosine, sine, mask)
        chosen = self.norm(x.flatten(0, 1)[where])
        return F.linear(chosen, self.embed_tokens.weight)


def turn(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position: halves of the head turn against each other, as transformers' Llama does it."""
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat([second, first], -1) * sine


def frequencies(shape: Shape) -> Tensor:
    """Radians a position of each rotary pair, shape (head size / 2,)."""
    size = shape.width // shape.heads
    return shape.theta ** (-torch.arange(0, size, 2).float() / size)


def initialise(net: Network, seed: int = 0) -> None:
    """A start that can already copy (an idea of Trockman and Kolter, 2023, taken further). All of it trains on.

    One embedding dimension is a constant, so that heads can look by distance alone. With random rotations R:
    layer 0 writes the previous token through R0; later, half the heads look where "previous token" equals the token at
    hand and copy what stands there. In layer 1 the other half averages over the last dozens of tokens through R1, in
    layer 2 it hands that average one token on through R2, in layer 3 it looks where the handed-on average is like the
    own one, and copies: the label after the text that is most alike.
    """
    shape = net.shape
    generator = torch.Generator().manual_seed(seed)
    width = shape.width
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.3 / math.sqrt(parameter.shape[1]), generator=generator)
        table = net.embed_tokens.weight
        table.normal_(0, 0.5, generator=generator)
        table[:, 0] = 1.5
        net.norm.weight.fill_(0.15)
        spaces = tuple(_rotation(width, generator) for _ in range(3))
        for number, layer in enumerate(net.blocks()):
            attention = layer.self_attn
            for head in range(shape.heads):
                _start_head(attention, shape, number, head, spaces=spaces, generator=generator)
            attention.o_proj.weight.mul_(0.8)
            layer.mlp.down_proj.weight.mul_(0.3)


def _start_head(
    attention: Attention,
    shape: Shape,
    number: int,
    head: int,
    *,
    spaces: tuple[Tensor, ...],
    generator: torch.Generator,
) -> None:
    """The part of one head in the plan of `initialise`; `number` is its layer's."""
    previous, average, handed = spaces
    plain = torch.eye(shape.width)
    size = shape.width // shape.heads
    own = plain[head * size : (head + 1) * size]
    if number == 0:
        _look_by_distance(attention, shape, head, 1, sharp=3.0)
        _carry(attention, head, own, source=plain, goal=previous, gain=0.6)
    elif head < shape.heads // 2 or number > 3:
        basis = _rotation(shape.width, generator)[:size]
        sharp = 2.5 if number == 1 else 2.8
        _look_by_content(attention, shape, head, own=plain, other=previous, basis=basis, sharp=sharp)
        _carry(attention, head, _rotation(shape.width, generator)[:size], source=plain, goal=plain, gain=1.0)
    elif number == 1:
        _look_by_distance(attention, shape, head, 8, sharp=1.15)
        _carry(attention, head, own, source=plain, goal=average, gain=3.0)
    elif number == 2:
        _look_by_distance(attention, shape, head, 1, sharp=4.5)
        _carry(attention, head, own, source=average, goal=handed, gain=1.0)
    else:
        _look_by_content(attention, shape, head, own=average, other=handed, basis=own, sharp=3.0)
        _carry(attention, head, _rotation(shape.width, generator)[:size], source=plain, goal=plain, gain=1.0)


def _rotation(width: int, generator: torch.Generator) -> Tensor:
    """A random rotation that leaves the constant dimension 0 alone."""
    turned = torch.linalg.qr(torch.randn(width - 1, width - 1, generator=generator)).Q
    whole = torch.zeros(width, width)
    whole[0, 0] = 1
    whole[1:, 1:] = turned
    return whole


def _look_by_distance(attention: Attention, shape: Shape, head: int, back: int, sharp: float) -> None:
    """Queries and keys from the constant dimension alone: the match is best `back` tokens before."""
    size = shape.width // shape.heads
    turns = frequencies(shape)
    use = ((turns > 0.02) if back == 1 else (turns > 0.01) & (turns < 0.1)).float()
    rows = slice(head * size, (head + 1) * size)
    angle = turns * back
    attention.q_proj.weight[rows, 0] = sharp * torch.cat([use, torch.zeros_like(use)])
    attention.k_proj.weight[rows, 0] = sharp * torch.cat([use * angle.cos(), use * angle.sin()])


def _look_by_content(
    attention: Attention, shape: Shape, head: int, *, own: Tensor, other: Tensor, basis: Tensor, sharp: float
) -> None:
    """Match the query's part seen through `own` with the key's part seen through `other`, in slow rotary pairs only."""
    size = shape.width // shape.heads
    slow = (frequencies(shape) < 8e-3).float().repeat(2)[:, None]
    clean = basis.clone()
    clean[:, 0] = 0
    rows = slice(head * size, (head + 1) * size)
    attention.q_proj.weight[rows] += sharp * slow * (clean @ own.T)
    attention.k_proj.weight[rows] += sharp * slow * (clean @ other.T)


def _carry(attention: Attention, head: int, basis: Tensor, *, source: Tensor, goal: Tensor, gain: float) -> None:
    """Read the part that stands under `source` and write it under `goal`, for the directions of `basis`."""
    size = basis.shape[0]
    rows = slice(head * size, (head + 1) * size)
    clean = basis.clone()
    clean[:, 0] = 0
    attention.v_proj.weight[rows] += clean @ source.T
    attention.o_proj.weight[:, rows] += gain * (goal @ clean.T)


def save(net: Network, folder: Path, pad: int, end: int) -> None:
    """config.json, generation_config.json and model.safetensors (bf16) for transformers' LlamaForCausalLM."""
    from safetensors.torch import save_file

    shape = net.shape
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.width // shape.heads,
        "hidden_act": "silu",
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.theta},
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": None,
        "eos_token_id": end,
        "pad_token_id": pad,
        "dtype": "bfloat16",
    }
    generation = {"eos_token_id": end, "pad_token_id": pad, "do_sample": False, "max_new_tokens": 64}
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{k}": v.detach().to(torch.bfloat16).contiguous().cpu() for k, v in net.state_dict().items()}
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n", encoding="utf-8")
