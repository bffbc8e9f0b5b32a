"""The Modelfile's template writes exactly the prompts of the training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from advisor.demo import model_folder
from finetune.chat import Layout, layout_of
from finetune.export.ollama import modelfile
from finetune.model_files import load_tokenizer
from reports.errors import DataError


def layout_in(folder: Path) -> Layout:
    return layout_of(load_tokenizer("model", folder))


def rendered(text: str, prompt: str) -> str:
    """The template as Ollama fills it: for these templates a plain replacement."""
    found = re.search(r'TEMPLATE """(.*?)"""', text, re.DOTALL)
    assert found
    return found[1].replace("{{ .Prompt }}", prompt).partition("{{ .Response }}")[0]


@pytest.mark.parametrize("which", ["bundled", "tiny", "plain"])
def test_prompts_are_those_of_the_training(which: str, tiny_model: Path, plain_model: Path) -> None:
    layout = layout_in({"bundled": model_folder(), "tiny": tiny_model, "plain": plain_model}[which])
    text = modelfile("model.gguf", layout, context=1024, max_tokens=16, licence="Apache-2.0")
    message = "Input: two\n\nlines\n\nName it."
    assert rendered(text, message) == layout.prompt_text(message)
    assert f'PARAMETER stop "{layout.tokenizer.convert_ids_to_tokens(layout.end_id)}"' in text
    assert ('PARAMETER stop "\\n\\n"' in text) == (which == "plain")
    assert "\nFROM ./model.gguf\n" in text
    assert "\nPARAMETER repeat_penalty 1\n" in text, "else Ollama changes greedy answers"
    assert "PARAMETER temperature 0\n" in text


def test_a_template_that_ollama_cannot_hold_is_refused(tiny_model: Path) -> None:
    tokenizer = load_tokenizer("tiny", tiny_model)
    tokenizer.chat_template = "{% for m in messages %}{{ '{{x}}' + m['content'] }}{% endfor %}<|end|>"
    with pytest.raises(DataError, match="which an Ollama template cannot"):
        modelfile("m.gguf", layout_of(tokenizer), context=8, max_tokens=1, licence="")


def test_a_beginning_that_ollama_adds_itself_is_not_in_the_template(tiny_model: Path) -> None:
    """Llama 3 writes BOS into its template and before every text: two of them would begin each prompt."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = load_tokenizer("model", tiny_model)
    tokenizer.bos_token = "<|user|>"
    template = TemplateProcessing(single="<|user|> $A", special_tokens=[("<|user|>", tokenizer.bos_token_id)])
    tokenizer.backend_tokenizer.post_processor = template
    layout = layout_of(tokenizer)
    assert layout.prompt_text("hi").startswith("<|user|>")
    text = modelfile("model.gguf", layout, context=1024, max_tokens=16, licence="Apache-2.0")
    assert "<|user|>" + rendered(text, "hi") == layout.prompt_text("hi")
