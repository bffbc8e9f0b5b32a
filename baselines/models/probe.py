"""Asks an endpoint before a run whether it is there, takes the key and knows the model. Knows no task and no run.

    probe(ModelSpec(id="openai:gpt-4.1-mini"))     # "lists the model", or an EnvironmentFault that says what is wrong

The list of models is asked for first: it costs nothing. Only an endpoint whose list does not name the model, or that
keeps none, gets a prompt of two words and may answer one token.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from baselines.models.contract import Decoding
from baselines.models.endpoint import Endpoint, endpoint_of, open_client
from baselines.models.failures import failure_of, locked_out
from baselines.models.ledger import Ledger
from baselines.models.limits import Limits
from baselines.models.remote import load
from baselines.prompts import Prompt
from reports.costs.tokens import TokenPrice
from reports.errors import EnvironmentFault
from reports.run.schema import ModelSpec

PATIENCE = Limits(timeout_seconds=20, attempts=2, patience_seconds=5)


def probe(
    spec: ModelSpec, *, may_ask: bool = True, price: TokenPrice | None = None, ledger: Ledger | None = None
) -> str:
    """What the endpoint said, in a few words. `may_ask` False sends no prompt; what one costs goes to `ledger`.

    Raises UsageError (the project file) or EnvironmentFault (no key, a refused key, no endpoint, no such model).
    """
    endpoint = endpoint_of(spec)
    listed = asyncio.run(_listed(endpoint))
    if listed is not None and endpoint.model in listed:
        return "answers and lists the model"
    if not may_ask:
        return "answers"
    model = load(spec, limits=replace(PATIENCE, price=price), ledger=ledger)
    try:
        found = model.generate_one(Prompt("Say yes."), Decoding(max_new_tokens=1))
    finally:
        model.close()
    if found.status == "error":
        raise EnvironmentFault(
            f"{endpoint.host} does not answer for {endpoint.model}. {found.error}",
            "Check `base_url` and the model's name.",
        )
    return "answers" if found.status in ("ok", "truncated") else f"is there, but: {found.error}"


async def _listed(endpoint: Endpoint) -> set[str] | None:
    """The names of GET /models; None where the endpoint keeps no list. Raises EnvironmentFault where none can help."""
    import httpx2
    import openai

    client = open_client(endpoint, PATIENCE)
    caught: Exception | None = None
    try:
        page = await client.models.list()
        return {str(found.id) for found in _items(page)}
    except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
        caught = error
    finally:
        await client.close()
    # Outside of the handler, so that no fault carries the package's own error, which holds the whole response.
    if isinstance(caught, openai.APIStatusError) and caught.status_code in (401, 403):
        raise locked_out(caught, endpoint)
    if isinstance(caught, (openai.APIConnectionError, httpx2.HTTPError)):
        failure = failure_of(caught, endpoint)
        if failure.kind == "unreachable":
            raise EnvironmentFault(
                f"{endpoint.host} cannot be reached.", "Check `base_url`, and that the endpoint runs."
            )
    return None


def _items(page: Any) -> list[Any]:
    """Gateways answer in many shapes; only a list of things with an id counts."""
    data = getattr(page, "data", None)
    return [found for found in data if getattr(found, "id", None)] if isinstance(data, list) else []
