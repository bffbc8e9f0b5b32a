"""Loading: one clear error for each folder that is no usable model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finetune.loading import free_memory, load_weights, resolve_precision
from finetune.model_files import count_weights, hash_weights, open_model
from reports.errors import DataError, EnvironmentFault


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def test_a_model_loads_in_float32_on_a_cpu(tiny_model: Path) -> None:
    weights = load_weights(open_model(str(tiny_model)), device="cpu")
    assert weights.precision == "float32"
    assert {str(p.dtype) for p in weights.model.parameters()} == {"torch.float32"}
    assert weights.model.num_parameters() == count_weights(tiny_model)


def test_a_model_that_flash_attention_refuses_is_loaded_without_it(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr("finetune.loading._has_flash_attention", lambda *_: True)  # it is not, here
    tried: list[Any] = []
    real = AutoModelForCausalLM.from_pretrained

    def watched(*said: Any, **more: Any) -> Any:
        tried.append(more.get("attn_implementation"))
        return real(*said, **more)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", watched)
    assert load_weights(open_model(str(tiny_model)), device="cpu", training=True).model.num_parameters()
    assert tried == ["flash_attention_2", None]


def test_nf4_loads_on_a_cpu_and_answers(tiny_model: Path) -> None:
    import torch

    weights = load_weights(open_model(str(tiny_model)), precision="nf4", device="cpu")
    with torch.inference_mode():
        logits = weights.model(torch.tensor([[5, 6, 7]])).logits
    assert bool(torch.isfinite(logits).all())


def test_what_one_card_cannot_hold_is_spread_over_several(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    from finetune import loading

    asked: list[dict[str, Any]] = []

    def from_pretrained(*_: object, **said: Any) -> None:
        asked.append(said)
        raise OSError("there is no card here")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    monkeypatch.setattr(loading, "free_memory", lambda device: 300_000)
    weights = open_model(str(tiny_model))
    assert 300_000 < count_weights(tiny_model) * 4 < 600_000
    for cards in (2, 3):
        with pytest.raises(DataError, match="no card here"):
            load_weights(weights, precision="float32", device="cuda:0", cards=cards)
    assert [said["device_map"] for said in asked] == ["balanced"] * 2
    assert asked[0]["max_memory"] == {0: 300_000, 1: 300_000}
    with pytest.raises(EnvironmentFault, match="for weights alone"):
        load_weights(weights, precision="float32", device="cuda:0")


def test_the_hash_follows_the_weights_not_the_name(tiny_model: Path, copy: Path) -> None:
    assert hash_weights(copy) == hash_weights(tiny_model)
    file = copy / "model.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    assert hash_weights(copy) != hash_weights(tiny_model)


def test_no_folder_is_said() -> None:
    with pytest.raises(DataError, match=r"No model folder at \./nowhere"):
        load_weights(open_model("./nowhere"))


def test_an_unreachable_hub_is_an_environment_fault() -> None:
    with pytest.raises(EnvironmentFault, match="hub cannot be reached"):
        load_weights(open_model("nobody/no-such-model-here"))


def test_no_config(copy: Path) -> None:
    (copy / "config.json").unlink()
    with pytest.raises(DataError, match=r"no config\.json"):
        load_weights(open_model(str(copy)))


def test_no_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(DataError, match="holds no weights"):
        load_weights(open_model(str(copy)))


def test_pickled_weights_only(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(DataError, match="pickle"):
        load_weights(open_model(str(copy)))


def test_an_adapter_folder_names_its_base(copy: Path) -> None:
    (copy / "config.json").rename(copy / "adapter_config.json")
    with pytest.raises(DataError) as caught:
        load_weights(open_model(str(copy)))
    assert "adapter" in caught.value.hint


def test_broken_config(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json cannot be read"):
        load_weights(open_model(str(copy)))


def test_truncated_weights(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(DataError, match="not a whole safetensors file"):
        load_weights(open_model(str(copy)))


def test_missing_weights(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    tensors.pop("model.norm.weight")
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"1 weights are missing .* model\.norm\.weight"):
        load_weights(open_model(str(copy)))


def test_unknown_architecture(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["model_type"] = "nothing-known"
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match="cannot be loaded"):
        load_weights(open_model(str(copy)))


def test_no_tokenizer(copy: Path) -> None:
    for file in copy.glob("*token*"):
        file.unlink()
    with pytest.raises(DataError, match="tokenizer"):
        load_weights(open_model(str(copy)))


def test_already_quantised(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match="already quantised"):
        load_weights(open_model(str(copy)), precision="nf4")


def test_missing_bitsandbytes_points_to_lora(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(EnvironmentFault, match="nf4 needs bitsandbytes") as caught:
        load_weights(open_model(str(tiny_model)), precision="nf4", device="cpu")
    assert "lora" in caught.value.hint


def test_odd_layer_widths_still_answer_in_nf4(build_tiny: Callable[..., Path], tmp_path: Path) -> None:
    """bitsandbytes' one-token kernel wants outputs in multiples of 32."""
    import torch

    folder = build_tiny(tmp_path / "odd", hidden=72, heads=2, kv_heads=1)
    model = load_weights(open_model(str(folder)), precision="nf4", device="cpu").model
    with torch.inference_mode():
        assert bool(torch.isfinite(model(torch.tensor([[5]])).logits).all())


def test_a_model_that_does_not_fit_is_told_with_numbers(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.loading.free_memory", lambda _: 1000)
    with pytest.raises(EnvironmentFault, match="GB for weights alone in float32"):
        load_weights(open_model(str(tiny_model)), device="cpu")


def test_precision_is_only_chosen_where_it_is_auto() -> None:
    assert resolve_precision("auto", "cpu") == "float32"
    assert resolve_precision("bfloat16", "cpu") == "bfloat16"


@pytest.mark.parametrize(("generation", "precision"), [(7, "float16"), (8, "bfloat16"), (9, "bfloat16")])
def test_bfloat16_is_chosen_only_where_the_card_has_it(
    monkeypatch: pytest.MonkeyPatch, generation: int, precision: str
) -> None:
    """torch calls it supported where it is emulated, too: on a T4 or V100, many times slower than fp16."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(major=generation))
    assert resolve_precision("auto", "cuda:0") == precision


def test_what_torch_keeps_and_nothing_uses_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * 10**9, 24 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 20 * 10**9)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5 * 10**9)
    assert free_memory("cuda:0") == 18 * 10**9


def test_what_is_held_in_cycles_is_given_back_before_a_model_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune import loading

    class Trainer:
        """Refers to itself, as trainers do."""

        def __init__(self) -> None:
            self.me = self

    held = weakref.ref(Trainer())
    monkeypatch.setattr(loading, "free_memory", lambda device: 1000 if held() else 10**9)
    assert load_weights(open_model(str(tiny_model)), device="cpu").precision == "float32"


def test_quantisation_is_imported_without_torch_s_compiler() -> None:
    """A second and more at the start of every training, and of every model that answers with an adapter."""
    code = (
        "import os, sys; os.environ.pop('TORCHDYNAMO_DISABLE', None); from finetune.loading import import_bitsandbytes;"
        "import_bitsandbytes(); assert 'bitsandbytes' in sys.modules; assert 'TORCHDYNAMO_DISABLE' not in os.environ;"
        "assert 'torch._inductor.compile_fx' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0
