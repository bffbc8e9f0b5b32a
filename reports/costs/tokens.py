"""Tokens to money: dated prices of API models from genai-prices (offline), cached prefixes, batches. Knows no runs.

price = token_price("openai:gpt-4.1-mini", when="2026-11-23")
price.of(prompt=2_000, cached=1_800, completion=100)            # dollars for one answer

Importing the price list costs 0.25 s, so it waits until a model with a price is asked for. The list carries no date of
its own: the newest price change it knows is given as "at least as new as".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from reports.costs.estimate import PriceNeeded
from reports.run.schema import ENDPOINT

FALLS_TO = 0.5
"""Token prices of a horizon may fall to this share: the low end of their range."""


@dataclass(frozen=True)
class TokenPrice:
    """Prices of one model in US dollars per million tokens."""

    model: str
    input: float
    output: float
    cached_input: float | None = None
    """For tokens of a prompt prefix that the endpoint had already seen; None: no discount."""
    cache_write: float = 1.0
    """What writing the cache costs, as a multiple of the input price."""
    source: str = ""
    date: str = ""

    def of(self, prompt: float, completion: float, cached: float = 0.0) -> float:
        """Dollars for one answer with `cached` of its prompt tokens served from the endpoint's cache."""
        hit = self.input if self.cached_input is None else self.cached_input
        return ((prompt - cached) * self.input + cached * hit + completion * self.output) / 1e6

    def of_parts(
        self,
        static: float,
        variable: float,
        completion: float,
        *,
        hits: float = 0.0,
        embedded: float = 0.0,
        embedding_usd: float = 0.0,
    ) -> float:
        """Dollars for one answer, before a run: a static prompt prefix that hits the cache in a share of the calls.

        [static (h p_cache + (1-h) p_in w) + variable p_in + out p_out + emb p_emb] / 1e6 (evidence 2.1);
        `embedding_usd` is per million embedded tokens.
        """
        hit = self.input if self.cached_input is None else self.cached_input
        prefix = static * (hits * hit + (1 - hits) * self.input * (self.cache_write if hits > 0 else 1.0))
        rest = variable * self.input + completion * self.output
        return (prefix + rest + embedded * embedding_usd) / 1e6


def token_price(
    model: str,
    base_url: str | None = None,
    when: str = "",
    *,
    own_input: float | None = None,
    own_output: float | None = None,
    own_cached: float | None = None,
) -> TokenPrice | PriceNeeded:
    """Price of `openai:<name>` (or a bare API model name) on the day `when` (ISO), the user's own prices first.

    A self-hosted endpoint, or a model that the list does not know, is asked for.
    """
    name = _bare(model)
    if own_input is not None and own_output is not None:
        return TokenPrice(name, own_input, own_output, own_cached, source="set by prices", date="")
    needed = PriceNeeded(f"tokens of {name}", "set prices.input_usd_per_million and prices.output_usd_per_million")
    found = _listed(name, base_url, when[:10] or datetime.now(UTC).date().isoformat())
    if found is None:
        return needed
    return replace(
        found,
        input=found.input if own_input is None else own_input,
        output=found.output if own_output is None else own_output,
        cached_input=found.cached_input if own_cached is None else own_cached,
    )


def batch_price(
    model: str, standard: TokenPrice, discount: float | None, *, base_url: str | None, when: str, listed: bool
) -> TokenPrice | PriceNeeded:
    """What the provider's batch API charges instead of `standard`: less a stated share, else by the dated list.

    `listed`: `standard` is the list's own, so that its batch price may be too. No usual discount is assumed.
    """
    if discount is not None:
        left, cached = 1 - discount, standard.cached_input
        return replace(
            standard,
            input=left * standard.input,
            output=left * standard.output,
            cached_input=None if cached is None else left * cached,
            source=f"{standard.source}, less the batch discount of {discount:g}",
        )
    name, day = _bare(model), when[:10] or datetime.now(UTC).date().isoformat()
    found = _listed(name, base_url, day, batch=True) if listed else None
    return found or PriceNeeded(
        f"batch requests to {name}",
        "set batch_discount of that model, such as 0.5 for half the price, or leave batch out",
    )


@cache
def _listed(name: str, base_url: str | None, day: str, batch: bool = False) -> TokenPrice | None:
    """The list's price on that day, direct or by batch; None for models that it does not know, or knows without one.

    A batch price without one for cached tokens counts them in full: nobody promises hits hours later.
    """
    import genai_prices
    from genai_prices.data_snapshot import get_snapshot

    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    try:
        _, found = get_snapshot().find_provider_model(name, None, None if base_url else _provider(name), base_url)
    except LookupError:
        return None
    prices: Any = _by_batch(found, at) if batch else found.get_prices(at)
    if prices is None:
        return None
    per_input, per_output = _base(prices.input_mtok), _base(prices.output_mtok)
    if per_input is None:
        return None
    write = _base(prices.cache_write_mtok)
    return TokenPrice(
        model=found.id,
        input=per_input,
        output=per_output or 0.0,
        cached_input=_base(prices.cache_read_mtok),
        cache_write=write / per_input if write and per_input else 1.0,
        source=f"{'batch price of ' if batch else ''}genai-prices {genai_prices.__version__}, offline, at least as new "
        f"as {newest_change(day)}",
        date=newest_change(day),
    )


def _by_batch(model: Any, at: datetime) -> Any | None:
    """The prices of the model's batch API on that day, where the list has them."""
    for variant in model.price_variants or ():
        active = variant.constraint is None or variant.constraint.active(at)
        if variant.when == {"processing": "batch"} and active:
            return variant.prices
    return None


def _bare(model: str) -> str:
    """An endpoint's model without the prefix that makes it one."""
    return model.removeprefix(ENDPOINT)


def _provider(name: str) -> str | None:
    """Models whose family is plain from the name need no search over all providers; None: let the list decide."""
    return "openai" if name.startswith(("gpt-", "text-embedding-", "o1", "o3", "o4")) else None


def _base(price: Any) -> float | None:
    """A price, or the lowest tier of a tiered one, as a number."""
    if price is None:
        return None
    return float(getattr(price, "base", price))


@cache
def newest_change(day: str) -> str:
    """Date of the newest price change in the list that is not after `day` (ISO date)."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import StartDateConstraint

    dates = {
        entry.constraint.start_date.isoformat()
        for provider in get_snapshot().providers
        for model in provider.models
        for entry in (
            *(model.prices if isinstance(model.prices, list) else ()),
            *(model.price_variants or ()),
        )
        if isinstance(entry.constraint, StartDateConstraint)
    }
    return max((d for d in dates if d <= day), default="")
