"""The bill of one approach of a run: what it used, times what that costs. Knows no files.

estimate_cost(Usage(kind="qlora", device="NVIDIA L4", seconds_per_answer=0.1, training_seconds=900), prices, when=…)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot

from reports import text
from reports.costs import tables
from reports.costs.device import device_usd
from reports.costs.estimate import MACHINE_HOURS, CostEstimate, CostPart, PriceNeeded, Scope, from_parts
from reports.costs.tables import Price
from reports.costs.tokens import FALLS_TO, TokenPrice, batch_price, token_price
from reports.run.schema import ModelSpec, Prices, is_endpoint

FREE = ("floor",)
"""Kinds whose answers take no time worth paying for."""


@dataclass(frozen=True)
class Usage:
    """What an approach took, measured. None means not measured."""

    kind: str
    model: ModelSpec | None = None
    """None for approaches without a language model: their time on the device still costs."""
    device: str = "cpu"
    """What the run's environment calls the machine: `cpu` or the GPU's name."""
    cards: int = 1
    """Devices that were its own all that time, its answers' included: each of them is paid by the hour."""
    task_type: str = "classification"
    prompt_tokens: float | None = None
    """Mean of an answer."""
    cached_prompt_tokens: float = 0.0
    """Mean number of prompt tokens that the endpoint billed as cache hits."""
    completion_tokens: float | None = None
    seconds_per_answer: float | None = None
    """Mean device seconds of an answer; for an API model only those of our own machine: embedding and search."""
    prompt_tokens_error: float = 0.0
    """Standard error of that mean, as of the two below."""
    completion_tokens_error: float = 0.0
    seconds_error: float = 0.0
    preparation_seconds: float = 0.0
    """Device seconds before the first answer: indexing, embedding the corpus."""
    training_seconds: float = 0.0
    labels: int = 0
    """Labelled examples that it needs: all training examples for tuning, classifier and example retrieval."""
    searches: bool = False
    """An API model's prompt is put together by embedding and search on our own machine."""
    usage_estimated: bool = False
    """Some tokens were counted here, not reported by the endpoint."""
    name: str = ""
    """The approach's own, for amounts that are its alone; empty: its kind."""


def estimate_cost(usage: Usage, prices: Prices, when: str) -> CostEstimate | PriceNeeded:
    """One-off and running cost with their ranges, at the prices of the day `when` (ISO), the user's own first.

    A price that no table holds comes back as `PriceNeeded` instead of an estimate.
    """
    parts: list[CostPart] = []
    sources: list[str] = []
    warnings: list[str] = []
    running = _running(usage, prices, when, parts, sources)
    if isinstance(running, PriceNeeded):
        return running
    if usage.searches and usage.seconds_per_answer is None:
        warnings.append("The machine time of embedding and search is not counted: no latency pass measured it.")
    if usage.usage_estimated:
        warnings.append("Some token counts were estimated, because the endpoint did not report them.")
    hour = _machine(usage, prices) if usage.training_seconds or usage.preparation_seconds or _local(usage) else None
    if isinstance(hour, PriceNeeded):
        if not is_endpoint(usage.model):
            return hour
        warnings.append(f"The time of our own machine is not counted: there is no price for {hour.what}.")
    elif hour is not None:
        seconds = usage.cards * (usage.training_seconds + usage.preparation_seconds)
        if seconds:
            what = f"{text.seconds(seconds)} of {_named(hour)} at {text.money(hour.typical)} an hour"
            parts.append(_part(MACHINE_HOURS, "once", seconds / 3600, hour, what))
        sources.append(hour.cited)
        warnings.append(tables.stale(hour, when))
    if usage.labels:
        label = tables.label_price(usage.task_type, prices.label_usd)
        what = f"{text.count(usage.labels, 'label')} at {text.money(label.typical)}"
        parts.append(_part("price of labels", "once", usage.labels, label, what))
        sources.append(label.cited)
        warnings.append(tables.stale(label, when))
    _engineering(usage, prices, parts, sources)
    found = from_parts(parts, sources, [said for said in warnings if said])
    return replace(found, hour_usd=usage.cards * hour.typical) if isinstance(hour, Price) and _local(usage) else found


def _local(usage: Usage) -> bool:
    """True where answers take time of a machine that we pay by the hour."""
    return usage.kind not in FREE and bool(usage.seconds_per_answer)


def _machine(usage: Usage, prices: Prices) -> Price | PriceNeeded:
    return tables.hour_price(prices.gpu or usage.device, prices.gpu_hour_usd)


def _part(driver: str, scope: Scope, amount: float, price: Price, what: str) -> CostPart:
    """`amount` units at a price with its range."""
    return CostPart(driver, scope, amount * price.typical, amount * price.low, amount * price.high, what)


