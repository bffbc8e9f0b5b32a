"""Lays out one user message and its answer as a model's chat template wants them: the same for training and answering.

Refuses to know what the message says; knows tokenizers, not tasks. Needs no torch.

    layout = layout_of(tokenizer)
    prompt, completion = layout.pair_ids("Input: refund please\\n\\nName the intent.", "refund")

A conversation of several turns is laid out in its roles, `layout.prompt_text(flat, messages)`, where the template takes
them: `flat`, its transcript as one message, is for the others. `earlier_spans` finds the earlier answers in its tokens.

A model without a chat template gets the plain layout: the message, a line "Answer:", and the answer. There an answer
also ends at a blank line, because a base model never says that it is done; see `stop_texts`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from reports.errors import DataError

PLAIN_PROMPT = "{message}\nAnswer:"
PLAIN_LEAD = " "
_PROBE_MESSAGE = "PROBEMESSAGE"
_PROBE_ANSWER = "PROBEANSWER"
_PROBE_SYSTEM = "PROBESYSTEM"

PINNED_ARGUMENTS = {"date_string": "26 Jul 2024"}
"""Some templates print today's date into every prompt: a fixed one keeps runs equal and caches valid."""


class Message(NamedTuple):
    """One message before an answer."""

    role: str
    """`system` (the first one at most), `user` or `assistant`."""
    text: str
    trained: bool = False
    """An answer of the assistant that carries loss as the last one does."""


@dataclass(frozen=True)
class Layout:
    """How one model wants a message and its answer. Build it with `layout_of`."""

    tokenizer: Any
    chat: bool
    """False: the model has no chat template and gets the plain layout."""
    arguments: Mapping[str, Any]
    lead: str
    """Text between the end of the prompt and the answer (often empty or a space)."""
    end_id: int
    """The token that is trained to end an answer."""
    end_ids: frozenset[int]
    """Every token that ends an answer when generated."""
    begin: tuple[int, ...]
    """Ids that stand before the first text token (BOS where the plain layout needs one)."""
    hash: str
    """Of the layout and its template: equal at training and answering, or something is wrong."""
    special: re.Pattern[str] | None = field(repr=False, default=None)

    @property
    def stop_texts(self) -> tuple[str, ...]:
        """Texts that end an answer of a model that was never taught to end one; empty with a chat template."""
        return () if self.chat else ("\n\n",)

    def prompt_text(self, message: str, messages: Sequence[Message] = ()) -> str:
        """The whole prompt as text, up to where the answer begins: of the messages, or of `message` alone."""
        found = self.conversation_text(messages) if messages else None
        if found is not None:
            return found
        message = self.defused(message)
        if not self.chat:
            return PLAIN_PROMPT.format_map({"message": message})
        return _render(self.tokenizer, [{"role": "user", "content": message}], self.arguments, prompt=True)

    def conversation_text(self, messages: Sequence[Message]) -> str | None:
        """The prompt in roles; None without a template, and where it refuses or drops what user or system said."""
        if not self.chat or not messages:
            return None
        turns = [{"role": m.role, "content": self.defused(m.text)} for m in messages]
        if turns[0]["role"] == "system" and not self.takes_system:
            turns = _without_system(turns)
        try:
            text = _render(self.tokenizer, turns, self.arguments, prompt=True)
        except DataError:  # roles that must alternate, say
            return None
        kept = all(turn["content"].strip() in text for turn in turns if turn["role"] != "assistant")
        return text if kept else None

    @cached_property
    def takes_system(self) -> bool:
        """Whether the template writes a system message, and apart from the user's."""
        turns = [{"role": "system", "content": _PROBE_SYSTEM}, {"role": "user", "content": _PROBE_MESSAGE}]
        try:
            text = _render(self.tokenizer, turns, self.arguments, prompt=True)
        except DataError:
            return False
        return _PROBE_SYSTEM in text and _PROBE_MESSAGE in text

    def earlier_spans(self, messages: Sequence[Message]) -> tuple[tuple[int, int], ...] | None:
        """Where the earlier answers that are trained stand in the prompt's ids, each with its end token.

        Each must stand there token by token as it would be learnt, and answered, if the conversation ended with it.
        None where one does not: a template that rewrites earlier answers, or no roles at all.
        """
        wanted = [at for at, message in enumerate(messages) if message.role == "assistant" and message.trained]
        if not wanted:
            return ()
        whole = self.conversation_text(messages)
        if whole is None:
            return None
        (ids,) = self._encode([whole])
        ids = [*self.begin, *ids]
        spans = []
        for at in wanted:
            if self.conversation_text(messages[:at]) is None:
                return None
            prompt, completion = self.pair_ids("", messages[at].text, messages[:at])
            end = len(prompt) + len(completion)
            if ids[:end] != [*prompt, *completion]:
                return None
            spans.append((len(prompt), end))
        return tuple(spans)

    def prompt_ids(self, messages: Sequence[str], turns: Sequence[Sequence[Message]] = ()) -> list[list[int]]:
        """Token ids of each prompt; no BOS beside the one that the template writes. `turns`: each in its roles."""
        each = turns or [()] * len(messages)
        texts = [self.prompt_text(message, own) for message, own in zip(messages, each, strict=True)]
        return [[*self.begin, *ids] for ids in self._encode(texts)] if texts else []

    def pair_ids(self, message: str, answer: str, messages: Sequence[Message] = ()) -> tuple[list[int], list[int]]:
        """(prompt ids, completion ids): the completion carries the loss and ends with `end_id`.

        The prompt's ids are exactly those of `prompt_ids`, also where prompt and answer would merge at their seam.
        """
        text = self.prompt_text(message, messages)
        tail = self.lead + self.defused(answer)
        prompt, both, alone = self._encode([text, text + tail, tail])
        completion = both[len(prompt) :] if both[: len(prompt)] == prompt else alone
        return [*self.begin, *prompt], [*completion, self.end_id]

    def defused(self, text: str) -> str:
        """Foreign text cannot write the model's control tokens: `<|im_end|>` in it becomes `< |im_end|>`."""
        if self.special is None:
            return text
        return self.special.sub(lambda found: f"{found[0][:1]} {found[0][1:]}", text)

    def _encode(self, texts: list[str]) -> list[list[int]]:
        encoded: list[list[int]] = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return encoded


