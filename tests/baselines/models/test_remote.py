"""The endpoint model against a server that misbehaves: nothing lost, nothing counted twice, every failure in words."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from baselines.models.contract import Decoding, Generation
from baselines.models.limits import BudgetReached, Limits
from baselines.models.remote import RemoteModel, load
from baselines.prompts import Prompt
from finetune.chat import Message
from reports.costs.tokens import TokenPrice
from reports.errors import EnvironmentFault, UsageError
from reports.run.schema import ModelSpec
from tests.misbehaving_server import Bucket, Server

DECODING = Decoding(max_new_tokens=8)
QUICK = Limits(timeout_seconds=5, first_wait_seconds=0.02, attempts=3)
PRICE = TokenPrice("test", input=1000.0, output=5000.0, cached_input=500.0)

Serve = Callable[..., tuple[Any, RemoteModel]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(script, limits=…, warnings=[…], **server's)` gives a running server and a model that asks it."""
    opened: list[Any] = []

    def start(
        script: Any = "ok", *, limits: Limits = QUICK, warnings: list[str] | None = None, **options: Any
    ) -> tuple[Any, RemoteModel]:
        told = script if callable(script) else lambda number, body: script
        server = Server(told, **options).start()
        said = warnings if warnings is not None else []
        model = load(ModelSpec(id="openai:test", base_url=server.url), limits=limits, on_warning=said.append)
        opened.extend((model.close, server.stop))
        return server, model

    yield start
    for close in opened:
        close()


def prompts(count: int) -> list[Prompt]:
    return [Prompt(f"say word{i}") for i in range(count)]


def answers(model: RemoteModel, asked: list[Prompt]) -> list[Generation]:
    """In the order of the prompts; each exactly once."""
    found: list[Generation] = []
    collect(model, asked, found)
    assert sorted(g.index for g in found) == list(range(len(asked)))
    return sorted(found, key=lambda g: g.index)


def collect(model: RemoteModel, asked: list[Prompt], into: list[Generation]) -> None:
    """Keeps what came before an exception, too."""
    for batch in model.generate(asked, DECODING):
        into.extend(batch)


def first_time(behaviours: list[str]) -> Any:
    """Each prompt meets one of the behaviours at its first attempt and is answered at its second."""
    seen: set[str] = set()

    def script(number: int, body: dict[str, Any]) -> str:
        prompt = body["messages"][0]["content"]
        if prompt in seen:
            return "ok"
        seen.add(prompt)
        return behaviours[int(prompt.rpartition("word")[2]) % len(behaviours)]

    return script


def test_answers_arrive_once_each_with_usage_time_and_deterministic_arguments(serve: Serve) -> None:
    server, model = serve()
    found = answers(model, prompts(60))
    assert [g.text for g in found] == [f"WORD{i}" for i in range(60)]
    assert {(g.status, g.prompt_tokens, g.completion_tokens, g.cached_prompt_tokens) for g in found} == {
        ("ok", 2, 1, 1)
    }
    assert all(g.seconds is not None and g.seconds > 0 and g.attempts == 1 for g in found)
    assert set(server.answered.values()) == {1}
    sent = server.requests[0]
    assert (sent["model"], sent["temperature"], sent["max_tokens"], sent["seed"]) == ("test", 0, 8, 0)


def test_every_misbehaviour_is_survived_without_loss_or_double_count(serve: Serve) -> None:
    bad = ["ok", "busy", "busy-hint", "error", "cut", "invalid-json", "empty-choices", "slow", "hang"]
    server, model = serve(first_time(bad), limits=Limits(timeout_seconds=2.0, first_wait_seconds=0.02))
    found = answers(model, prompts(2 * len(bad)))
    assert {g.status for g in found} == {"ok"}
    assert [g.text for g in found] == [f"WORD{i}" for i in range(len(found))]
    assert set(server.answered.values()) == {1}
    assert sum(g.attempts for g in found) == len(server.requests)
    assert sum(g.completion_tokens or 0 for g in found) == len(found)


