"""Export folders: whole or not there, never over something unasked, with the hash of every file."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import pytest

from finetune.export.folder import Check, ExportRecord, fresh_folder, write_record
from reports.errors import EnvironmentFault, UsageError

RECORD = ExportRecord(to="adapter", approach="qlora", run="r", source={}, checks=(Check("base model", True, "same"),))


def export(out: Path, text: str, *, force: bool = False) -> None:
    with fresh_folder(out, force=force) as folder:
        (folder / "a.txt").write_text(text)
        write_record(folder, RECORD)


def test_the_record_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    export(tmp_path / "out", "one")
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record["files"] == {"a.txt": {"sha256": hashlib.sha256(b"one").hexdigest(), "bytes": 3}}
    assert record["checks"][0]["passed"] is True


def test_an_export_replaces_another_only_with_force(tmp_path: Path) -> None:
    export(tmp_path / "out", "one")
    with pytest.raises(UsageError, match="is there already") as caught:
        export(tmp_path / "out", "two")
    assert "--force" in caught.value.hint
    assert (tmp_path / "out" / "a.txt").read_text() == "one"
    export(tmp_path / "out", "two", force=True)
    assert (tmp_path / "out" / "a.txt").read_text() == "two"


def test_force_does_not_remove_what_is_no_export(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("dear")
    with pytest.raises(UsageError, match="no export of ours"):
        export(tmp_path / "out", "two", force=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "dear"


def test_a_full_disk_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(EnvironmentFault, match="No space left"), fresh_folder(tmp_path / "out", force=False) as folder:
        fill(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_older_export(tmp_path: Path) -> None:
    export(tmp_path / "out", "one")
    with pytest.raises(ValueError, match="broken"), fresh_folder(tmp_path / "out", force=True):
        raise ValueError("broken")
    assert (tmp_path / "out" / "a.txt").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
