"""`make interop` says what a machine lacks before it begins, one sentence a tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop import environments


def test_no_compiler_is_one_sentence_with_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert "apt-get install g++" in (environments.lacking("llama", tmp_path) or "")
    assert "compiler" not in (environments.lacking("trl", tmp_path) or "")
    monkeypatch.setenv("CXX", "/nowhere/c++")
    assert "no C++ compiler" in (environments.lacking("llama", tmp_path) or "")


def test_too_little_disk_is_said_and_the_tool_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "DISK", dict.fromkeys(environments.STEPS, 10**9))
    assert environments.main(tmp_path / "tools") == 3
    said = capsys.readouterr().err
    assert said.count("is left out: it may take") == len(environments.STEPS) or "C++ compiler" in said
    assert said.endswith("ready: none\n")
