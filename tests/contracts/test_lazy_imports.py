"""Heavy packages wait for the run that needs them: each module is imported alone, and sys.modules is looked through.

Measured on one core: openai 1.2 s, sklearn 2.0 s, rouge_score 2.4 s, sentence_transformers 7 s, torch 1.1 s, textual
0.35 s, altair 0.4 s. Front doors must answer in 0.3 s.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "accelerate",
    "altair",
    "bitsandbytes",
    "bm25s",
    "faiss",
    "openai",
    "openpyxl",
    "pandas",
    "peft",
    "plotext",
    "pyarrow",
    "pypdf",
    "ray",
    "rouge_score",
    "scipy.stats",
    "semantic_text_splitter",
    "sentence_transformers",
    "sklearn",
    "statsmodels",
    "textual",
    "torch",
    "transformers",
    "vl_convert",
}
MODULES = (
    "advisor.cli",
    "advisor.hardware",
    "advisor.new",
    "advisor.orchestrator",
    "advisor.plan",
    "advisor.prior",
    "advisor.project",
    "advisor.questions",
    "baselines.dataset",
    "baselines.evaluate",
    "baselines.guess",
    "baselines.registry",
    "baselines.scoring.registry",
    "baselines.worker",
    "finetune.memory",
    "finetune.recipe",
    "reports.diff",
    "reports.exports",
    "reports.gate",
    "reports.html",
    "reports.run.store",
    "reports.summary",
    "reports.verdict",
)
REPORT = f"\nimport sys\nprint('\\n', *sorted({HEAVY!r} & set(sys.modules)))"


def loaded_after(code: str) -> list[str]:
    """Heavy packages that a fresh interpreter holds after `code`; its last line of output."""
    done = subprocess.run([sys.executable, "-c", code + REPORT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("module", MODULES)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}") == []


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["advisor", *{arguments!r}]
from advisor.cli import main
try:
    code = main()
except SystemExit as ended:
    code = ended.code
assert not code, code
"""
    assert loaded_after(code) == []


def test_the_search_sees_what_is_loaded() -> None:
    assert "openpyxl" in loaded_after("import openpyxl")
