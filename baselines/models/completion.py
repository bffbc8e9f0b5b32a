"""A chat completion as plain values: the arguments of a request, and what its response says. Knows no network.

    arguments = chat_arguments(spec, Prompt("Input: hi"), Decoding(max_new_tokens=16), Dialect())
    said = read_body('{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}')
    generation = generation_of(0, said, "Input: hi", Decoding())

Bodies are foreign: whatever does not have the documented form is `Unreadable`, with a sentence that says how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baselines.models.contract import Decoding, Generation
from baselines.models.usage import read_usage
from baselines.prompts import Prompt
from reports.run.schema import ENDPOINT, ModelSpec

MOST_STOPS = 4
"""That the API takes; all of them are applied here again."""


class Unreadable(Exception):
    """A response that is no chat completion; the text is a sentence for a reader."""


@dataclass(frozen=True)
class Dialect:
    """Which arguments the endpoint takes: found out from its first refusal."""

    length: str = "max_tokens"
    """Or `max_completion_tokens`, which OpenAI's newer models want."""
    without: frozenset[str] = frozenset()
    """Arguments that it refused: temperature, seed, stream_options, …"""

    def after(self, refused: Sequence[str], sentence: str) -> Dialect | None:
        """The dialect to try after a 400 that names `refused`, or speaks of an argument; None when none is left."""
        if self.length in (*refused, *_quoted(sentence)):
            other = "max_completion_tokens" if self.length == "max_tokens" else "max_tokens"
            turned = "length" in self.without
            return None if turned else replace(self, length=other, without=self.without | {"length"})
        for name in ("temperature", "seed", "stop", "stream_options"):
            if name in (*refused, *_quoted(sentence)) and name not in self.without:
                return replace(self, without=self.without | {name})
        return None

    def without_seed(self) -> Dialect:
        """What to try where a rejection names nothing: of all that is sent, endpoints know the seed the least."""
        return replace(self, without=self.without | {"seed"})


@dataclass(frozen=True)
class Said:
    """What one response says."""

    text: str = ""
    finish: str | None = None
    refusal: bool = False
    usage: object = None


def chat_arguments(spec: ModelSpec, prompt: Prompt, decoding: Decoding, dialect: Dialect) -> dict[str, Any]:
    """The arguments of one request. Lone surrogates, which no endpoint can receive, become question marks."""
    said: dict[str, Any] = {
        "model": spec.id.removeprefix(ENDPOINT),
        "messages": [
            {"role": role, "content": text.encode("utf-8", "replace").decode()}
            for role, text, *_ in (prompt.messages or [("user", prompt.text)])
        ],
        "temperature": decoding.temperature,
        "seed": decoding.seed,
        dialect.length: decoding.max_new_tokens,
    }
    if decoding.stop:
        said["stop"] = list(decoding.stop[:MOST_STOPS])
    if spec.chat_template_arguments:
        said["extra_body"] = {"chat_template_kwargs": spec.chat_template_arguments}
    return {name: value for name, value in said.items() if name not in dialect.without}


def read_body(body: str) -> Said:
    """A whole response. Raises Unreadable."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("The endpoint's answer is not JSON.") from None
    choice = _first_choice(found)
    if choice is None:
        raise Unreadable("The endpoint's answer has no choices.")
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise Unreadable("The endpoint's answer has a choice without a message.")
    return _said(message, choice, found.get("usage"))


class Chunks:
    """Puts a streamed response together."""

    def __init__(self) -> None:
        self.said = Said()

    def add(self, chunk: object) -> bool:
        """True when the chunk brought text."""
        if not isinstance(chunk, Mapping):
            raise Unreadable("The endpoint's stream holds something that is no chunk.")
        usage = chunk.get("usage") or self.said.usage
        choice = _first_choice(chunk)
        if choice is None:
            self.said = replace(self.said, usage=usage)
            return False
        delta = choice.get("delta")
        part = _said(delta if isinstance(delta, Mapping) else {}, choice, usage)
        self.said = Said(
            text=self.said.text + part.text,
            finish=part.finish or self.said.finish,
            refusal=part.refusal or self.said.refusal,
            usage=usage,
        )
        return bool(part.text)

    def whole(self) -> Said:
        """Raises Unreadable when the stream stopped before it said why."""
        if self.said.finish is None:
            raise Unreadable("The endpoint's stream ended in the middle of the answer.")
        return self.said


def generation_of(index: int, said: Said, prompt: str, decoding: Decoding) -> Generation:
    """The generation without time and attempts."""
    usage = read_usage(said.usage, prompt=prompt, answer=said.text, most=decoding.max_new_tokens)
    generation = Generation(
        index,
        text=_until_stop(said.text, decoding.stop).strip(),
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cached_prompt_tokens=usage.cached,
        usage_estimated=usage.estimated,
    )
    if said.refusal or said.finish == "content_filter":
        return replace(generation, status="refused", error="The endpoint declined to answer (content filter).")
    if said.finish == "length":
        words = f"The answer did not end within {decoding.max_new_tokens} tokens."
        return replace(generation, status="truncated", error=words)
    if said.finish in ("tool_calls", "function_call") and not said.text:
        return replace(generation, status="error", error="The endpoint answered with a tool call instead of text.")
    return generation


def _first_choice(found: object) -> Mapping[str, Any] | None:
    choices = found.get("choices") if isinstance(found, Mapping) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else None


def _said(message: Mapping[str, Any], choice: Mapping[str, Any], usage: object) -> Said:
    content, refusal, finish = message.get("content"), message.get("refusal"), choice.get("finish_reason")
    if isinstance(content, list):  # parts, as some gateways send them
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    text = content if isinstance(content, str) else ""
    declined = refusal if isinstance(refusal, str) else ""
    return Said(text or declined, finish if isinstance(finish, str) else None, bool(declined), usage)


def _until_stop(text: str, stops: tuple[str, ...]) -> str:
    return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]


def _quoted(sentence: str) -> list[str]:
    """Words in quotes or backticks: how endpoints name the argument that they refuse."""
    return [word.strip("'\"`.,:()") for word in sentence.split() if word[:1] in "'\"`"]
