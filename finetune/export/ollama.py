"""An Ollama Modelfile whose prompts are those of the training: the template written out, greedy, with its stops.

    modelfile("model-q8_0.gguf", layout, context=1024, …)          # then: ollama create NAME -f Modelfile

The template is measured, not translated: what the chat layout puts around one user message is found by rendering.
One user message an exchange and no system text, as trained. Ollama punishes repetition unless it is told not to.
"""

from __future__ import annotations

from pathlib import Path

from finetune.chat import PLAIN_PROMPT, Layout, automatic_begin
from finetune.export.formats import end_text
from reports.errors import DataError

_PROBE = "PROBEMESSAGE"


def write_modelfile(path: Path, weights: str, layout: Layout, *, context: int, max_tokens: int, licence: str) -> None:
    """The Modelfile beside the GGUF file `weights`."""
    path.write_text(
        modelfile(weights, layout, context=context, max_tokens=max_tokens, licence=licence), encoding="utf-8"
    )


def modelfile(weights: str, layout: Layout, *, context: int, max_tokens: int, licence: str) -> str:
    """Its text. Raises DataError where the chat layout cannot be written as an Ollama template."""
    before, after = surroundings(layout)
    template = f"{before}{{{{ .Prompt }}}}{after}{{{{ .Response }}}}"
    stops = [end_text(layout), *layout.stop_texts]
    lines = [
        "# In this folder: ollama create NAME -f Modelfile",
        f"FROM ./{weights}",
        f'TEMPLATE """{template}"""',
        *(f"PARAMETER stop {_quoted(stop)}" for stop in dict.fromkeys(stops)),
        "PARAMETER temperature 0",
        "PARAMETER repeat_penalty 1",
        f"PARAMETER num_ctx {context}",
        f"PARAMETER num_predict {max_tokens}",
        f'LICENSE """{licence}"""',
    ]
    return "\n".join(lines) + "\n"


def surroundings(layout: Layout) -> tuple[str, str]:
    """What the layout writes before and after one user message."""
    text = layout.prompt_text(_PROBE) if layout.chat else PLAIN_PROMPT.format_map({"message": _PROBE})
    before, _, after = text.partition(_PROBE)
    if automatic_begin(layout.tokenizer):  # the GGUF file says so, and Ollama obeys: a second one would be read as text
        before = before.removeprefix(layout.tokenizer.bos_token)
    if any(mark in before + after for mark in ('"""', "{{", "}}")):
        raise DataError(
            'The model\'s chat layout holds """ or {{, which an Ollama template cannot.',
            "Serve the GGUF file with llama.cpp, which reads the model's own template.",
        )
    return before, after


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