def layout_of(tokenizer: Any, arguments: Mapping[str, Any] | None = None, end_ids: Sequence[int] = ()) -> Layout:
    """The layout of a tokenizer. `arguments` go to the chat template, `end_ids` come from the generation config.

    Raises DataError when the template cannot be rendered or nothing can end an answer.
    """
    template: str = tokenizer.get_chat_template() if getattr(tokenizer, "chat_template", None) else ""
    chat = bool(template)
    pinned = {key: value for key, value in PINNED_ARGUMENTS.items() if key in template}
    merged = {**pinned, **(arguments or {})}
    lead, tail = _probe(tokenizer, merged) if chat else (PLAIN_LEAD, "")
    ends = {int(i) for i in end_ids}
    if tokenizer.eos_token_id is not None:
        ends.add(int(tokenizer.eos_token_id))
    end_id = _first_special(tokenizer, tail)
    if end_id is None:
        end_id = tokenizer.eos_token_id
    if end_id is None:
        raise DataError(
            "The tokenizer has no end-of-sequence token, so no answer could be taught to end.",
            "Set `eos_token` in the model's tokenizer_config.json.",
        )
    ends.add(int(end_id))
    begin = () if chat else automatic_begin(tokenizer)
    described = [template or PLAIN_PROMPT, sorted(merged.items()), lead, end_id, list(begin)]
    digest = hashlib.sha256(json.dumps(described, default=str, ensure_ascii=False).encode()).hexdigest()[:16]
    return Layout(
        tokenizer=tokenizer,
        chat=chat,
        arguments=merged,
        lead=lead,
        end_id=int(end_id),
        end_ids=frozenset(ends),
        begin=begin,
        hash=digest,
        special=_special_pattern(tokenizer),
    )


def _probe(tokenizer: Any, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """(text before the answer, text after it) as the template writes them around an assistant turn."""
    user = {"role": "user", "content": _PROBE_MESSAGE}
    prompt = _render(tokenizer, [user], arguments, prompt=True)
    if _PROBE_MESSAGE not in prompt:
        raise DataError(
            "The model's chat template does not write the user's message.", "Check the model's chat_template."
        )
    whole = _render(tokenizer, [user, {"role": "assistant", "content": _PROBE_ANSWER}], arguments, prompt=False)
    before, found, tail = whole.partition(_PROBE_ANSWER)
    if not found:
        return "", ""
    # A template whose generation prompt differs from its assistant turn (reasoning models): the answer simply follows.
    lead = before[len(prompt) :] if before.startswith(prompt) else ""
    return lead, tail


def _without_system(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """The system's text at the head of the user's first message, or as one where the assistant speaks first."""
    system, *others = turns
    text = system["content"]
    if others and others[0]["role"] == "user":
        first, *others = others
        text = f"{text}\n\n{first['content']}"
    return [{"role": "user", "content": text}, *others]


def _render(tokenizer: Any, turns: list[dict[str, str]], arguments: Mapping[str, Any], *, prompt: bool) -> str:
    from jinja2 import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt, **arguments)
    except (TemplateError, TypeError, ValueError) as error:
        raise DataError(
            f"The model's chat template cannot be rendered: {error}",
            "Check `chat_template_arguments` of the model in the project file.",
        ) from error
    return text


def _first_special(tokenizer: Any, tail: str) -> int | None:
    """The first control token of what follows an answer: the end of the turn."""
    special = set(tokenizer.all_special_ids) | {
        i for i, token in tokenizer.added_tokens_decoder.items() if token.special
    }
    ids = tokenizer(tail, add_special_tokens=False)["input_ids"] if tail.strip() else []
    return next((int(i) for i in ids if i in special), None)


def automatic_begin(tokenizer: Any) -> tuple[int, ...]:
    """BOS where the tokenizer itself would put one before a text."""
    bos = tokenizer.bos_token_id
    return (int(bos),) if bos is not None and tokenizer("a")["input_ids"][:1] == [bos] else ()


def _special_pattern(tokenizer: Any) -> re.Pattern[str] | None:
    texts = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    texts |= set(tokenizer.all_special_tokens)
    long = sorted((text for text in texts if len(text) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, long))) if long else None