@pytest.mark.parametrize("hint", [True, False])
def test_a_rate_limit_costs_waiting_but_no_answer(serve: Serve, hint: bool) -> None:
    server, model = serve(bucket=Bucket(per_second=60, burst=5), hint=hint)
    found = answers(model, prompts(50))
    assert {g.status for g in found} == {"ok"}
    assert set(server.answered.values()) == {1}
    assert sum(g.attempts for g in found) == len(server.requests)


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [
        ("error", "error", "The endpoint answered 500: the server broke"),
        ("cut", "error", "cut before the answer was complete"),
        ("invalid-json", "error", "not JSON"),
        ("empty-choices", "error", "no choices"),
        ("hang", "timeout", "did not answer in time"),
        ("filtered", "refused", "content filter"),
        ("refusal", "refused", "content filter"),
        ("length", "truncated", "did not end within 8 tokens"),
        ((400, "the prompt is too long", {}), "error", "answered 400: the prompt is too long"),
    ],
)
def test_what_does_not_pass_becomes_a_status_with_a_sentence(
    serve: Serve, behaviour: Any, status: str, words: str
) -> None:
    _, model = serve(behaviour, limits=Limits(timeout_seconds=0.3, first_wait_seconds=0.01, attempts=2))
    (found,) = answers(model, prompts(1))
    assert found.status == status
    assert words in (found.error or "")


@pytest.mark.parametrize("behaviour", ["wrong-usage", "no-usage"])
def test_usage_that_cannot_be_true_is_estimated_marked_and_said_once(serve: Serve, behaviour: str) -> None:
    warnings: list[str] = []
    _, model = serve(behaviour, warnings=warnings)
    found = answers(model, prompts(5))
    assert {(g.prompt_tokens, g.completion_tokens, g.usage_estimated) for g in found} == {(3, 2, True)}
    assert len(warnings) == 1
    assert "estimated" in warnings[0]


def test_one_prompt_is_streamed_with_the_time_to_its_first_token(serve: Serve) -> None:
    server, model = serve("slow")
    found = model.generate_one(Prompt("say hello"), DECODING)
    assert (found.text, found.status, found.prompt_tokens, found.completion_tokens) == ("HELLO", "ok", 2, 1)
    assert found.ttft_seconds is not None
    assert found.seconds is not None
    assert 0.1 < found.ttft_seconds <= found.seconds
    assert server.requests[0]["stream"] is True


@pytest.mark.parametrize("behaviour", ["cut", "error", "busy-hint", "empty-choices"])
def test_a_stream_that_breaks_is_asked_again(serve: Serve, behaviour: str) -> None:
    _, model = serve(first_time([behaviour]))
    found = model.generate_one(Prompt("say word0"), DECODING)
    assert (found.text, found.status, found.attempts) == ("WORD0", "ok", 2)


def test_arguments_that_the_endpoint_refuses_are_left_out_or_renamed(serve: Serve) -> None:
    def newest(number: int, body: dict[str, Any]) -> Any:
        if "max_tokens" in body:
            return 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", {}
        return (400, "Unsupported value: 'temperature' does not support 0.", {}) if "temperature" in body else "ok"

    warnings: list[str] = []
    server, model = serve(newest, warnings=warnings)
    assert {g.status for g in answers(model, prompts(10))} == {"ok"}
    assert server.requests[-1]["max_completion_tokens"] == 8
    assert any("`temperature`" in text for text in warnings)


def asked_by(model: RemoteModel, callers: int) -> list[Generation]:
    """One answer to each of so many callers at once."""
    with model.open_to(callers), ThreadPoolExecutor(callers) as threads:
        return list(threads.map(lambda prompt: model.generate_one(prompt, DECODING), prompts(callers)))


@pytest.mark.parametrize("count", [4, 12])
def test_requests_of_several_callers_are_all_in_flight_at_once(serve: Serve, count: int) -> None:
    warnings: list[str] = []
    server, model = serve("slow", warnings=warnings)
    found = asked_by(model, count)
    assert {g.text for g in found} == {f"WORD{i}" for i in range(count)}
    assert all(g.ttft_seconds is not None for g in found)
    assert server.most_at_once == count
    assert warnings == []


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        (lambda number, body: "busy-hint" if number == 3 else "slow", QUICK),
        ("slow", Limits(requests_per_minute=1200)),
        ("slow", Limits(max_concurrency=3)),
    ],
)
def test_where_they_could_not_all_be_in_flight_it_is_said(serve: Serve, script: Any, limits: Limits) -> None:
    warnings: list[str] = []
    _, model = serve(script, limits=limits, warnings=warnings)
    asked_by(model, 30 if limits.requests_per_minute else 6)
    assert [text for text in warnings if "requests at a time throughout" in text]


