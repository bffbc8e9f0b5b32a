"""Sends prompts to one endpoint until each has its one answer: attempts, waits, budget, what is lost and what is not.

Everything here runs in one event loop. A prompt ends in exactly one Generation, or the whole run stops with a fault
that another prompt could not escape either; answers that came before it are handed over first.

    asker = Asker(spec, endpoint, Limits(), warn=print)
    await asker.all(prompts, Decoding(), hand_over=inbox.put)

Tokens are counted from the response that became the answer, never from a failed attempt. The budget does count an
attempt that may have been billed (time-out, cut, unreadable, given up by us), at its worst case.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baselines.models.completion import Chunks, Dialect, Said, Unreadable, chat_arguments, generation_of, read_body
from baselines.models.contract import Decoding, Generation
from baselines.models.endpoint import Endpoint, open_client
from baselines.models.failures import NOT_JSON, Failure, failure_of
from baselines.models.limits import Budget, BudgetReached, Limits
from baselines.models.pacing import Pace, Ticket
from baselines.models.usage import estimate_tokens, most_tokens
from baselines.prompts import Prompt
from reports.errors import EnvironmentFault
from reports.run.schema import ModelSpec

GIVE_UP_AFTER = 20
"""Prompts in a row that found no answer in all their attempts: the endpoint is down, and going on only costs."""
PERHAPS_BILLED = ("timeout", "broken")
LONGEST_WAIT = 30.0
"""Seconds between two tries, where the endpoint names no time."""


@dataclass(frozen=True)
class Received:
    """One readable response."""

    said: Said
    headers: dict[str, str]
    seconds: float
    ttft_seconds: float | None = None


class Asker:
    """One endpoint with what was learnt about it: its pace, its dialect, what is spent."""

    def __init__(
        self,
        spec: ModelSpec,
        endpoint: Endpoint,
        limits: Limits,
        warn: Callable[[str], None],
        budget: Budget | None = None,
    ) -> None:
        self.spec = spec
        self.endpoint = endpoint
        self.limits = limits
        self.pace = Pace(limits)
        self.budget = budget or Budget(limits, limits.price)
        self.dialect = Dialect("max_completion_tokens" if endpoint.official else "max_tokens")
        self._warn = warn
        self._lost_in_a_row = 0
        self._answered = self._left = 0
        self._tried_without_seed = False
        self._client: Any = None
        self._chance = random.Random(0)

    async def all(
        self,
        prompts: Sequence[Prompt],
        decoding: Decoding,
        hand_over: Callable[[Generation], None],
    ) -> None:
        """Hands over one generation for each prompt, as they come. Raises EnvironmentFault when the run must stop."""
        waiting = iter(enumerate(prompts))
        self._left = len(prompts)
        stopped: list[BudgetReached] = []

        async def work() -> None:
            for index, prompt in waiting:
                if stopped:
                    return
                try:
                    hand_over(await self.one(index, prompt, decoding))
                    self._left -= 1
                except BudgetReached as reached:
                    stopped.append(reached)

        workers = [asyncio.ensure_future(work()) for _ in range(min(len(prompts), self.limits.max_concurrency))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self._left = 0
        if stopped:
            raise stopped[0]

    def tell_if_held(self, requests: int) -> None:
        """Warns where, since the pace was opened to so many requests, they were not all under way."""
        if self.pace.held or requests > self.limits.max_concurrency:
            self._warn(
                f"{self.endpoint.host} was not asked {requests} requests at a time throughout: a limit held "
                "some back, and their latency is that of fewer at a time."
            )

    async def one(self, index: int, prompt: Prompt, decoding: Decoding, *, stream: bool = False) -> Generation:
        """The one generation of a prompt, after as many attempts as it takes. `stream` measures the first token."""
        attempts = failures = 0
        entered = time.perf_counter()
        rejected: Failure | None = None
        while True:
            attempts += 1
            dialect = self.dialect if rejected is None else self.dialect.without_seed()
            outcome = await self._attempt(prompt, decoding, dialect, stream=stream)
            if isinstance(outcome, Received):
                if rejected is not None:
                    self._adopt(self.dialect.without_seed())
                waited = max(0.0, time.perf_counter() - entered - outcome.seconds)
                return replace(self._answer(index, prompt, decoding, outcome), attempts=attempts, waited_seconds=waited)
            if outcome.kind == "refused":
                return Generation(index, status="refused", error=outcome.sentence, attempts=attempts)
            if outcome.kind == "rate":
                if self._answered and self._left == 1 and self.pace.starved():  # others passed: it is this prompt
                    return Generation(index, status="error", error=outcome.sentence, attempts=attempts)
                self._check_patience(outcome)
                continue
            if outcome.kind == "rejected":
                if rejected is None and self._learn(dialect, outcome):
                    continue
                if rejected is None and not self._tried_without_seed and "seed" not in dialect.without:
                    rejected = outcome  # it does not say what is wrong with it: this one is asked once more
                    continue
                self._tried_without_seed |= rejected is not None
                return Generation(index, status="error", error=(rejected or outcome).sentence, attempts=attempts)
            failures += 1
            if failures >= self.limits.attempts:
                return self._lost(index, outcome, attempts)
            await asyncio.sleep(self._pause(failures, outcome))

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _attempt(
        self, prompt: Prompt, decoding: Decoding, dialect: Dialect, *, stream: bool
    ) -> Received | Failure:
        """One request, with its place in the pace and its share of the budget given back however it ends."""
        reserved = await self.budget.reserve(self.budget.cost(most_tokens(prompt.length_text), decoding.max_new_tokens))
        worst = reserved.usd if reserved is not None else 0.0
        billed = 0.0
        try:
            ticket = await self.pace.start(estimate_tokens(prompt.length_text) + decoding.max_new_tokens)
            try:
                outcome = await self._exchange(prompt, decoding, dialect, stream=stream)
                if isinstance(outcome, Failure):
                    billed = worst if outcome.kind in PERHAPS_BILLED else 0.0
                    self._slow_down(ticket, outcome)
                else:
                    billed = self._account(ticket, outcome, prompt, decoding)
            except asyncio.CancelledError:
                billed = worst  # it has left, and nobody will hear what became of it
                raise
            finally:
                self.pace.end(ticket)
        finally:
            self.budget.settle(reserved, billed)
        return outcome

    async def _exchange(
        self, prompt: Prompt, decoding: Decoding, dialect: Dialect, *, stream: bool
    ) -> Received | Failure:
        import httpx2
        import openai

        if self._client is None:
            self._client = open_client(self.endpoint, self.limits)
        arguments = chat_arguments(self.spec, prompt, decoding, dialect)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.limits.timeout_seconds):
                if stream:
                    return await self._streamed(arguments, dialect, started)
                raw = await self._client.chat.completions.with_raw_response.create(**arguments)
                seconds = time.perf_counter() - started
                return Received(read_body(raw.text), _lowered(raw.headers), seconds)
        except (openai.OpenAIError, httpx2.HTTPError, Unreadable, TimeoutError, *NOT_JSON) as error:
            caught = error
        # Outside of the handler, so that no fault carries the package's own error, which holds the whole response.
        return failure_of(caught, self.endpoint)

    async def _streamed(self, arguments: dict[str, Any], dialect: Dialect, started: float) -> Received:
        if "stream_options" not in dialect.without:
            arguments = {**arguments, "stream_options": {"include_usage": True}}
        stream = await self._client.chat.completions.create(stream=True, **arguments)
        chunks, first = Chunks(), None
        try:
            async for chunk in stream:
                if chunks.add(_plain(chunk)) and first is None:
                    first = time.perf_counter() - started
        finally:
            await stream.close()
        return Received(chunks.whole(), _lowered(stream.response.headers), time.perf_counter() - started, first)

    def _account(self, ticket: Ticket, received: Received, prompt: Prompt, decoding: Decoding) -> float:
        """Tells the pace what the answer took. Returns what it cost."""
        found = generation_of(0, received.said, prompt.length_text, decoding)
        prompted, completed = found.prompt_tokens or 0, found.completion_tokens or 0
        self.pace.observe(received.headers)
        self.pace.succeeded(ticket, prompted + completed)
        self._lost_in_a_row = 0
        self._answered += 1
        if found.usage_estimated:
            self._warn(
                f"{self.endpoint.host} reports no believable token counts: they are estimated at about "
                "four characters a token and marked so."
            )
        return self.budget.cost(prompted, completed, found.cached_prompt_tokens or 0)

    def _answer(self, index: int, prompt: Prompt, decoding: Decoding, received: Received) -> Generation:
        generation = generation_of(index, received.said, prompt.length_text, decoding)
        return replace(
            generation,
            text=self.endpoint.hide(generation.text),
            seconds=received.seconds,
            ttft_seconds=received.ttft_seconds,
        )

    def _slow_down(self, ticket: Ticket, failure: Failure) -> None:
        self.pace.observe(failure.headers)
        if failure.kind == "rate":
            self.pace.refused(ticket, failure.wait)
        elif failure.kind == "timeout":
            self.pace.timed_out(ticket)

    def _check_patience(self, failure: Failure) -> None:
        """Raises EnvironmentFault when waiting on would be waiting forever."""
        patience = self.limits.patience_seconds
        if (failure.wait or 0.0) > patience:
            raise EnvironmentFault(
                f"{self.endpoint.host} asks to wait {failure.wait:,.0f} s, and {patience:,.0f} s is the most.",
                "Resume the run later: the answers so far are kept.",
            )
        if self.pace.starved():
            raise EnvironmentFault(
                f"{self.endpoint.host} has refused every request for more than {patience:,.0f} s. {failure.sentence}",
                "Lower the requests per minute, or resume when it is ready: the answers so far are kept.",
            )

    def _learn(self, used: Dialect, failure: Failure) -> bool:
        """True when the request may be sent again with other arguments."""
        if self.dialect != used:
            return True  # another request learnt it meanwhile
        found = used.after(failure.arguments, failure.sentence)
        if found is None:
            return False
        self._adopt(found)
        return True

    def _adopt(self, found: Dialect) -> None:
        for name in sorted(found.without - self.dialect.without - {"length", "stream_options"}):
            self._warn(f"{self.endpoint.model} at {self.endpoint.host} does not take `{name}`: it is left out.")
        self.dialect = found

    def _lost(self, index: int, failure: Failure, attempts: int) -> Generation:
        """The failure of a prompt as its one generation. Raises EnvironmentFault where the endpoint itself is gone."""
        hint = "Check that the endpoint runs, then resume: the answers so far are kept."
        if failure.kind == "unreachable":
            raise EnvironmentFault(f"{self.endpoint.host} cannot be reached ({attempts} attempts).", hint)
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= GIVE_UP_AFTER:
            words = f"{self.endpoint.host} failed {self._lost_in_a_row} prompts in a row. {failure.sentence}"
            raise EnvironmentFault(words, hint)
        status: Any = "timeout" if failure.kind == "timeout" else "error"
        return Generation(index, status=status, error=failure.sentence, attempts=attempts)

    def _pause(self, failures: int, failure: Failure) -> float:
        """Exponential backoff with jitter, so that prompts that failed together do not come back together."""
        if failure.wait is not None:
            return min(failure.wait, self.limits.patience_seconds)
        grown = self.limits.first_wait_seconds * 2.0 ** (failures - 1)
        return min(LONGEST_WAIT, grown) * self._chance.uniform(0.5, 1.0)


def _lowered(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _plain(chunk: Any) -> object:
    """A chunk of the package as a mapping. It checks nothing, so a chunk may be any JSON value."""
    to_dict = getattr(chunk, "to_dict", None)
    return to_dict(warnings=False) if to_dict is not None else chunk


def drained(inbox: Any, first: Any) -> Iterator[Any]:
    """`first` and everything else that waits in the queue, without blocking."""
    yield first
    while not inbox.empty():
        yield inbox.get_nowait()
