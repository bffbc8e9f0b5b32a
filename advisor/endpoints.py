"""Asks every endpoint that a run would use, before it starts: a wrong key is found in a second, not after the training.

    for told in check_endpoints(spec): print(told)      # "openai:gpt-4.1-mini: answers and lists the model"

Sends nothing where the project names no endpoint, and imports nothing heavy then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.run.changes import LIMITS
from reports.run.schema import ModelSpec, RunSpec, is_endpoint
from reports.run.store import RunStore

if TYPE_CHECKING:
    from baselines.models.ledger import Ledger


def endpoints_of(spec: RunSpec) -> list[ModelSpec]:
    """The endpoint models of a run, each once, whatever their limits."""
    found = [item.model for item in spec.approaches if item.model is not None]
    found += [spec.judge.model] if spec.judge else []
    return list({model.model_dump_json(): model for model in found if is_endpoint(model)}.values())


def check_endpoints(spec: RunSpec, ledger: Ledger | None = None) -> Iterator[str]:
    """One line an endpoint. Raises EnvironmentFault (key, address, model) and UsageError (a budget without a price).

    `ledger` is told what a prompt cost, where one had to be sent.
    """
    for model in endpoints_of(spec):
        yield f"{model.id}: {check_endpoint(model, spec, ledger)}"


def check_endpoint(model: ModelSpec, spec: RunSpec, ledger: Ledger | None = None) -> str:
    """What the endpoint says of itself."""
    from baselines.models import remote
    from baselines.models.limits import limits_of
    from baselines.models.probe import probe

    limits = limits_of(model, spec)
    loaded = remote.load(model, limits=limits)
    endpoint = loaded.endpoint
    loaded.close()
    ceilings = [usd for usd in (limits.budget_usd, limits.run_budget_usd) if usd is not None]
    key = f"key from {endpoint.key_name}" if endpoint.key else "no key"
    may_ask = min(ceilings, default=1.0) > 0
    return f"{endpoint.url}, {key}: {probe(model, may_ask=may_ask, price=limits.price, ledger=ledger)}"


def adopt_limits(store: RunStore, now: RunSpec) -> None:
    """Takes over what may change before a resume: budgets, caps, time-outs, the judge, how many jobs run at a time.

    Needs the store for writing.
    """
    before = store.header.spec
    limits = {item.name: item.model for item in now.approaches if item.model is not None}

    def limited(model: ModelSpec | None, name: str) -> ModelSpec | None:
        if model is None or name not in limits:
            return model
        return model.model_copy(update={field: getattr(limits[name], field) for field in LIMITS})

    approaches = tuple(item.model_copy(update={"model": limited(item.model, item.name)}) for item in before.approaches)
    after = before.model_copy(
        update={
            "approaches": approaches,
            "budget_usd": now.budget_usd,
            "judge": now.judge,
            "parallel": now.parallel,
            "cluster": now.cluster,
        }
    )
    if after != before:
        store.write_header(store.header.model_copy(update={"spec": after}))
