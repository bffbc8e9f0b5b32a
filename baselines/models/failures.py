"""What a failed request means: hurry less, try again, give this prompt up, or stop the run. Shows no secret.

    failure = failure_of(error, endpoint)        # an openai.APIError, a time-out, an Unreadable
    if failure.kind == "rate": ...

Raises EnvironmentFault itself where no other request could fare better: no key, no model, no credit, a redirect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from baselines.models.completion import Unreadable
from baselines.models.endpoint import Endpoint
from baselines.models.pacing import asked_wait
from reports.errors import EnvironmentFault
from reports.text import one_line

if TYPE_CHECKING:
    import openai

Kind = Literal["rate", "timeout", "server", "unreachable", "broken", "refused", "rejected"]
"""rate: asked too fast, or it is not ready (429, 503, 529) · server: other 5xx, not billed · unreachable: no
connection · broken: cut or unreadable, perhaps billed · refused: a content filter · rejected: this request is wrong
(400, 413, 422, or larger than a whole minute's limit)."""

WORDS = 200
"""Characters of the endpoint's own words that a message quotes."""
NOT_JSON = (json.JSONDecodeError, UnicodeDecodeError)
"""What the package raises for a chunk that it cannot read."""
FILTERS = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


@dataclass(frozen=True)
class Failure:
    """One failed attempt."""

    kind: Kind
    sentence: str
    wait: float | None = None
    """Seconds that the endpoint asked us to wait; None: it did not say."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    arguments: tuple[str, ...] = ()
    """Arguments that a rejection may name, besides those quoted in its sentence."""


def failure_of(error: Exception, endpoint: Endpoint) -> Failure:
    """The meaning of an exception of one request. Raises EnvironmentFault, or the error where it is none of these."""
    import httpx2
    import openai

    if isinstance(error, Unreadable):
        return Failure("broken", str(error))
    if isinstance(error, openai.APIStatusError):
        return _status_failure(error, endpoint)
    if isinstance(error, openai.APIConnectionError) and isinstance(
        error.__cause__, (httpx2.ConnectError, httpx2.ConnectTimeout)
    ):
        return Failure("unreachable", f"No connection to {endpoint.host}.")
    if isinstance(error, (TimeoutError, openai.APITimeoutError)):
        return Failure("timeout", "The endpoint did not answer in time.")
    if isinstance(error, (openai.APIConnectionError, httpx2.HTTPError)):
        return Failure("broken", "The connection was cut before the answer was complete.")
    if isinstance(error, openai.APIError):  # an error event inside a stream
        words = one_line(endpoint.redact(error.message), WORDS)
        return Failure("broken", f"The endpoint broke off: {words}")
    if isinstance(error, NOT_JSON):
        return Failure("broken", "The endpoint's stream is not JSON.")
    raise error


def _status_failure(error: openai.APIStatusError, endpoint: Endpoint) -> Failure:
    status = error.status_code
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    words = one_line(endpoint.redact(_message(error)), WORDS)
    sentence = f"The endpoint answered {status}" + (f": {words}" if words else ".")
    wait = asked_wait(headers)
    code = error.code or ""
    if code in SPENT or status == 402:
        raise EnvironmentFault(
            f"The account behind {endpoint.key_name or endpoint.host} has no credit left.",
            "Add credit and resume: the answers so far are kept.",
        )
    if status in (401, 403):
        raise _locked_out(status, words, endpoint)
    if status in (404, 405) or 300 <= status < 400:
        raise _wrong_address(status, words, endpoint)
    if status == 429 and _never_fits(_message(error)):
        return Failure("rejected", sentence, None, headers)
    if status in (429, 503, 529):
        return Failure("rate", sentence, wait, headers)
    if status in (408, 504):
        return Failure("timeout", sentence, wait, headers)
    if status >= 500 or status in (409, 425):
        return Failure("server", sentence, wait, headers)
    if code in FILTERS or any(name in words for name in FILTERS):
        return Failure("refused", "The endpoint declined the prompt (content filter).", None, headers)
    named = (str(error.param or ""), *_places(error.body))
    return Failure("rejected", sentence, None, headers, arguments=tuple(name for name in named if name))


def _never_fits(words: str) -> bool:
    """True for one request above the limit of a whole minute, which no waiting makes pass."""
    told = re.search(r"(?i)\blimit:? ([\d,]+).*\brequested:? ([\d,]+)", words)
    larger = told is not None and int(told[2].replace(",", "") or 0) > int(told[1].replace(",", "") or 0)
    return larger or "request too large" in words.casefold()


def locked_out(error: openai.APIStatusError, endpoint: Endpoint) -> EnvironmentFault:
    """What a 401 or 403 means, without the key that it may repeat."""
    return _locked_out(error.status_code, one_line(endpoint.redact(_message(error)), WORDS), endpoint)


def _locked_out(status: int, words: str, endpoint: Endpoint) -> EnvironmentFault:
    said = f" It says: {words}" if words else ""
    if endpoint.key and endpoint.key_name:
        return EnvironmentFault(
            f"{endpoint.host} does not accept the key in {endpoint.key_name} for {endpoint.model} ({status}).{said}",
            f"Check that {endpoint.key_name} holds a valid key that may use this model.",
        )
    named = endpoint.key_name or "none"
    return EnvironmentFault(
        f"{endpoint.host} wants a key ({status}), and none was sent (api_key_env: {named}).{said}",
        f"Set {endpoint.key_name}."
        if endpoint.key_name
        else "Name the environment variable with this endpoint's key as `api_key_env` of the model.",
    )


def _wrong_address(status: int, words: str, endpoint: Endpoint) -> EnvironmentFault:
    if 300 <= status < 400:
        return EnvironmentFault(
            f"{endpoint.host} redirects elsewhere ({status}); nothing is sent where the project does not say.",
            "Put the address that finally answers into `base_url`.",
        )
    said = f" It says: {words}" if words else ""
    return EnvironmentFault(
        f"{endpoint.host} knows no chat completions of a model {endpoint.model!r} ({status}).{said}",
        "Check the model's name and that `base_url` ends where /chat/completions begins (often in /v1).",
    )


def _message(error: openai.APIStatusError) -> str:
    """The endpoint's own words, without the package's rendering of the whole body."""
    return _said(error.body)


def _said(body: object, depth: int = 5) -> str:
    """Words in the forms of OpenAI, FastAPI (a list of `loc` and `msg`), Mistral (that list inside of `message`) and
    Gemini (an array of errors)."""
    if isinstance(body, str) or not depth:
        return body if isinstance(body, str) else ""
    if isinstance(body, list):
        return "; ".join(words for each in body[:3] if (words := _said(each, depth - 1)))
    if not isinstance(body, Mapping):
        return ""
    if isinstance(body.get("msg"), str):
        return ": ".join([*_places(body)[-1:], body["msg"]])
    found = (_said(body.get(name), depth - 1) for name in ("error", "message", "detail"))
    return next((words for words in found if words), "")


def _places(body: object, depth: int = 5) -> list[str]:
    """All names in the `loc` lists of a body."""
    if not depth or not isinstance(body, (list, Mapping)):
        return []
    if isinstance(body, list):
        return [name for each in body for name in _places(each, depth - 1)]
    own = body.get("loc")
    names = [name for name in own if isinstance(name, str)] if isinstance(own, list) else []
    return names + [name for part in ("error", "message", "detail") for name in _places(body.get(part), depth - 1)]
