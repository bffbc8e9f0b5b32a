"""`advisor diff` and `advisor gate` from outside: exit codes, what stands on stdout, the JUnit file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.program import advisor

FROZEN = Path(__file__).resolve().parents[1] / "runs" / "v1-small"


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A copy of the frozen run in which few-shot had other shots."""
    folder = tmp_path / "changed"
    shutil.copytree(FROZEN, folder)
    header = json.loads((folder / "run.json").read_text("utf-8"))
    next(a for a in header["spec"]["approaches"] if a["name"] == "few-shot")["options"]["shots"] = 4
    (folder / "run.json").write_text(json.dumps(header), "utf-8")
    return folder


def test_diff_names_the_change(changed: Path) -> None:
    code, out, _ = advisor("diff", FROZEN, changed)
    assert code == 0
    assert "settings: few-shot: shots: 8 → 4" in out
    code, out, _ = advisor("diff", FROZEN, changed, "--json")
    document = json.loads(out)
    assert document["cases"]["shared"] == 60
    assert [item["name"] for item in document["moved"]] == ["few-shot: shots"]


def test_diff_of_a_run_with_itself_is_a_mistake() -> None:
    code, out, err = advisor("diff", FROZEN, FROZEN)
    assert (code, out) == (2, "")
    assert "are the same run" in err


def test_gate_passes_fails_and_writes_junit(changed: Path, tmp_path: Path) -> None:
    code, out, _ = advisor("gate", changed, "--approach", "qlora", "--min-quality", "0.6", "--not-worse-than", FROZEN,
                           "--margin", "0.07", "--junit", tmp_path / "deep" / "gate.xml")  # fmt: skip
    assert (code, out.splitlines()[-1]) == (0, "gate passed: 2 of 2 rules met")
    assert len(ElementTree.parse(tmp_path / "deep" / "gate.xml").findall(".//testcase")) == 2
    code, out, _ = advisor("gate", changed, "--approach", "zero-shot", "--min-quality", "0.9", "--json")
    assert code == 1
    assert json.loads(out)["checks"][0]["verdict"] == "fail"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the gate has no rule"),
        (("--min-quality", "nan"), "must be a number"),
        (("--min-quality", "0.5", "--margin", "0.1"), "belong to --not-worse-than"),
        (("--not-worse-than", FROZEN, "--margin", "-1"), "0 or more"),
        (("--min-quality", "0.5", "--at", "upper"), "no reading of --min-quality"),
        (("--min-quality", "0.5", "--approach", "nope"), "has no approach 'nope'"),
        (("--not-worse-than", "nowhere"), "is no run and has none"),
    ],
)
def test_gate_says_what_it_cannot_be_asked(words: tuple[object, ...], said: str) -> None:
    code, out, err = advisor("gate", FROZEN, *words)
    assert (code, out) == (2, "")
    assert said in err
