"""An OpenAI-compatible server on loopback that misbehaves as a script tells it to. Counts what it billed.

    server = Server(script=lambda number, body: "busy" if number % 3 == 0 else "ok").start()
    ... ModelSpec(id="openai:test", base_url=server.url)
    server.stop()

The answer to a prompt is its last word in capitals. A behaviour is a word of `BEHAVIOURS`, (status, words
or a body in JSON, headers) of an error, ("say", text), or ("after", seconds). "held" answers when `release` says so.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Behaviour = str | tuple[str, str] | tuple[str, float] | tuple[int, str, dict[str, str]]
Script = Callable[[int, dict[str, Any]], Behaviour]

BEHAVIOURS = (
    *("ok", "slow", "length", "filtered", "refusal"),
    *("busy", "busy-hint", "error", "hang", "cut", "invalid-json", "empty-choices", "wrong-usage", "no-usage"),
    *("own-prompt", "held"),
    *("unauthorized", "no-model", "no-credit", "redirect"),
)

OWN_PROMPT = 3_000
"""Tokens that a gateway's own prompt adds to what it bills."""


class Bucket:
    """A rate limit as providers keep it: `burst` requests at once, then `per_second`."""

    def __init__(self, per_second: float, burst: float) -> None:
        self.rate, self.burst, self.level, self.at = per_second, burst, burst, time.monotonic()

    def take(self) -> float:
        """0 when the request may pass, else the seconds until the next one may."""
        now = time.monotonic()
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.rate


class Server:
    """Serves in a thread of its own until `stop`."""

    def __init__(
        self,
        script: Script = lambda number, body: "ok",
        *,
        bucket: Bucket | None = None,
        hint: bool = True,
        headers: Mapping[str, str] | None = None,
        listed: Sequence[str] | Behaviour = ("test",),
    ) -> None:
        """`listed`: what GET /models names, or how it fails."""
        self.script, self.bucket, self.hint, self.listed = script, bucket, hint, listed
        self.headers = dict(headers or {})
        self.requests: list[dict[str, Any]] = []
        self.seen_headers: list[dict[str, str]] = []
        self.answered: Counter[str] = Counter()
        """Prompts that got a whole answer with status 200: what is billed."""
        self.at_once = self.most_at_once = 0
        self._held: list[asyncio.Event] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Server:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def held(self) -> int:
        """Requests that wait for `release`."""
        return len(self._held)

    def release(self) -> None:
        """Lets the youngest of the held requests have its answer."""
        self._loop.call_soon_threadsafe(self._held.pop().set)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request. False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        sent = await reader.readexactly(int(headers.get("content-length", 0)))
        if head[0].startswith("GET"):
            return await self._list(_Wire(writer, self.headers))
        body = json.loads(sent)
        self.requests.append(body)
        self.seen_headers.append(headers)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._respond(body, self.script(len(self.requests), body), _Wire(writer, self.headers))
        finally:
            self.at_once -= 1

    async def _list(self, wire: _Wire) -> bool:
        if isinstance(self.listed, str):
            return await wire.error(*ERRORS[self.listed])
        if isinstance(self.listed, tuple) and self.listed and isinstance(self.listed[0], int):
            return await wire.error(*self.listed)
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in self.listed]
        return await wire.send(200, json.dumps({"object": "list", "data": rows}))

    async def _respond(self, body: dict[str, Any], behaviour: Behaviour, wire: _Wire) -> bool:
        wait = self.bucket.take() if self.bucket is not None else 0.0
        if wait:
            return await wire.error(429, "slow down", {"retry-after": f"{wait:.3f}"} if self.hint else {})
        if isinstance(behaviour, tuple) and behaviour[0] == "say":
            return await wire.send(200, json.dumps(completion(body, said=str(behaviour[1]))))
        if isinstance(behaviour, tuple) and behaviour[0] == "after":
            await asyncio.sleep(float(behaviour[1]))
        elif isinstance(behaviour, tuple):
            return await wire.error(*behaviour)
        if isinstance(behaviour, str) and behaviour in ERRORS:
            return await wire.error(*ERRORS[behaviour])
        if behaviour == "hang":
            await asyncio.sleep(30)
            return False
        if behaviour == "held":
            self._held.append(asyncio.Event())
            await self._held[-1].wait()
        if behaviour == "slow":
            await asyncio.sleep(0.15)
        if behaviour == "invalid-json":
            return await wire.send(200, '{"choices": [{"mess')
        said = completion(body, behaviour if isinstance(behaviour, str) else "ok")
        if behaviour == "cut":
            return await wire.cut(said, stream=bool(body.get("stream")))
        if said["choices"]:
            self.answered[body["messages"][0]["content"]] += 1
        return await (wire.stream(said) if body.get("stream") else wire.send(200, json.dumps(said)))


