"""What a caller allows an endpoint to take: requests, tokens, dollars, time. Knows no network and no model.

    load(spec, limits=Limits(requests_per_minute=500, budget_usd=2.0))

Money is reserved at its worst case before a request leaves, and settled when its usage is known: a budget is a
ceiling, not a goal.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from reports.costs.tokens import TokenPrice
from reports.errors import EnvironmentFault


@dataclass(frozen=True)
class Limits:
    """Caps and patience of one endpoint. The defaults suit a paid API."""

    requests_per_minute: float | None = None
    """None: only what the endpoint itself says in its headers and refusals."""
    tokens_per_minute: float | None = None
    """Prompt and completion together, as providers count; None as above."""
    budget_usd: float | None = None
    """None: no ceiling. 0 sends nothing."""
    price: TokenPrice | None = None
    """What tokens cost, for the budget; None asks the shipped list."""
    max_concurrency: int = 64
    """Requests in flight at most; the pace finds how many the endpoint bears, starting with two."""
    timeout_seconds: float = 60.0
    """From sending a request to the last byte of its answer."""
    attempts: int = 5
    """Tries of one prompt that may fail by server errors, time-outs or broken answers. Refusals to hurry (429) do
    not count: they end with `patience_seconds`."""
    patience_seconds: float = 300.0
    """How long everything may be refused, or asked to wait, before the run stops and can be resumed."""
    first_wait_seconds: float = 0.25
    """Wait before the second try where the endpoint names none; doubled with each further one."""


class BudgetReached(EnvironmentFault):
    """The next request could cost more than what is left. Everything sent before it was answered and handed over."""


class Budget:
    """Dollars spent and reserved. Lives in one event loop."""

    def __init__(self, usd: float | None, price: TokenPrice | None) -> None:
        self.usd = usd
        self.price = price
        self.spent = 0.0
        self.reserved = 0.0
        self._open = 0
        self._changed = asyncio.Event()

    def cost(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Dollars; 0 where nobody asked for a budget."""
        return self.price.of(prompt, completion, cached) if self.price is not None else 0.0

    async def reserve(self, usd: float) -> None:
        """Sets the sum aside, waiting for requests in flight to settle. Raises BudgetReached when none would help."""
        while self.usd is not None and self.spent + self.reserved + usd > self.usd:
            if not self._open:
                raise BudgetReached(
                    f"The budget of ${self.usd:.2f} stops the run: ${self.spent:.4f} are spent and "
                    f"the next request may cost ${usd:.4f}.",
                    "Raise the budget and resume: the answers so far are kept.",
                )
            self._changed.clear()
            await self._changed.wait()
        self.reserved += usd
        self._open += 1

    def settle(self, reserved: float, usd: float) -> None:
        """Turns a reservation into what was really billed (0 for a request that was not served)."""
        self._open -= 1
        self.reserved = self.reserved - reserved if self._open else 0.0  # no rounding errors are carried along
        self.spent += usd
        self._changed.set()
