"""What a caller allows an endpoint to take: requests, tokens, dollars, time. Knows no network and no model.

    load(spec, limits=Limits(requests_per_minute=500, budget_usd=2.0))

Money is reserved at its worst case before a request leaves, and settled when its usage is known: a budget is a
ceiling, not a goal. Only the first request of all may cost more than that, where an endpoint bills tokens that nobody
here can see: what it cost on top is set aside for each one after it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from baselines.models.ledger import Entry, Ledger
from reports.costs.bill import price_of
from reports.costs.estimate import PriceNeeded
from reports.costs.tokens import TokenPrice
from reports.errors import EnvironmentFault
from reports.run.schema import ModelSpec, RunSpec

ELSEWHERE_SECONDS = 0.05
"""How often a request that waits for the run's budget looks whether another model or job has settled one."""


@dataclass(frozen=True)
class Limits:
    """Caps and patience of one endpoint. The defaults suit a paid API."""

    requests_per_minute: float | None = None
    """None: only what the endpoint itself says in its headers and refusals."""
    tokens_per_minute: float | None = None
    """Prompt and completion together, as providers count; None as above."""
    budget_usd: float | None = None
    """Of this model, over all sessions of a run. None: no ceiling. 0 sends nothing."""
    run_budget_usd: float | None = None
    """Of all models of a run together."""
    price: TokenPrice | None = None
    """What tokens cost, for the budget; None asks the shipped list."""
    max_concurrency: int = 64
    """Requests in flight at most; the pace finds how many the endpoint bears, starting with two."""
    timeout_seconds: float = 60.0
    """From sending a request to the last byte of its answer."""
    attempts: int = 5
    """Tries of one prompt that may fail by server errors, time-outs or broken answers. Refusals to hurry and of a
    server that is not ready (429, 503, 529) do not count: they end with `patience_seconds`."""
    patience_seconds: float = 300.0
    """How long everything may be refused, or asked to wait, before the run stops and can be resumed."""
    first_wait_seconds: float = 0.25
    """Wait before the second try where the endpoint names none; doubled with each further one."""


class BudgetReached(EnvironmentFault):
    """The next request could cost more than what is left. Everything sent before it was answered and handed over."""

    cause: Literal["", "budget"] = "budget"


class Budget:
    """The ceilings that one model's requests must keep: its own, and the run's over all models."""

    def __init__(
        self, limits: Limits, price: TokenPrice | None, ledger: Ledger | None = None, account: str = "model"
    ) -> None:
        """`account`: under which name the ledger keeps this model's dollars."""
        self.limits = limits
        self.price = price
        self.ledger = ledger or Ledger()
        self.account = account
        self._changed = asyncio.Event()

    @property
    def spent(self) -> float:
        """Dollars of this model, earlier sessions of the run included."""
        return self.ledger.spent(self.account)

    def cost(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Dollars; 0 where no price is known, which a ceiling does not allow."""
        return self.price.of(prompt, completion, cached) if self.price is not None else 0.0

    async def reserve(self, usd: float) -> Entry | None:
        """Sets the sum aside, waiting for requests in flight to settle; None where there is no price to count.

        Raises BudgetReached when no waiting would help.
        """
        if self.price is None:
            return None
        while True:
            waited_for = self.ledger.open
            entry = self.ledger.reserve(
                self.account, usd, most=self.limits.budget_usd, most_of_all=self.limits.run_budget_usd
            )
            if entry is not None:
                return entry
            if not waited_for and not self.ledger.open:
                raise self._reached(usd + self.ledger.margin(self.account))
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(ELSEWHERE_SECONDS):
                    await self._changed.wait()

    def settle(self, entry: Entry | None, usd: float) -> None:
        """Turns a reservation into what was really billed (0 for a request that was not served)."""
        if entry is not None:
            self.ledger.settle(entry, usd)
            self._changed.set()

    def _reached(self, usd: float) -> BudgetReached:
        own, whole = self.limits.budget_usd, self.limits.run_budget_usd
        of_model = own is not None and self.spent + usd > own
        ceiling, spent = (own, self.spent) if of_model else (whole, self.ledger.spent())
        what = "of this model" if of_model else "of the run"
        return BudgetReached(
            f"The budget {what}, ${ceiling:.2f}, is used up: ${spent:.4f} are spent and the next request may "
            f"cost ${usd:.4f}.",
            "Raise budget_usd in the project file and resume: the answers so far are kept.",
        )


def limits_of(model: ModelSpec, run: RunSpec) -> Limits:
    """What the project file says of this endpoint; prices as of the day of asking."""
    price = price_of(model, run.prices)
    usual = Limits()
    return Limits(
        requests_per_minute=model.requests_per_minute,
        tokens_per_minute=model.tokens_per_minute,
        budget_usd=model.budget_usd,
        run_budget_usd=run.budget_usd,
        price=None if isinstance(price, PriceNeeded) else price,
        max_concurrency=model.max_concurrency or usual.max_concurrency,
        timeout_seconds=model.timeout_seconds or usual.timeout_seconds,
    )
