"""The demo model's tokenizer: byte-level BPE, digits single, a chat template, and sheets as token rows.

The template ends the prompt with `Answer:`, as a few-shot example does, and writes a space before the answer: the
first word of an answer is the same token as inside a passage.

    python -m advisor.demo.tokens FOLDER      # trains it on generated text, writes the tokenizer files
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.demo import text_mix

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 2048
PAD, END, USER, ASSISTANT, SYSTEM = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"
SPECIAL = [PAD, END, USER, ASSISTANT, SYSTEM]
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "{{ '\\n<|assistant|>Answer: ' + message['content'] + '<|end|>\\n' }}"
    "{%- else -%}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '\\n<|assistant|>Answer:' }}{%- endif -%}"
)
PATTERN = r" ?\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def prompt_text(prompt: str) -> str:
    """What the template makes of one user message with the generation prompt."""
    return f"{USER}\n{prompt}\n{ASSISTANT}Answer:"


def answer_text(answer: str) -> str:
    """What the template makes of the answer after it."""
    return f" {answer}{END}"


def train(texts: Iterable[str]) -> Tokenizer:
    """A byte-level BPE of `VOCABULARY` entries over the texts."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json, tokenizer_config.json and chat_template.jinja, as transformers reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1024,
        "padding_side": "left",
        "extra_special_tokens": [USER, ASSISTANT, SYSTEM],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")


def load(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def id_of(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that is there. Raises KeyError for another."""
    found: int | None = tokenizer.token_to_id(token)
    if found is None:
        raise KeyError(token)
    return found


@dataclass(frozen=True)
class Row:
    """One sheet as tokens: a trunk that all turns share, then the turns as branches beside each other.

    `branch` is 0 in the trunk and 1, 2, … in the branches; `position` counts from the sheet's start, so each branch
    goes on where the trunk ends. `weight[i]` is the loss weight of predicting `target[i]` from token i.
    """

    tokens: list[int]
    position: list[int]
    branch: list[int]
    target: list[int]
    weight: list[float]


class Encoder:
    """Sheets to rows."""

    def __init__(self, tokenizer: Tokenizer, shot_weight: float = 0.5) -> None:
        self.tokenizer = tokenizer
        self.shot_weight = shot_weight
        self.answer_pair = tokenizer.encode("\nAnswer:").ids[-2:]

    def row(self, sheet: text_mix.Sheet) -> Row:
        """Trunk and branches of one sheet."""
        encode = self.tokenizer.encode_batch
        prompts = [e.ids for e in encode([prompt_text(t.prompt) for t in sheet.turns])]
        answers = [e.ids for e in encode([answer_text(t.answer) for t in sheet.turns])]
        shared = _common(prompts) if len(prompts) > 1 else 0
        trunk = prompts[0][:shared]
        row = Row(list(trunk), list(range(shared)), [0] * shared, [*trunk[1:], 0], [0.0] * shared)
        if not shared:
            row.target.clear()
        self._weigh_shots(row, sheet.shot_loss)
        for number, (prompt, answer) in enumerate(zip(prompts, answers, strict=True), start=1):
            own = [*prompt[shared:], *answer]
            row.tokens.extend(own)
            row.position.extend(range(shared, shared + len(own)))
            row.branch.extend([number if shared else 0] * len(own))
            row.target.extend([*own[1:], 0])
            weights = [0.0] * len(own)
            first = len(own) - len(answer) - 1
            weights[first:-1] = [1.0] * len(answer)
            row.weight.extend(weights)
        if not shared:
            self._weigh_shots(row, sheet.shot_loss)
        return row

    def _weigh_shots(self, row: Row, known: tuple[bool, ...]) -> None:
        """Loss on the answers of few-shot examples that can be known from what precedes them."""
        if not any(known):
            return
        word, colon = self.answer_pair
        shot, place = 0, 1
        while place < len(row.tokens) - 1 and shot < len(known):
            if row.tokens[place - 1] == word and row.tokens[place] == colon:
                end = place
                while end + 1 < len(row.tokens) and "Ċ" not in (self.tokenizer.id_to_token(row.tokens[end + 1]) or ""):
                    if known[shot]:
                        row.weight[end] = self.shot_weight
                    end += 1
                shot += 1
                place = end
            place += 1


def _common(rows: list[list[int]]) -> int:
    """Length of the beginning that all rows share; at least one token is left to each."""
    shortest = min(len(r) for r in rows) - 1
    for place in range(shortest):
        if any(r[place] != rows[0][place] for r in rows[1:]):
            return place
    return shortest


def corpus(sheets: int, seed: int = 7) -> Iterable[str]:
    """Generated text for training the tokenizer."""
    for sheet in islice(text_mix.stream(seed), sheets):
        turn = sheet.turns[0]
        yield f"{turn.prompt}\nAnswer: {turn.answer}\n"


if __name__ == "__main__":
    save(train(corpus(12_000)), Path(sys.argv[1]))
