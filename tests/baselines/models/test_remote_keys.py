"""Keys come from the environment, go where the project says and nowhere else, and stand in no text."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from importlib.machinery import ModuleSpec as ImportedFrom
from types import ModuleType
from typing import Any

import pytest

from baselines.models.contract import Decoding
from baselines.models.endpoint import check, endpoint_of
from baselines.models.limits import Limits
from baselines.models.remote import load
from baselines.prompts import Prompt
from reports.errors import AdvisorError, EnvironmentFault, UsageError
from reports.run.schema import ModelSpec
from tests.misbehaving_server import Server

KEY = "zq-3f9d1c77-not-shaped-like-a-key"
LOCAL = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MY_KEY", KEY)


@pytest.fixture
def server() -> Iterator[Any]:
    found = Server().start()
    yield found
    found.stop()


def ask(spec: ModelSpec, limits: Limits | None = None) -> str:
    """The answer's text."""
    model = load(spec, limits=limits)
    try:
        (found,) = [g for batch in model.generate([Prompt("say hello")], Decoding()) for g in batch]
        return f"{found.text} {found.error}"
    finally:
        model.close()


def everything(error: BaseException) -> str:
    """All that a log could hold of an error."""
    said = "".join(traceback.format_exception(error)) + repr(error) + getattr(error, "hint", "")
    chained = [e for e in (error.__cause__, error.__context__) if e is not None]
    return said + "".join(everything(e) for e in chained)


def test_the_named_key_and_headers_are_sent(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "blue")
    headers = {"x-team": "$TEAM", "x-plain": "as it is"}
    ask(ModelSpec(id="openai:test", base_url=server.url, api_key_env="MY_KEY", headers=headers))
    (sent,) = server.seen_headers
    assert sent["authorization"] == f"Bearer {KEY}"
    assert (sent["x-team"], sent["x-plain"]) == ("blue", "as it is")