EXTRA = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 0}
GEMINI = {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"detail": [{**EXTRA, "loc": ["body", "messages", 0, "name"]}, EXTRA]}),
        (422, {"object": "error", "message": {"detail": [EXTRA]}, "type": "invalid_request_error", "param": None}),
        (400, [{"error": GEMINI}]),
        (400, {"error": {"message": "Bad request."}}),
    ],
)
def test_a_seed_that_is_refused_in_any_form_is_left_out(serve: Serve, status: int, body: Any) -> None:
    warnings: list[str] = []
    server, model = serve(
        lambda number, sent: (status, json.dumps(body), {}) if "seed" in sent else "ok", warnings=warnings
    )
    assert {g.status for g in answers(model, prompts(10))} == {"ok"}
    assert "seed" not in server.requests[-1]
    assert sum("does not take `seed`" in text for text in warnings) == 1


def test_a_rejection_that_names_nothing_costs_no_seed_where_the_prompt_is_at_fault(serve: Serve) -> None:
    warnings: list[str] = []
    bodies = {"word3": {"detail": [{"loc": ["body", "messages"], "msg": "too long"}]}, "word4": {"detail": "no"}}

    def script(number: int, sent: dict[str, Any]) -> Any:
        body = bodies.get(sent["messages"][0]["content"].split()[-1])
        return (422, json.dumps(body), {}) if body else "ok"

    server, model = serve(script, warnings=warnings)
    found = answers(model, prompts(10))
    assert [(g.index, g.error) for g in found if g.status != "ok"] == [
        (3, "The endpoint answered 422: messages: too long"),
        (4, "The endpoint answered 422: no"),
    ]
    answers(model, prompts(10))
    assert "seed" in server.requests[-1]
    assert warnings == []
    assert len(server.requests) <= 22, "without the seed it is tried once, by those that are out at that time"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("unauthorized", "wants a key (401)"),
        ("no-model", "knows no chat completions of a model 'test' (404)"),
        ("redirect", "redirects elsewhere (307)"),
        ((402, "pay first", {}), "no credit"),
        ((429, "later", {"retry-after": "9000"}), "asks to wait 9,000 s"),
    ],
)
def test_what_no_other_prompt_could_escape_stops_the_run(serve: Serve, behaviour: Any, words: str) -> None:
    server, model = serve(behaviour)
    with pytest.raises(EnvironmentFault) as caught:
        answers(model, prompts(40))
    assert words in str(caught.value)
    assert caught.value.hint
    assert len(server.requests) < 5


TOO_LARGE = "Request too large for test on tokens per min (TPM): Limit 30000, Requested 41013. Shorten it."
FULL = "Rate limit reached for test on tokens per min (TPM): Limit 30,000, Used 29,500, Requested 900."


@pytest.mark.parametrize("words", [TOO_LARGE, TOO_LARGE.partition(": ")[2], "later"])
def test_one_prompt_that_never_passes_costs_itself_alone(serve: Serve, words: str) -> None:
    def script(number: int, body: dict[str, Any]) -> Any:
        return (429, words, {}) if body["messages"][0]["content"].endswith("word3") else "ok"

    patience = 0.3 if words == "later" else 60
    _, model = serve(script, limits=Limits(first_wait_seconds=0.01, patience_seconds=patience))
    found = answers(model, prompts(10))
    assert [g.index for g in found if g.status != "ok"] == [3]
    assert words in (found[3].error or "")


def test_a_request_that_fits_a_full_minute_is_waited_for(serve: Serve) -> None:
    _, model = serve(lambda number, body: (429, FULL, {"retry-after": "0.02"}) if number < 3 else "ok")
    assert {g.status for g in answers(model, prompts(5))} == {"ok"}


@pytest.mark.parametrize("status", [503, 529])
def test_a_server_that_is_still_loading_is_waited_for(serve: Serve, status: int) -> None:
    _, model = serve(lambda number, body: (status, "loading", {}) if number <= 12 else "ok")
    assert {g.status for g in answers(model, prompts(3))} == {"ok"}