def _running(usage: Usage, prices: Prices, when: str, parts: list[CostPart], sources: list[str]) -> PriceNeeded | None:
    """Adds what every answer costs: tokens of an API model, seconds of our own machine."""
    if usage.kind in FREE:
        return None
    if usage.kind == "recorded":
        return PriceNeeded("what the recorded system costs to run", "compare with what it costs today")
    if is_endpoint(usage.model):
        assert usage.model is not None
        priced = production_price(usage.model, prices, when)
        if isinstance(priced, PriceNeeded):
            return priced
        dollars = priced.of(usage.prompt_tokens or 0.0, usage.completion_tokens or 0.0, usage.cached_prompt_tokens)
        low = dollars if priced.source.startswith("set by") else FALLS_TO * dollars
        error = _token_error(usage, priced, dollars)
        what, amount = _tokens(usage, priced), f"tokens an answer of {_whose(usage)}"
        parts.append(CostPart("price of tokens", "query", dollars, low, dollars, what, False, amount, error))
        sources.append(f"tokens of {priced.model}: {priced.source}")
    elif not usage.seconds_per_answer:
        return PriceNeeded("an answer whose device time was not measured", "run the approach without cached answers")
    if usage.seconds_per_answer:
        hour = _machine(usage, prices)
        if isinstance(hour, PriceNeeded):
            return None if is_endpoint(usage.model) else hour
        seconds = usage.cards * usage.seconds_per_answer
        usd, low, high = (device_usd(seconds, h, prices.utilisation) for h in (hour.typical, hour.low, hour.high))
        what = "embedding and search: " if is_endpoint(usage.model) else ""
        what += (
            f"{text.seconds(seconds)} of {_named(hour)} at {text.money(hour.typical)} an hour, "
            f"busy {text.quality(prices.utilisation)} of the time that is paid"
        )
        amount, error = f"seconds an answer of {_whose(usage)}", usage.seconds_error / usage.seconds_per_answer
        parts.append(CostPart(MACHINE_HOURS, "query", usd, low, high, what, False, amount, error))
    return None


def _whose(usage: Usage) -> str:
    return text.one_line(usage.name or usage.kind, 60)


def _token_error(usage: Usage, price: TokenPrice, dollars: float) -> float:
    """Relative standard error of an answer's tokens at these prices, the lengths of prompt and answer taken apart."""
    of_answer = usage.completion_tokens_error * price.output / 1e6
    of_prompt = 0.0
    if usage.prompt_tokens:
        prompt = price.of(usage.prompt_tokens, 0.0, usage.cached_prompt_tokens)
        of_prompt = usage.prompt_tokens_error * prompt / usage.prompt_tokens
    return hypot(of_prompt, of_answer) / dollars if dollars else 0.0


def _named(hour: Price) -> str:
    return hour.name.removeprefix("hour of ")


def _tokens(usage: Usage, price: TokenPrice) -> str:
    """'1,800 tokens in at $0.40 a million, 100 out at $1.60'."""
    cached = usage.cached_prompt_tokens
    said = [f"{text.number(usage.prompt_tokens or 0.0, 0)} tokens in at {text.money(price.input)} a million"]
    said += [f"{text.number(cached, 0)} of them from the cache"] if cached >= 0.5 else []
    said += [f"{text.number(usage.completion_tokens or 0.0, 0)} out at {text.money(price.output)}"]
    said += ["by batch"] if usage.model is not None and usage.model.batch else []
    return ", ".join(said)


def price_of(model: ModelSpec, prices: Prices, when: str = "") -> TokenPrice | PriceNeeded:
    """What tokens of an endpoint's model cost: as the model itself says, else `prices`, else the list of the day."""

    def own(of_model: float | None, of_all: float | None) -> float | None:
        return of_all if of_model is None else of_model

    return token_price(
        model.id,
        model.base_url,
        when,
        own_input=own(model.input_usd_per_million, prices.input_usd_per_million),
        own_output=own(model.output_usd_per_million, prices.output_usd_per_million),
        own_cached=own(model.cached_input_usd_per_million, prices.cached_input_usd_per_million),
    )


def production_price(model: ModelSpec, prices: Prices, when: str) -> TokenPrice | PriceNeeded:
    """What tokens of the project's traffic cost: by batch where the model says so, else as in the run."""
    found = price_of(model, prices, when)
    if isinstance(found, PriceNeeded) or not model.batch:
        return found
    own = (model.input_usd_per_million, model.output_usd_per_million, model.cached_input_usd_per_million)
    of_all = (prices.input_usd_per_million, prices.output_usd_per_million, prices.cached_input_usd_per_million)
    listed = all(price is None for price in (*own, *of_all))
    return batch_price(model.id, found, model.batch_discount, base_url=model.base_url, when=when, listed=listed)


def _engineering(usage: Usage, prices: Prices, parts: list[CostPart], sources: list[str]) -> None:
    """Adds the hours to build it, at the wage; the range of hours and of the wage do not meet at their worst."""
    own = prices.engineer_hours.get(usage.kind)
    hours, wage = tables.engineering_hours(usage.kind, own), tables.engineer_hour_price(prices.engineer_hour_usd)
    if hours.typical == 0:
        return
    driver = f"engineer hours for {usage.kind}"
    usd = wage.typical
    what = f"{hours.typical:g} hours at {text.money(usd)}"
    parts.append(CostPart(driver, "once", hours.typical * usd, hours.low * usd, hours.high * usd, what, own is None))
    sources += [wage.cited, f"{hours.typical:g} engineer hours for {usage.kind}: {hours.basis}"]