def test_nothing_is_sent_that_the_project_does_not_name(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {KEY}\nx-extra: {KEY}")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    ask(ModelSpec(id="openai:test", base_url=server.url))
    sent = str(server.seen_headers) + str(server.requests)
    assert KEY not in sent
    assert "secret" not in sent
    assert not [name for name in server.seen_headers[0] if name.startswith("x-stainless-") and "raw" not in name]


def test_the_default_key_goes_to_its_own_provider_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert endpoint_of(ModelSpec(id="openai:gpt-4.1-mini")).key == KEY
    assert endpoint_of(ModelSpec(id="openai:x", base_url="https://gateway.example/v1")).key == ""
    assert endpoint_of(ModelSpec(id="openai:x", base_url=LOCAL)).key == ""


@pytest.mark.parametrize("spec", [ModelSpec(id="openai:gpt-4.1-mini"), ModelSpec(id="openai:x", api_key_env="ABSENT")])
def test_a_missing_key_names_its_variable(spec: ModelSpec) -> None:
    with pytest.raises(EnvironmentFault, match=spec.api_key_env or "OPENAI_API_KEY"):
        load(spec)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"base_url": f"https://me:{KEY}@gateway.example/v1"}, "credentials"),
        ({"base_url": f"https://gateway.example/v1?api-key={KEY}"}, "credentials or a query"),
        ({"base_url": "gateway.example/v1"}, "not an http"),
        ({"base_url": "http://host:99999/v1"}, "cannot be read"),
        ({"base_url": LOCAL, "api_key_env": f"{KEY}"}, "not the name of an environment variable"),
        ({"base_url": LOCAL, "headers": {"Authorization": f"Bearer {KEY}"}}, "holds its secret"),
        ({"base_url": LOCAL, "headers": {"x-a": "ümlaut"}}, "cannot be sent"),
        ({"id": "demo"}, "names no endpoint's model"),
    ],
)
def test_a_project_file_with_a_key_or_a_wrong_address_is_refused_without_repeating_it(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load(ModelSpec(**{"id": "openai:test", **fields}))
    assert words in str(caught.value)
    assert KEY not in everything(caught.value)


def test_a_key_that_cannot_be_sent_is_a_fault_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}\u2026")
    with pytest.raises(EnvironmentFault, match="MY_KEY holds characters") as caught:
        load(ModelSpec(id="openai:test", base_url=LOCAL, api_key_env="MY_KEY"))
    assert KEY not in everything(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_no_error_shows_a_key_that_the_endpoint_repeats(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    said = f"Incorrect API key provided: {KEY}, or sk-proj-abcdefgh12345678; Authorization: Bearer {KEY}"
    server = Server(lambda number, body: (status, said, {})).start()
    spec = ModelSpec(id="openai:test", base_url=server.url, api_key_env="MY_KEY")
    try:
        text = ask(spec, Limits(attempts=2, first_wait_seconds=0.01, patience_seconds=0.05))
    except AdvisorError as error:
        text = everything(error)
        assert status in (401, 403, 404, 429)
        assert "MY_KEY" in text or status in (404, 429)
    finally:
        server.stop()
    assert "127.0.0.1" in text or str(status) in text
    assert KEY not in text + caplog.text
    assert "abcdefgh12345678" not in text


def test_an_answer_that_repeats_the_key_does_not_keep_it(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "HELLO")
    text = ask(ModelSpec(id="openai:test", base_url=server.url, api_key_env="MY_KEY"))
    assert "HELLO" not in text


def test_a_key_over_plain_http_is_warned_of() -> None:
    warnings: list[str] = []
    spec = ModelSpec(id="openai:test", base_url="http://gateway.example/v1", api_key_env="MY_KEY")
    model = load(spec, on_warning=warnings.append)
    assert "unencrypted" in warnings[0]
    assert KEY not in warnings[0] + repr(vars(model)) + repr(endpoint_of(spec))


def test_the_keyring_is_asked_where_the_environment_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {("approach-advisor", "RING_KEY"): KEY}
    ring: Any = ModuleType("keyring")
    errors: Any = ModuleType("keyring.errors")
    ring.get_password, errors.KeyringError, ring.errors = lambda *names: held.get(names), RuntimeError, errors
    ring.__spec__ = ImportedFrom("keyring", None)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    spec = ModelSpec(id="openai:x", base_url=LOCAL, api_key_env="RING_KEY")
    assert endpoint_of(spec).key == KEY
    monkeypatch.setenv("RING_KEY", "from-the-environment")
    assert endpoint_of(spec).key == "from-the-environment"
    monkeypatch.delenv("RING_KEY")
    held.clear()
    with pytest.raises(EnvironmentFault, match="RING_KEY is not set") as caught:
        load(ModelSpec(id="openai:x", base_url="https://gateway.example/v1", api_key_env="RING_KEY"))
    assert "keyring set approach-advisor RING_KEY" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "api-key", "x-goog-api-key", "Ocp-Apim-Subscription-Key", "x-portkey-api-key"),
        *("X-Auth-Token", "x-client-secret", "Cookie", "x-plain"),
    ],
)
@pytest.mark.parametrize("value", ["AIzaSyD3abcdefghijklmnopqrs", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9.e30.x"])
def test_a_literal_key_in_a_header_is_refused_whatever_the_header_is_called(name: str, value: str) -> None:
    for written in (value, f"Bearer {value}", f"$MY_KEY {value}"):
        with pytest.raises(UsageError, match="holds its secret") as caught:
            check(ModelSpec(id="openai:x", base_url=LOCAL, headers={name: written}))
        assert value not in everything(caught.value)
    assert value not in endpoint_of(ModelSpec(id="openai:x", base_url=LOCAL)).redact(f"wrong key {value}, sorry")


def test_a_secret_header_wants_a_variable_and_other_headers_take_any_word() -> None:
    with pytest.raises(UsageError, match="x-my-key of the model holds its secret"):
        check(ModelSpec(id="openai:x", base_url=LOCAL, headers={"x-my-key": "hunter2"}))
    fine = {
        "x-goog-api-key": "$MY_KEY",
        "authorization": "Bearer ${MY_KEY}",
        "cookie": "session=$MY_KEY",
        "x-team": "blue",
        "x-max-tokens": "100",
        "x-trace": "experiment-2026-11-30-with-a-long-name",
    }
    check(ModelSpec(id="openai:x", base_url=LOCAL, headers=fine))


@pytest.mark.parametrize("name", ["sk_live_abcdef123", "AIzaSyD3abcdefghijklmnopqrstuvw", "a1b2c3d4e5f6a7b8c9d0e1f2"])
def test_what_looks_like_a_key_is_no_variable(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(ModelSpec(id="openai:x", base_url=LOCAL, api_key_env=name))
    assert name not in everything(caught.value)
    check(ModelSpec(id="openai:x", base_url=LOCAL, api_key_env="TOGETHER_API_KEY_OF_TEAM_2"))
