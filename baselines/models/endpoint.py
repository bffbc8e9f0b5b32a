"""Where an endpoint is and how we show that we may use it: address, key and headers.

All secrets come from the environment, or from the system's keyring where the package `keyring` is installed.

Refuses keys in the project file, redirects, and everything that would send what the project does not name: another
provider's key, the environment's organisation or custom headers, facts about this machine.

    endpoint = endpoint_of(ModelSpec(id="openai:gpt-4.1-mini"))      # EnvironmentFault where OPENAI_API_KEY is not set
    endpoint.redact("Incorrect API key provided: sk-…")

`OPENAI_API_KEY` is the default for OpenAI's own address alone. Any other one gets a key only if `api_key_env` names
its variable: a key of one provider is never sent to another by default.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reports.errors import EnvironmentFault, UsageError
from reports.run.schema import ENDPOINT, ModelSpec, is_endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from baselines.models.limits import Limits

OPENAI = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"
KEYRING = "approach-advisor"
"""The service under which the system's keyring holds keys, where the package `keyring` is installed."""
REMOVED = "[removed]"
CONNECT_SECONDS = 10.0
SENT = frozenset({"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}) | {
    "user-agent",
    "x-stainless-raw-response",
}
"""What every request needs (the last one: how the package finds again that we want the plain response); of the rest
only headers that the project names leave this machine."""
ACCOUNT = frozenset({"openai-organization", "openai-project"})
_SECRET_HEADER = re.compile(r"(?i)key|token(?!s\b)|secret|auth(?!ors?\b)|passw|credential|cookie|signature")
"""In a header's name: x-goog-api-key, Ocp-Apim-Subscription-Key, X-Auth-Token, … A harmless value under such a name
costs its user one variable; a key in a stored run costs more."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,19}|(?=\w*[A-Za-z]_)(?:[A-Z_][A-Z0-9_]*|[a-z_][a-z0-9_]*)")
"""Of a variable: long ones without an underscore or of mixed case are rather keys."""
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_KEY_SHAPED = re.compile(
    r"(?i)\b(?:sk|pk|gsk|hf|xai)[-_][\w*.\-]{6,}|(?<=bearer )\S{6,}"
    r"|\b(?-i:AIza[\w\-]{16,}|AKIA[A-Z0-9]{12,}|eyJ[\w\-]{8,}\.[\w.\-]+)"
)
_LONG = re.compile(r"[\w+/=.\-]{16,}")
"""Beside a variable, too long for a word such as `Bearer`."""


@dataclass(frozen=True)
class Endpoint:
    """One address with what it takes to be let in. Its repr shows no secret."""

    model: str
    """The name that the endpoint knows."""
    url: str
    key_name: str | None
    """The environment's variable that holds the key; None where no key is sent."""
    loopback: bool
    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def official(self) -> bool:
        """True for OpenAI's own address."""
        return urlsplit(self.url).hostname == urlsplit(OPENAI).hostname

    @property
    def host(self) -> str:
        """For messages: host and port."""
        return urlsplit(self.url).netloc

    def redact(self, text: str) -> str:
        """The text without our secrets and without anything that looks like a key."""
        return _KEY_SHAPED.sub(REMOVED, self.hide(text))

    def hide(self, text: str) -> str:
        """The text without our secrets alone: for answers, where something key-shaped may be right."""
        for secret in self.secrets:
            text = text.replace(secret, REMOVED)
        return text


def endpoint_of(spec: ModelSpec) -> Endpoint:
    """Reads address, key and headers. Raises UsageError (the project file) or EnvironmentFault (a missing variable)."""
    loopback = check(spec)
    url = spec.base_url or OPENAI
    key_name = spec.api_key_env or (DEFAULT_KEY if _same_host(url, OPENAI) else None)
    key = _secret(key_name, optional=loopback) if key_name else ""
    headers, hidden = _headers(spec.headers)
    model = spec.id.removeprefix(ENDPOINT)
    secrets = tuple(sorted({s for s in (key, *hidden) if len(s) >= 4}, key=len, reverse=True))
    return Endpoint(model, url, key_name, loopback, key, headers, secrets)


def check(spec: ModelSpec) -> bool:
    """True for an endpoint on this machine. Asks neither the environment nor the network.

    Raises UsageError for an address, a variable's name or a header that cannot be; no message repeats a secret, and
    whoever checks before anything is stored keeps a key that stands in the project file out of every other file.
    """
    if not spec.id.removeprefix(ENDPOINT) or not is_endpoint(spec):
        raise UsageError(f"{spec.id!r} names no endpoint's model.", "Write `openai:` and the model's name.")
    loopback = _checked_address(spec.base_url or OPENAI)
    if spec.api_key_env is not None and not _is_name(spec.api_key_env):
        raise UsageError(
            "`api_key_env` of the model is not the name of an environment variable.",
            "Put the key into a variable and write the variable's name; if a key stood there, replace it.",
        )
    for name, value in spec.headers.items():
        _check_header(name, value)
    return loopback


def open_client(endpoint: Endpoint, limits: Limits) -> AsyncOpenAI:
    """The `openai` package's client: no retries of its own, no redirects, no proxy on loopback. Imports it (1.2 s)."""
    import httpx2
    import openai

    allowed = (
        SENT
        | {"authorization"}
        | {name.lower() for name in endpoint.headers}
        | (ACCOUNT if endpoint.official else frozenset())
    )
    keyed = bool(endpoint.key) or any(name.lower() == "authorization" for name in endpoint.headers)

    async def keep_named(request: Any) -> None:
        """The package adds facts about this machine and whatever OPENAI_CUSTOM_HEADERS holds."""
        for name in list(request.headers.keys()):
            if name.lower() not in allowed or (name.lower() == "authorization" and not keyed):
                del request.headers[name]

    size = limits.max_concurrency + 8
    return openai.AsyncOpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.url,
        max_retries=0,
        timeout=limits.timeout_seconds,
        default_headers=dict(endpoint.headers),
        http_client=httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=not endpoint.loopback,
            timeout=httpx2.Timeout(limits.timeout_seconds, connect=min(CONNECT_SECONDS, limits.timeout_seconds)),
            limits=httpx2.Limits(max_connections=size, max_keepalive_connections=size),
            event_hooks={"request": [keep_named]},
        ),
    )


