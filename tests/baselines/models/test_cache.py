"""The answer cache: what is a hit, what never is, and that no fault of the file stops a run."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from baselines.models.cache import CachedModel, ResponseCache
from baselines.models.contract import Decoding, Generation
from baselines.prompts import Prompt

ROOT = Path(__file__).parents[3]
GREEDY = Decoding(max_new_tokens=8)


class Echo:
    """Answers with its prompt and counts what it was asked; "fail" fails."""

    name = "echo"
    context_length = 100
    device = "cpu"

    def __init__(self, fingerprint: str = "a") -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding) -> Iterator[list[Generation]]:
        for index, prompt in reversed(list(enumerate(prompts))):
            yield [self._one(index, prompt)]

    def generate_one(self, prompt: Prompt, decoding: Decoding) -> Generation:
        return self._one(0, prompt)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def with_adapter(self, folder: Path) -> Echo:
        return Echo(f"{self.fingerprint}+{folder.name}")

    def _one(self, index: int, prompt: Prompt) -> Generation:
        self.asked.append(prompt.text)
        if prompt.text == "fail":
            return Generation(index, status="error", error="it failed")
        return Generation(
            index, text=f"{self.fingerprint}:{prompt.text}", prompt_tokens=3, completion_tokens=2, seconds=1
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers.sqlite"


def ask(model: CachedModel, *texts: str, decoding: Decoding = GREEDY) -> list[Generation]:
    found = [g for batch in model.generate([Prompt(text) for text in texts], decoding) for g in batch]
    assert sorted(g.index for g in found) == list(range(len(texts)))
    return sorted(found, key=lambda g: g.index)


def test_a_second_run_asks_nothing_and_marks_its_hits(path: Path) -> None:
    first = ask(CachedModel(Echo(), ResponseCache(path)), "x", "y", "[/foo]\x1b\u202e\ud800")
    assert not any(g.from_cache for g in first)
    echo = Echo()
    second = ask(CachedModel(echo, ResponseCache(path)), "x", "y", "[/foo]\x1b\u202e\ud800")
    assert echo.asked == []
    assert [g.text for g in second] == [g.text for g in first]
    assert all(g.from_cache and g.seconds is None and g.ttft_seconds is None for g in second)
    assert [g.prompt_tokens for g in second] == [3, 3, 3]


def test_hits_and_misses_mix_and_keep_their_places(path: Path) -> None:
    cache = ResponseCache(path)
    ask(CachedModel(Echo(), cache), "b", "d")
    echo = Echo()
    found = ask(CachedModel(echo, cache), "a", "b", "c", "d", "b")
    assert [g.text for g in found] == ["a:a", "a:b", "a:c", "a:d", "a:b"]
    assert [g.from_cache for g in found] == [False, True, False, True, True]
    assert sorted(echo.asked) == ["a", "c"]


def test_failures_are_never_kept(path: Path) -> None:
    cache = ResponseCache(path)
    echo = Echo()
    for _ in range(2):
        assert ask(CachedModel(echo, cache), "fail")[0].status == "error"
    assert echo.asked == ["fail", "fail"]


def test_everything_that_decides_an_answer_is_in_the_key(path: Path) -> None:
    cache = ResponseCache(path)
    base = Echo()
    ask(CachedModel(base, cache), "x")
    others = [
        (CachedModel(Echo("b"), cache), GREEDY),
        (CachedModel(base, cache).with_adapter(Path("tuned")), GREEDY),
        (CachedModel(base, cache, repeat=1), GREEDY),
        *(
            (CachedModel(base, cache), decoding)
            for decoding in (
                Decoding(max_new_tokens=9),
                Decoding(max_new_tokens=8, temperature=0.5),
                Decoding(max_new_tokens=8, seed=1),
                Decoding(max_new_tokens=8, stop=("\n",)),
            )
        ),
    ]
    assert not any(ask(model, "x", decoding=decoding)[0].from_cache for model, decoding in others)
    assert ask(CachedModel(base, cache), "x")[0].from_cache


def test_the_latency_pass_is_never_served_from_it(path: Path) -> None:
    model = CachedModel(Echo(), ResponseCache(path))
    ask(model, "x")
    alone = model.generate_one(Prompt("x"), GREEDY)
    assert not alone.from_cache
    assert alone.seconds == 1


def test_more_keys_than_one_query_holds(path: Path) -> None:
    cache = ResponseCache(path)
    texts = [f"t{i}" for i in range(1203)]
    ask(CachedModel(Echo(), cache), *texts)
    assert all(g.from_cache for g in ask(CachedModel(Echo(), cache), *texts))


def test_a_damaged_file_is_set_aside_with_a_warning(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database" * 100)
    said: list[str] = []
    cache = ResponseCache(path, said.append)
    ask(CachedModel(Echo(), cache), "x")
    assert ask(CachedModel(Echo(), cache), "x")[0].from_cache
    assert len(said) == 1
    assert "damaged" in said[0]
    assert path.with_name("answers.sqlite.broken").exists()


def test_damage_while_running_costs_answers_not_the_run(path: Path) -> None:
    said: list[str] = []
    cache = ResponseCache(path, said.append)
    model = CachedModel(Echo(), cache)
    ask(model, *(f"t{i}" for i in range(400)))
    cache.close()
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    path.write_bytes(raw)
    model = CachedModel(Echo(), ResponseCache(path, said.append))
    assert ask(model, "t1")[0].text == "a:t1"
    assert ask(model, "t1")[0].text == "a:t1"
    assert said


def test_a_folder_that_cannot_be_written_is_only_a_warning(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    said: list[str] = []
    model = CachedModel(Echo(), ResponseCache(tmp_path / "cache" / "answers.sqlite", said.append))
    assert ask(model, "x")[0].text == "a:x"
    assert "goes on without it" in said[0]


def test_rows_of_another_version_are_generated_again(path: Path) -> None:
    cache = ResponseCache(path)
    ask(CachedModel(Echo(), cache), "x")
    cache.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE answers SET value = '{\"old\": true}'")
    database.close()
    assert not ask(CachedModel(Echo(), ResponseCache(path)), "x")[0].from_cache


def write_many(path: Path, name: str) -> None:
    model = CachedModel(Echo(), ResponseCache(path))
    ask(model, *(f"{name}{i}" for i in range(100)))


def test_two_processes_share_a_file(path: Path) -> None:
    ResponseCache(path).close()
    code = "import pathlib as p, runpy, sys; a = sys.argv; runpy.run_path(a[1])['write_many'](p.Path(a[2]), a[3])"
    writers = [subprocess.Popen([sys.executable, "-c", code, __file__, str(path), name], cwd=ROOT) for name in "ab"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    found = ask(CachedModel(Echo(), ResponseCache(path)), *(f"{n}{i}" for n in "ab" for i in range(100)))
    assert all(g.from_cache for g in found)
