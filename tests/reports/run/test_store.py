"""The run directory: what is written is read again, through kills, full disks and second writers."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.errors import DataError, EnvironmentFault, UsageError
from reports.run import table
from reports.run.events import Answered, ApproachFailed, Measured, Scored, TrainingFinished
from reports.run.journal import read_lines
from reports.run.listing import list_runs
from reports.run.lock import RunLock
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Document,
    Environment,
    Example,
    Expected,
    Finished,
    LatencySample,
    Question,
    RunHeader,
    RunSpec,
    Score,
    Task,
    TrainingRecord,
)
from reports.run.store import RunStore

HOSTILE = 'a "quoted" \\ back\x00slash \x1b[31m \u202e rtl </script> [/x] \u2028 line\nnext'


def header(**spec: object) -> RunHeader:
    values: dict[str, object] = {
        "name": "tickets",
        "task": Task(type="classification", labels=("a", "b")),
        "metrics": ("accuracy",),
        "approaches": (ApproachSpec(name="few", kind="few-shot", options={"shots": 8}),),
        "data": DataFacts(eval_cases=2, train_examples=1, dev_examples=0, documents=1, files={"eval": "aaaa"}),
    }
    return RunHeader(
        run="r1",
        started="2026-01-02T03:04:05Z",
        spec=RunSpec.model_validate(values | spec),
        environment=Environment(python="3.11", platform="linux", packages={}, device="cpu"),
        fingerprints={"few": "f1"},
    )


def case(name: str, text: str = "hello") -> Case:
    return Case(question=Question(id=name, input=text), references=("a",))


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore.create(
        tmp_path / "r1",
        header(),
        [case("1", HOSTILE), case("2")],
        train=[Example(id="t", input="x", output="y")],
        documents=[Document(id="d", text="body")],
    )


def answer(case_id: str, text: str = "a", fingerprint: str = "f1", **more: object) -> Answer:
    return Answer.model_validate({"case": case_id, "approach": "few", "text": text, "fingerprint": fingerprint} | more)


def test_everything_written_is_read_again(store: RunStore) -> None:
    training = TrainingRecord(
        method="qlora", examples=9, validation_examples=1, trained_tokens=50, steps=3, epochs=1, best_step=2,
        best_validation_loss=0.5, stopped="all epochs", seconds=12.5,
    )  # fmt: skip
    store.record(Answered(answer=answer("1", HOSTILE), done=1, total=2))
    store.record(Scored(score=Score(case="1", approach="few", metric="accuracy", version=1, value=1.0)))
    store.record(Measured(sample=LatencySample(case="1", approach="few", seconds=0.25)))
    store.record(TrainingFinished(approach="few", training=training))
    store.record(ApproachFailed(approach="few", error="boom"))
    store.finish(Finished(finished="2026-01-02T03:05:05Z", seconds=60.0, failed=("few",)))
    store.close()

    again = RunStore.open(store.folder)
    assert again.header == header()
    assert [c.question.input for c in again.cases()] == [HOSTILE, "hello"]
    assert [e.output for e in again.train()] == ["y"]
    assert list(again.dev()) == []
    assert [d.text for d in again.documents()] == ["body"]
    assert again.answers("few")["1"].text == HOSTILE
    assert again.scores("few", "accuracy")["1"].value == 1.0
    assert [s.seconds for s in again.latency("few")] == [0.25]
    assert again.training("few") == training
    assert [e.kind for e in again.events()] == ["training-finished", "approach-failed"]
    assert again.finished is not None
    assert again.finished.failed == ("few",)
    assert not again.damaged


def test_lone_surrogates_are_stored_as_replacement_characters(store: RunStore) -> None:
    store.append_answer(answer("1", "a\ud800b"))
    assert "a" in store.answers("few")["1"].text
    assert "\ufffd" in store.answers("few")["1"].text


def test_the_last_answer_and_the_newest_metric_version_count(store: RunStore) -> None:
    for text in ("first", "second"):
        store.append_answer(answer("1", text))
    for version, value in ((1, 0.1), (2, 0.2), (2, 0.3), (1, 0.4)):
        store.append_score(Score(case="1", approach="few", metric="m", version=version, value=value))
    assert [a.text for a in store.answers("few").stream()] == ["second"]
    assert store.scores("few", "m")["1"].value == 0.3


def test_tables_of_one_file_share_an_index_until_the_file_grows(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []

    def counted(path: Path) -> Iterator[tuple[int, bytes]]:
        looks.append(path)
        return read_lines(path)

    monkeypatch.setattr(table, "read_lines", counted)
    store.append_answer(answer("1", "first"))
    early = store.answers("few")
    assert early["1"].text == store.answers("few")["1"].text == "first"
    assert len(looks) == 1
    store.append_answer(answer("1", "second"))
    store.append_answer(answer("2"))
    assert list(store.answers("few")) == ["1", "2"]
    assert store.answers("few")["1"].text == "second"
    assert list(early) == ["1"]
    assert len(looks) == 2


@pytest.mark.parametrize("tail", [b'{"case":"2","appr', b"\0" * 5000, b'{"case":"2"}\0\0\n', b"\xff\xfe\n", b"\n"])
def test_a_torn_or_zero_filled_tail_is_dropped_and_cut(store: RunStore, tail: bytes) -> None:
    store.append_answer(answer("1"))
    store.close()
    path = store.folder / "answers" / "few.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + tail)

    assert list(RunStore.open(store.folder).answers("few")) == ["1"]
    with RunStore.open(store.folder, write=True) as again:
        assert again.answered("few", "f1") == {"1"}
        again.append_answer(answer("2"))
    assert path.read_bytes().startswith(whole)
    reread = RunStore.open(store.folder)
    assert sorted(reread.answers("few")) == ["1", "2"]
    assert not reread.damaged


def test_a_damaged_line_in_the_middle_is_named_and_the_rest_is_read(store: RunStore) -> None:
    store.append_answer(answer("1"))
    store.close()
    path = store.folder / "answers" / "few.jsonl"
    path.write_bytes(path.read_bytes() + b'{"case":"9",\0\0\0}\n' + answer("2").model_dump_json().encode() + b"\n")
    again = RunStore.open(store.folder)
    assert sorted(again.answers("few")) == ["1", "2"]
    assert [name.split(" at ")[0] for name in again.damaged] == ["answers/few.jsonl"]


def test_answered_matches_the_fingerprint_and_may_retry_failures(store: RunStore) -> None:
    store.append_answer(answer("1", 'the text says "status":"error" and "fingerprint":"f1"}', "f0"))
    store.append_answer(answer("2", status="error", error="no route"))
    store.append_answer(answer('odd "id" \\ ü'))
    assert store.answered("few", "f1") == {"2", 'odd "id" \\ ü'}
    assert store.answered("few", "f1", retry_failed=True) == {'odd "id" \\ ü'}
    store.append_answer(answer("2", fingerprint="f0"))
    assert "2" not in store.answered("few", "f1")


def test_two_writers_are_refused_and_the_first_is_named(store: RunStore) -> None:
    with pytest.raises(UsageError, match=rf"pid {os.getpid()}"):
        RunStore.open(store.folder, write=True)
    store.close()
    RunStore.open(store.folder, write=True).close()


def test_a_reader_cannot_write(store: RunStore) -> None:
    with pytest.raises(UsageError, match="reading only"):
        RunStore.open(store.folder).append_answer(answer("1"))


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"metrics": ("macro-f1",)}, "spec.metrics"),
        ({"approaches": (ApproachSpec(name="few", kind="few-shot", options={"shots": 4}),)},
         "spec.approaches.few.options.shots: 8 → 4"),
        ({"data": DataFacts(eval_cases=2, train_examples=1, dev_examples=0, documents=1, files={"eval": "bbbb"})},
         "spec.data.files.eval: the content of the file changed"),
        ({"seed": 3}, "spec.seed: 0 → 3"),
    ],
)  # fmt: skip
def test_a_changed_spec_names_what_moved(store: RunStore, spec: dict[str, object], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        store.check_same(header(**spec))


def test_another_machine_or_folder_is_the_same_run(store: RunStore) -> None:
    elsewhere = header(project_folder="/elsewhere")
    store.check_same(elsewhere.model_copy(update={"run": "r2", "started": "later", "fingerprints": {"new": "x"}}))
    assert store.header.spec.project_folder == ""


def test_another_estimate_is_the_same_run(store: RunStore) -> None:
    store.check_same(header().model_copy(update={"expected": (Expected(approach="few", basis="a busier minute"),)}))
    assert store.header.expected == (), "what was expected when the run began stays"


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not empty"):
        RunStore.create(tmp_path, header(), [])
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_run_does_not_overwrite_the_first(store: RunStore) -> None:
    store.close()
    with pytest.raises(UsageError, match="already holds a run"):
        RunStore.create(store.folder, header(), [])


def test_an_interrupted_creation_is_no_run_and_is_filled_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cases.jsonl").write_text("half")
    (tmp_path / "lock").write_text("1")
    (tmp_path / ".run.json.17.tmp").write_text("{")
    with pytest.raises(UsageError, match="no run"):
        RunStore.open(tmp_path)
    with RunStore.create(tmp_path, header(), [case("1")]) as store:
        assert len(list(store.cases())) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "cannot be read"), ('{"schema_version": 99}', "newer version"), ("[]", "cannot be read"), ("{}", "schema")],
)
def test_a_broken_or_newer_header_is_one_message(store: RunStore, content: str, message: str) -> None:
    store.close()
    (store.folder / "run.json").write_text(content)
    with pytest.raises(DataError, match=message):
        RunStore.open(store.folder)
    assert [entry.state for entry in list_runs(store.folder.parent)] == ["unreadable"]


def test_a_full_disk_is_one_clear_message_and_keeps_what_was_written(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append_answer(answer("1"))
    real = os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) > 40:
            return real(handle, bytes(data)[:40])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(EnvironmentFault, match=r"No space left to write .*few\.jsonl"):
        store.append_answer(answer("2"))
    monkeypatch.setattr(os, "write", real)
    assert list(store.answers("few")) == ["1"]
    store.append_answer(answer("2"))
    assert list(RunStore.open(store.folder).answers("few")) == ["1", "2"]


def test_killed_while_appending_nothing_finished_is_lost(store: RunStore) -> None:
    store.close()
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from reports.run.schema import Answer
        from reports.run.store import RunStore
        store = RunStore.open(Path(sys.argv[1]), write=True)
        for i in range(10_000_000):
            store.append_answer(Answer(case=str(i), approach="few", text="x" * (i % 500), fingerprint="f1"))
            print(i, flush=True)
        """
    )
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script, str(store.folder)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        last = -1
        while last < 200:
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        last = max([last, *(int(line) for line in process.stdout.read().splitlines(keepends=True)[:-1])])
        process.wait()
        process.stdout.close()
        with RunStore.open(store.folder, write=True) as again:
            assert {str(i) for i in range(last + 1)} <= again.answered("few", "f1")
            assert not again.damaged


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for name, started in (("a", "2026-01-01T00:00:00Z"), ("b", "2026-03-01T00:00:00Z")):
        RunStore.create(tmp_path / name, header().model_copy(update={"started": started}), []).close()
    (tmp_path / "not-a-run").mkdir()
    with RunStore.open(tmp_path / "b", write=True) as store:
        assert [(e.folder.name, e.state) for e in list_runs(tmp_path)] == [("b", "running"), ("a", "unfinished")]
        store.finish(Finished(finished="2026-03-01T00:01:00Z", seconds=60))
    assert [(e.folder.name, e.state) for e in list_runs(tmp_path)] == [("b", "finished"), ("a", "unfinished")]
    assert [e.folder.name for e in list_runs(tmp_path / "a")] == ["a"]


def test_a_writer_waits_for_whoever_only_looks(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.02, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        lock = RunLock(path)
        assert path.read_text() == str(os.getpid())
        lock.release()