ERRORS: dict[str, tuple[int, str, dict[str, str]]] = {
    "busy": (429, "slow down", {}),
    "busy-hint": (429, "slow down", {"retry-after": "0.05"}),
    "error": (500, "the server broke", {}),
    "unauthorized": (401, "Incorrect API key provided: {key}", {}),
    "no-model": (404, "The model does not exist", {}),
    "no-credit": (429, "You exceeded your quota", {"x-code": "insufficient_quota"}),
    "redirect": (307, "", {"location": "http://127.0.0.1:9/v1/chat/completions"}),
}


def completion(body: dict[str, Any], behaviour: str = "ok", said: str | None = None) -> dict[str, Any]:
    """A chat completion: what is `said`, else the last word of the prompt in capitals; a token is a word."""
    prompt = body["messages"][0]["content"]
    text: str = said if said is not None else prompt.split()[-1].upper()
    message: dict[str, Any] = {"role": "assistant", "content": text}
    finish = {"length": "length", "filtered": "content_filter"}.get(behaviour, "stop")
    if behaviour == "refusal":
        message = {"role": "assistant", "content": None, "refusal": "I will not."}
    usage: Any = {
        "prompt_tokens": len(prompt.split()),
        "completion_tokens": 1,
        "total_tokens": len(prompt.split()) + 1,
        "prompt_tokens_details": {"cached_tokens": 1},
    }
    if behaviour == "own-prompt":
        usage["prompt_tokens"] += OWN_PROMPT
    if behaviour == "wrong-usage":
        usage = {"prompt_tokens": -5, "completion_tokens": "many", "total_tokens": 10**12}
    choices = [] if behaviour == "empty-choices" else [{"index": 0, "message": message, "finish_reason": finish}]
    found = {"id": "x", "object": "chat.completion", "created": 0, "model": "test", "choices": choices, "usage": usage}
    if behaviour == "no-usage":
        del found["usage"]
    return found


class _Wire:
    """Writes one HTTP response."""

    def __init__(self, writer: asyncio.StreamWriter, headers: Mapping[str, str]) -> None:
        self.writer, self.headers = writer, headers

    async def send(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> bool:
        data = body.encode()
        self._head(status, {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})})
        self.writer.write(data)
        await self.writer.drain()
        return True

    async def error(self, status: int, words: str, headers: Mapping[str, str]) -> bool:
        if words.startswith(("{", "[")):  # a body of the script's own
            return await self.send(status, words, headers)
        code = headers.get("x-code")
        return await self.send(status, json.dumps({"error": {"message": words, "code": code}}), headers)

    async def cut(self, said: dict[str, Any], *, stream: bool) -> bool:
        """Half of the answer, then the end of the connection."""
        if stream:
            self._head(200, {"content-type": "text/event-stream", "connection": "close"})
            self.writer.write(_event(_chunk(said, {"content": "half"}, None)))
        else:
            text = json.dumps(said)
            self._head(200, {"content-type": "application/json", "content-length": str(len(text))})
            self.writer.write(text[: len(text) // 2].encode())
        await self.writer.drain()
        return False

    async def stream(self, said: dict[str, Any]) -> bool:
        self._head(200, {"content-type": "text/event-stream", "connection": "close"})
        for choice in said["choices"]:
            content = choice["message"]["content"] or ""
            for piece in ("", content[:1], content[1:]):
                self.writer.write(_event(_chunk(said, {"content": piece}, None)))
                await self.writer.drain()
                await asyncio.sleep(0.01)
            self.writer.write(_event(_chunk(said, {}, choice["finish_reason"])))
        self.writer.write(_event({**_chunk(said, {}, None), "choices": [], "usage": said.get("usage")}))
        self.writer.write(b"data: [DONE]\n\n")
        await self.writer.drain()
        return False

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in {**self.headers, **headers}.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


def _chunk(said: dict[str, Any], delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": said["model"], "choices": [choice]}


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()
