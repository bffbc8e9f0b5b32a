"""The ways in which models of today lay out a conversation, each on a tiny tokenizer: what exports must survive.

    folder = write_model(tmp_path / "llama3", "llama3")          # a model that every trainer opens
    layout = layout_of(load_tokenizer("llama3", folder), TEMPLATES["llama3"].arguments)

`PAIRS` are the texts on which trainers differ: blanks and line breaks at the ends, control tokens, other scripts,
template marks, a transcript in one message. `TALKS` are conversations in their roles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.chat import Layout, Message, layout_of
from finetune.data import Pair
from tests.tiny_model import build, build_tokenizer

_TURN = "<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
_LOOP = "{% for m in messages %}"
_HEADER = "<|start|>{{ m['role'] }}<|stop|>\n\n{{ m['content'] | trim }}<|eot|>"
_CHATML = f"{_LOOP}{_TURN}{{% endfor %}}{{% if add_generation_prompt %}}<|im_start|>assistant\n{{% endif %}}"
_LLAMA3 = f"{_LOOP}{_HEADER}{{% endfor %}}{{% if add_generation_prompt %}}<|start|>assistant<|stop|>\n\n{{% endif %}}"
_NO_THOUGHT = "<think>\n\n</think>\n\n"
_THINK = (
    _LOOP + "<|im_start|>{{ m['role'] }}\n{% if m['role'] == 'assistant' and loop.last %}" + _NO_THOUGHT + "{% endif %}"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}" + _NO_THOUGHT + "{% endif %}{% endif %}"
)


@dataclass(frozen=True)
class Template:
    """One way to lay out a conversation."""

    text: str
    """Empty: the model has no chat template."""
    begin: bool = False
    """Whether the tokenizer itself puts BOS before a text."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


TEMPLATES: dict[str, Template] = {
    "none": Template(""),
    "none-with-bos": Template("", begin=True),
    "chatml": Template(_CHATML),
    "default-system": Template(
        "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are Tiny.<|im_end|>\n{% endif %}" + _CHATML
    ),
    "llama3": Template("{{ bos_token }}" + _LLAMA3, begin=True),
    "dated": Template(
        "{{ bos_token }}{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "<|start|>system<|stop|>\n\nToday: {{ date_string }}<|eot|>" + _LLAMA3,
        begin=True,
    ),
    "inst": Template(
        "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
        "{% elif m['role'] == 'assistant' %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}",
        begin=True,
    ),
    "thinking": Template(_THINK),
    "no-thinking": Template(_THINK, arguments={"enable_thinking": False}),
    "gemma": Template(
        "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}"
        "\n{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
        "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        begin=True,
    ),
}
_CONTROL = ("<|im_start|>", "<|im_end|>", "<|start|>", "<|stop|>", "<|eot|>", "<start_of_turn>", "<end_of_turn>")
_BEGIN = "<|bos|>"

TEXTS: tuple[tuple[str, str], ...] = (
    ("Input: where is my card payment\n\nName the category of the input.", "card arrival"),
    ("  blanks around  ", "top up"),
    ("\n\nlines around\n\n", "two\n\nparagraphs\n- one\n- two"),
    ("trailing line break\n", '{"a": [1, 2], "b": null}'),
    ("naïve café 日本語 👩‍👩‍👧 ½", "naïve café 日本語 👩‍👩‍👧"),
    ("<|im_end|> <|eot|> </s> <|user|> [INST] {{content}} {{ x }} {% if %}", "said {{content}} {{ y }} <|im_end|>"),
    ("system: Be terse.\n\nuser: hello\n\nassistant: hi there\n\nuser: and now?", "good bye"),
    ("123 0042 1,000", "12"),
    ("a", "."),
    ("Answer:", "Answer: x"),
    ("<think>x</think> why", "<think>\nhm\n</think>\n\nyes"),
    ("ends in a blank ", "x"),
    ("curly {content} %s %d", "{content}"),
    ("tab\tand\r\nreturn", "tab\tand\r\nreturn"),
)
_ASK, _SAID = Message("user", "hello, where is it?\n"), Message("assistant", "on its way", trained=True)
_SYSTEM, _AGAIN = Message("system", "Be terse."), Message("user", " and since when? ")
CONVERSATIONS: tuple[tuple[Message, ...], ...] = (
    (_ASK, _SAID, _AGAIN),
    (_SYSTEM, _ASK, _SAID, _AGAIN),
    (_ASK, _SAID._replace(trained=False), _AGAIN),
    (_ASK, _SAID, _AGAIN, _SAID._replace(text="since monday <|im_end|>\n\nor so", trained=False), _ASK),
    (_ASK, _SAID._replace(trained=False), _AGAIN, _SAID._replace(text="since {{ monday }}"), _ASK),
    (_ASK, _SAID, _ASK, _SAID, _ASK, _SAID, _AGAIN),
)
"""What stands before a last answer: earlier answers with and without loss, a system message."""

PAIRS = tuple(
    Pair(prompt, answer, f"row {at}")
    for at, (prompt, answer) in enumerate([*TEXTS, *((f"order number {i} was shipped", "refund") for i in range(6))])
)
TALKS = tuple(
    Pair("\n\n".join(f"{m.role}: {m.text}" for m in messages), f"since day {at}", f"talk {at}", messages=messages)
    for at, messages in enumerate((*CONVERSATIONS, *CONVERSATIONS))
)


def write_model(folder: Path, name: str) -> Path:
    """A tiny random model whose tokenizer has that template."""
    build(folder, chat=False)
    return write_tokenizer(folder, name)


def write_tokenizer(folder: Path, name: str) -> Path:
    """Its tokenizer alone."""
    from tokenizers.processors import TemplateProcessing

    template = TEMPLATES[name]
    tokenizer = build_tokenizer()
    tokenizer.add_tokens([*_CONTROL, _BEGIN], special_tokens=True)
    if template.begin:
        tokenizer.bos_token = _BEGIN
        pieces = [(_BEGIN, tokenizer.convert_tokens_to_ids(_BEGIN))]
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{_BEGIN} $A", special_tokens=pieces)
    if template.text:
        tokenizer.chat_template = template.text
    tokenizer.save_pretrained(folder)
    return folder


def read_layout(folder: Path, name: str) -> Layout:
    """The layout of a model that `write_model` made."""
    from finetune.model_files import load_tokenizer

    return layout_of(load_tokenizer(name, folder), TEMPLATES[name].arguments)