def _checked_address(url: str) -> bool:
    """True for this machine. Raises UsageError for what is no plain http(s) address."""
    hint = "Write `base_url` as http(s)://host:port/v1, and keys as `api_key_env` or `$NAME` headers."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("`base_url` of the model cannot be read as an address.", hint) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("`base_url` of the model holds credentials or a query; neither belongs there.", hint)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError("`base_url` of the model is not an http or https address.", hint)
    return _is_loopback(parts.hostname)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one).hostname == urlsplit(other).hostname


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and not _KEY_SHAPED.search(text)


def _check_header(name: str, value: str) -> None:
    literal = _VARIABLE.sub("", value)
    named = _SECRET_HEADER.search(name) and (literal == value or _LONG.search(literal))
    if named or _KEY_SHAPED.search(literal):
        raise UsageError(
            f"The header {name} of the model holds its secret in the project file.",
            "Write `$NAME` and set the environment variable NAME; replace the secret that stood there.",
        )
    if not (name + value).isascii() or not (name + value).isprintable():
        raise UsageError(f"The header {name!r} of the model holds characters that cannot be sent.")


def _headers(named: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Headers with their `$NAME` parts filled in, and the values that came from the environment."""
    filled: dict[str, str] = {}
    hidden: list[str] = []
    for name, value in named.items():
        hidden += [_secret(variable) for variable in _VARIABLE.findall(value)]
        filled[name] = _VARIABLE.sub(lambda found: _secret(found[1]), value)
    return filled, hidden


def _secret(variable: str, *, optional: bool = False) -> str:
    """The value, fit for a header, from the environment or else the keyring. Empty only if `optional`."""
    value = os.environ.get(variable, "").strip() or _from_keyring(variable)
    if not value and not optional:
        raise EnvironmentFault(
            f"The environment variable {variable} is not set, and the endpoint needs it.",
            f"Set {variable} in the shell that starts the run, or store it with `keyring set {KEYRING} {variable}`; "
            "keys are never read from files.",
        )
    if not value.isascii() or not value.isprintable():
        raise EnvironmentFault(
            f"The environment variable {variable} holds characters that cannot be sent in a header.",
            f"Set {variable} again: it was probably copied with something around it.",
        )
    return value


def _from_keyring(variable: str) -> str:
    """What the system's keyring holds under that name; empty without the package, and where it has no backend."""
    if importlib.util.find_spec("keyring") is None:
        return ""
    import keyring
    from keyring.errors import KeyringError

    try:
        return (keyring.get_password(KEYRING, variable) or "").strip()
    except KeyringError:
        return ""
