"""What can be known of an endpoint before a run: no connection, no key, no model, each in one sentence."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from baselines.models.limits import Limits
from baselines.models.probe import probe
from reports.errors import EnvironmentFault
from reports.run.schema import ModelSpec

KEY = "zq-3f9d1c77-not-shaped-like-a-key"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)


def spec(url: str, **more: Any) -> ModelSpec:
    return ModelSpec(id="openai:test", base_url=url, **more)


def test_a_listed_model_is_believed_without_a_prompt(serve: Callable[..., Any]) -> None:
    server = serve()
    assert probe(spec(server.url)) == "answers and lists the model"
    assert server.requests == []


@pytest.mark.parametrize("listed", [("another",), (404, "no such page", {}), (500, "broken", {}), ()])
def test_a_model_that_is_not_listed_is_asked_for_one_token(serve: Callable[..., Any], listed: Any) -> None:
    server = serve(listed=listed)
    assert probe(spec(server.url), may_ask=False) == "answers"
    assert server.requests == []
    assert probe(spec(server.url)) == "answers"
    assert [request["max_tokens"] for request in server.requests] == [1]


@pytest.mark.parametrize(
    ("script", "listed", "words"),
    [
        ("ok", (401, f"Incorrect API key provided: {KEY}", {}), "does not accept the key in MY_KEY"),
        ("unauthorized", (404, "", {}), "does not accept the key in MY_KEY"),
        ("no-model", ("another",), "knows no chat completions of a model 'test'"),
        ((400, "model test is not one of ours", {}), ("another",), "model test is not one of ours"),
        ("redirect", (404, "", {}), "redirects elsewhere"),
    ],
)
def test_what_a_run_could_not_get_over_is_said(serve: Callable[..., Any], script: Any, listed: Any, words: str) -> None:
    server = serve(script, listed=listed)
    with pytest.raises(EnvironmentFault) as caught:
        probe(spec(server.url, api_key_env="MY_KEY"))
    assert words in str(caught.value)
    assert caught.value.hint
    said: BaseException | None = caught.value
    while said is not None:
        assert KEY not in f"{said} {said!r} {getattr(said, 'body', '')} {caught.value.hint}"
        said = said.__cause__ or said.__context__


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EnvironmentFault, match=f"127.0.0.1:{port} cannot be reached"):
        probe(spec(f"http://127.0.0.1:{port}/v1"))


def test_one_that_does_not_get_ready_is_said(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baselines.models.probe.PATIENCE", Limits(patience_seconds=0.1, first_wait_seconds=0.02))
    server = serve((503, "loading", {}), listed=(404, "", {}))
    with pytest.raises(EnvironmentFault, match="answered 503: loading"):
        probe(spec(server.url))