def test_a_server_that_never_gets_ready_stops_the_run(serve: Serve) -> None:
    _, model = serve((503, "loading", {}), limits=Limits(first_wait_seconds=0.01, patience_seconds=0.1))
    with pytest.raises(EnvironmentFault, match="answered 503: loading"):
        answers(model, prompts(10))


def test_an_endpoint_that_fails_every_prompt_is_given_up(serve: Serve) -> None:
    server, model = serve("error", limits=Limits(attempts=1))
    with pytest.raises(EnvironmentFault, match=r"failed \d+ prompts in a row.*answered 500"):
        answers(model, prompts(500))
    assert len(server.requests) < 100


def test_a_host_that_is_not_there_is_a_fault_of_the_environment() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = load(ModelSpec(id="openai:test", base_url=f"http://127.0.0.1:{port}/v1"), limits=QUICK)
    with pytest.raises(EnvironmentFault, match=f"127.0.0.1:{port} cannot be reached"):
        answers(model, prompts(3))
    model.close()


def test_answers_that_came_before_a_fault_are_handed_over(serve: Serve) -> None:
    _, model = serve(lambda number, body: "ok" if number <= 20 else "unauthorized")
    found: list[Generation] = []
    with pytest.raises(EnvironmentFault):
        collect(model, prompts(100), found)
    assert len({g.index for g in found}) == len(found) == 20


def test_a_budget_is_never_exceeded_and_what_was_paid_is_handed_over(serve: Serve) -> None:
    budget = 0.4  # dollars: an answer costs 0.0065
    server, model = serve(first_time(["ok", "busy-hint", "error"]), limits=Limits(budget_usd=budget, price=PRICE))
    found: list[Generation] = []
    with pytest.raises(BudgetReached, match=r"budget of this model, \$0.40, is used up"):
        collect(model, prompts(400), found)
    paid = sum(PRICE.of(g.prompt_tokens or 0, g.completion_tokens or 0, g.cached_prompt_tokens or 0) for g in found)
    assert len(found) == len(server.answered) == sum(server.answered.values())
    assert paid == pytest.approx(model.spent_usd)
    worst = PRICE.of(len("say word399") + 64, 8)
    assert budget - worst <= model.spent_usd <= budget


def test_a_budget_needs_a_price() -> None:
    spec = ModelSpec(id="openai:my-own-model", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(UsageError, match="no price"):
        load(spec, limits=Limits(budget_usd=1.0))


def test_a_caller_that_stops_listening_stops_the_asking(serve: Serve) -> None:
    server, model = serve("slow")
    batches = model.generate(prompts(2_000), DECODING)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert model.generate_one(Prompt("say still"), DECODING).text == "STILL"
    assert len(server.requests) < 200


def test_an_endpoint_takes_no_adapter_and_says_what_it_is(serve: Serve, tmp_path: Path) -> None:
    _, model = serve()
    with pytest.raises(UsageError, match="adapter"):
        model.with_adapter(tmp_path)
    assert (model.name, model.device, model.context_length) == ("openai:test", "remote", 128_000)
    assert model.count_tokens("four characters a token") == 6
    assert model.count_tokens("日本語") == 3


def test_the_fingerprint_moves_with_what_decides_an_answer_and_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "first-value")
    base: dict[str, Any] = {"id": "openai:a", "base_url": "http://127.0.0.1:1/v1", "headers": {"x-team": "$TEAM"}}
    first = load(ModelSpec(**base)).fingerprint
    changed: list[dict[str, Any]] = [
        {"id": "openai:b"},
        {"base_url": "http://127.0.0.1:2/v1"},
        {"chat_template_arguments": {"think": False}},
    ]
    others = {load(ModelSpec(**{**base, **change})).fingerprint for change in changed}
    assert len(others | {first}) == 4
    monkeypatch.setenv("TEAM", "second-value")
    assert load(ModelSpec(**base)).fingerprint == first


def test_a_conversation_is_sent_in_its_roles(serve: Serve) -> None:
    server, model = serve()
    said = (Message("system", "Be kind."), Message("user", "a"), Message("assistant", "b", True), Message("user", "c"))
    answers(model, [Prompt("User: a\nAssistant: b\nUser: c", messages=said)])
    assert server.requests[-1]["messages"] == [{"role": m.role, "content": m.text} for m in said]
