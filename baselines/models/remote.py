"""An OpenAI-compatible endpoint behind the one model interface: OpenAI, vLLM, llama.cpp, Ollama, gateways.

Refuses to know tasks, approaches and retrieval. Keys come from the environment alone and stand in no text.

    model = load(ModelSpec(id="openai:gpt-4.1-mini"), limits=Limits(budget_usd=2.0))
    for generations in model.generate([Prompt("Input: hi\\n\\nName the intent.")], Decoding(max_new_tokens=16)):
        ...
    model.generate_one(prompt, decoding).ttft_seconds        # streamed, alone

`seconds` of an answer is the time of the one request that gave it, without our own waiting for a rate limit.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from baselines.models.asking import Asker, drained
from baselines.models.background import Background
from baselines.models.contract import Decoding, Generation
from baselines.models.endpoint import Endpoint, endpoint_of
from baselines.models.ledger import Ledger
from baselines.models.limits import Budget, Limits
from baselines.models.usage import estimate_tokens
from baselines.prompts import Prompt
from reports.costs.estimate import PriceNeeded
from reports.costs.tokens import TokenPrice, token_price
from reports.errors import UsageError
from reports.run.fingerprint import of_value
from reports.run.schema import ModelSpec

VERSION = 1
"""Of what is sent: raised when the same prompt would be asked differently."""
DEFAULT_CONTEXT = 128_000
"""Tokens, where the project does not say: what most hosted models hold. A longer prompt is the endpoint's to refuse."""


def load(
    spec: ModelSpec,
    *,
    limits: Limits | None = None,
    ledger: Ledger | None = None,
    on_warning: Callable[[str], None] = lambda _: None,
) -> RemoteModel:
    """Checks address, key, headers and price of what `spec` names; nothing is sent before the first prompt.

    `ledger` holds what the run has spent so far and is told what comes on top.
    Raises UsageError (the project file, a budget without a price) or EnvironmentFault (a variable that is not set).
    """
    limits = limits or Limits()
    endpoint = endpoint_of(spec)
    if endpoint.secrets and endpoint.url.startswith("http://") and not endpoint.loopback:
        on_warning(f"The key for {endpoint.host} travels unencrypted (http): anyone on the way can read it.")
    return RemoteModel(spec, endpoint, limits, on_warning, Budget(limits, _price(spec, limits), ledger, account(spec)))


def account(spec: ModelSpec) -> str:
    """Under which name the ledger keeps what this model costs: it holds however limits and prices change."""
    return of_value([spec.id, spec.base_url, spec.api_key_env])[:12]


class RemoteModel:
    """One model of one endpoint. Build it with `load`. Its pace and its connections last from call to call."""

    def __init__(
        self,
        spec: ModelSpec,
        endpoint: Endpoint,
        limits: Limits,
        on_warning: Callable[[str], None],
        budget: Budget | None = None,
    ) -> None:
        self.spec = spec
        self.endpoint = endpoint
        self.name = spec.id
        self.fingerprint = of_value(
            {
                "id": spec.id,
                "url": endpoint.url,
                "arguments": spec.chat_template_arguments,
                "headers": spec.headers,  # as the project states them: `$NAME`, never a value
                "revision": spec.revision,
                "version": VERSION,
            }
        )[:16]
        self._on_warning = on_warning
        self._warned: set[str] = set()
        self._telling = threading.Lock()
        self._warnings: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._line = Background(f"endpoint {endpoint.host}")
        self._asker = Asker(spec, endpoint, limits, self._warnings.put, budget)

    @property
    def context_length(self) -> int:
        return self.spec.context_length or DEFAULT_CONTEXT

    @property
    def device(self) -> str:
        return "remote"

    @property
    def spent_usd(self) -> float:
        """What the budget has counted so far; 0 where no price is known."""
        return self._asker.budget.spent

    def count_tokens(self, text: str) -> int:
        """An estimate, about four ASCII characters to a token: endpoints do not share their tokenizers."""
        return estimate_tokens(text)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        """Lists of generations as answers come; requests go on while the caller works on them.

        Raises EnvironmentFault (no key, no endpoint, no credit) or its BudgetReached, after what had come by then.
        """
        inbox: queue.SimpleQueue[Generation | Future[None]] = queue.SimpleQueue()
        job = self._line.run(self._asker.all(prompts, decoding, inbox.put))
        job.add_done_callback(inbox.put)
        try:
            while True:
                come: list[Generation] = []
                end: Future[None] | None = None
                for item in drained(inbox, inbox.get()):
                    if isinstance(item, Generation):
                        come.append(item)
                    else:
                        end = item
                self._tell()
                if come:
                    yield come
                if end is not None:
                    end.result()
                    return
        finally:
            job.cancel()

    def generate_one(self, prompt: Prompt, decoding: Decoding) -> Generation:
        """One prompt alone, streamed, with `seconds` and `ttft_seconds` of the attempt that gave the answer.

        Several threads may call it, each for its own prompt.
        """
        job = self._line.run(self._asker.one(0, prompt, decoding, stream=True))
        try:
            return job.result()
        finally:
            job.cancel()
            self._tell()

    @contextmanager
    def open_to(self, callers: int) -> Iterator[None]:
        """So many threads may call `generate_one`, without a slow start; where some were held back, it is said."""
        self._asker.pace.open_to(callers)
        try:
            yield
        finally:
            self._asker.tell_if_held(callers)
            self._tell()

    def with_adapter(self, folder: Path) -> NoReturn:
        """Raises UsageError: an endpoint's weights are not ours to adapt."""
        raise UsageError(
            f"{self.name} is an endpoint: an adapter cannot be put on it.",
            "Name a local model for approaches that train.",
        )

    def close(self) -> None:
        """Closes connections and ends the thread. Idempotent; the model answers nothing afterwards."""
        if self._line.running:
            self._line.run(self._asker.close()).result()
        self._line.close()

    def _tell(self) -> None:
        """Gives each warning once, in a caller's own thread."""
        with self._telling:
            while not self._warnings.empty():
                text = self._warnings.get()
                if text not in self._warned:
                    self._warned.add(text)
                    self._on_warning(text)


def _price(spec: ModelSpec, limits: Limits) -> TokenPrice | None:
    """What tokens cost. Raises UsageError where a budget needs to know and nobody does."""
    if limits.price is not None:
        return limits.price
    if limits.budget_usd is None and limits.run_budget_usd is None:
        return None
    found = token_price(spec.id, spec.base_url)
    if isinstance(found, PriceNeeded):
        raise UsageError(
            f"The budget for {spec.id} cannot be kept: the price list knows no price for it.",
            "Set input_usd_per_million and output_usd_per_million of the model, or under prices.",
        )
    return found
