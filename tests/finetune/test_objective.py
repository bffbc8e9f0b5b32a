"""The loss equals the plain one, however it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.data import Sample
from finetune.loading import load_weights
from finetune.model_files import open_model
from finetune.objective import Objective

SAMPLES = [
    Sample(tuple(range(5, 30)), start=20),
    Sample(tuple(range(40, 52)), start=3),
    Sample((7, 8, 9), start=1),
    Sample(tuple(range(60, 90)), start=25, earlier=((4, 9), (12, 14))),
]


@pytest.fixture
def model(tiny_model: Path) -> Any:
    return load_weights(open_model(str(tiny_model)), device="cpu").model


def plain_loss(model: Any) -> float:
    """One by one through the model's own loss."""
    import torch

    total = 0.0
    for sample in SAMPLES:
        labels = [-100] * len(sample.ids)
        for start, end in sample.spans:
            labels[start:end] = sample.ids[start:end]
        output = model(input_ids=torch.tensor([sample.ids]), labels=torch.tensor([labels]))
        total += output.loss.item() * sample.trained
    return total


def test_it_is_the_models_own_loss_on_answer_tokens(model: Any) -> None:
    loss, tokens = Objective(model)(SAMPLES)
    assert tokens == 5 + 9 + 2 + 12
    assert loss.item() == pytest.approx(plain_loss(model), rel=1e-5)


def test_it_counts_the_answer_tokens_that_are_the_likeliest(model: Any) -> None:
    import torch

    with torch.no_grad():
        likeliest = [model(input_ids=torch.tensor([s.ids])).logits[0].argmax(-1).tolist() for s in SAMPLES]
    places = [(at, s) for s, _ in enumerate(SAMPLES) for a, b in SAMPLES[s].spans for at in range(a, b)]
    expected = sum(likeliest[s][at - 1] == SAMPLES[s].ids[at] for at, s in places)
    taught = Sample((*SAMPLES[1].ids[:11], likeliest[1][10]), start=3)
    loss, right = Objective(model).judged(SAMPLES)
    assert right == expected
    assert loss == pytest.approx(plain_loss(model), rel=1e-5)
    assert Objective(model).judged([taught])[1] >= 1


def test_a_model_that_changes_its_logits_keeps_its_own_forward(model: Any) -> None:
    """A soft cap after the output layer, as some architectures have: the short way would miss it."""
    import torch

    class Capped:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def __call__(self, **inputs: Any) -> Any:
            output = self.inner(**inputs)
            output.logits = torch.tanh(output.logits / 2) * 2
            return output

    capped = Objective(Capped(model))
    loss, _ = capped(SAMPLES)
    assert capped._short is False
    assert loss.item() != pytest.approx(plain_loss(model), rel=1e-3)
    assert loss.item() == pytest.approx(sum(capped([sample])[0].item() for sample in SAMPLES), rel=1e-5)


def gradients(model: Any, objective: Objective) -> list[Any]:
    model.zero_grad()
    loss: Any = objective(SAMPLES)[0]
    loss.backward()
    return [weight.grad.clone() for weight in model.parameters()]


def test_the_last_layer_is_computed_where_answers_are_predicted_with_the_same_gradients(model: Any) -> None:
    import torch

    short, whole = Objective(model), Objective(model)
    assert short._last is not None
    assert whole._last is not None
    whole._last.release()
    whole._last = None
    widths: list[int] = []
    watch = model.model.layers[-1].mlp.register_forward_hook(lambda _, given, __: widths.append(given[0].shape[1]))
    for one, other in zip(gradients(model, short), gradients(model, whole), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    watch.remove()
    assert widths[:3] == [5, 25, 28]  # the probe, short and whole; then the answer tokens of all samples together
    assert model.generate(input_ids=torch.tensor([[5, 6, 7]]), max_new_tokens=2).shape[1] > 3


def test_a_checkpointed_last_layer_is_computed_whole(model: Any) -> None:
    import torch

    short = Objective(model)
    expected = gradients(model, short)
    model.train()
    model.activation_checkpointing_enable({"use_reentrant": False})
    found = gradients(model, short)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


class Watched:
    """Widths of what the decoder is given."""

    def __init__(self, decoder: Any) -> None:
        self.shapes: list[tuple[int, ...]] = []
        decoder.register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, _: Any, __: Any, given: dict[str, Any]) -> None:
        self.shapes.append(tuple(given["input_ids"].shape))


def test_packed_examples_have_the_gradients_of_padded_ones(model: Any) -> None:
    """sdpa takes an example's beginning from its positions, as flash attention does from the bounds beside them."""
    import torch

    padded, packed = Objective(model), Objective(model)
    packed._packed = None  # as where the model attends by flash attention
    expected = gradients(model, padded)
    watched = Watched(model.get_decoder())
    found = gradients(model, packed)
    assert packed._packed is True
    assert watched.shapes[-1] == (1, 25 + 12 + 3 + 30)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_layers_that_see_the_example_before_are_not_given_packed_ones(model: Any) -> None:
    """As those of a state space do: what stands earlier in the row reaches them."""
    import torch

    def seen_before(_: Any, __: Any, output: torch.Tensor) -> torch.Tensor:
        return output + output.cumsum(dim=1)

    model.model.layers[0].mlp.register_forward_hook(seen_before)
    objective = Objective(model)
    objective._packed = None
    watched = Watched(model.get_decoder())
    loss, _ = objective(SAMPLES)
    assert objective._packed is False
    assert watched.shapes[-1] == (4, 30)
    assert loss.item() == pytest.approx(sum(Objective(model)([sample])[0].item() for sample in SAMPLES), rel=1e-4)


def test_a_layer_that_scales_its_sums_is_found_out(model: Any) -> None:
    """As Granite's do: the same parts, other sums."""
    import torch

    layer = model.model.layers[-1]

    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in layer.named_children():
                self.add_module(name, part)

        def forward(self, hidden_states: Any, **more: Any) -> Any:
            parts: Any = self
            hidden_states = hidden_states + 0.3 * parts.self_attn(parts.input_layernorm(hidden_states), **more)[0]
            return hidden_states + 0.3 * parts.mlp(parts.post_attention_layernorm(hidden_states))

    model.model.layers[-1] = Scaled()
    objective = Objective(model)
    loss, _ = objective(SAMPLES)
    assert objective._last is None
    assert objective._short is True
    assert loss.item() == pytest.approx(plain_loss(model), rel=1e-5)
