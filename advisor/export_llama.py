"""Runs exported GGUF files in llama.cpp's Python binding, where one is installed, and holds them against the weights.

    python = llama_python()                                    # None: nothing to verify with
    found = run_llama(source, Path("model-f16.gguf"), cases)   # tokens, answers, seconds, peak memory

The binding may stand in another Python than ours: the environment variable ADVISOR_LLAMA_PYTHON names that one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from advisor.export_checks import context_of, prompts_of
from advisor.export_source import Source
from advisor.workers import ending
from finetune.export import llama_child
from finetune.export.folder import Check
from finetune.export.gguf_vocabulary import probe_texts
from reports.errors import DataError, EnvironmentFault
from reports.run.schema import Case

VARIABLE = "ADVISOR_LLAMA_PYTHON"


@dataclass(frozen=True)
class LlamaRun:
    """What llama.cpp made of one GGUF file."""

    tokenization: Check
    texts: dict[str, str]
    """Case id to answer."""
    seconds: tuple[float, ...]
    """Of each answer, one at a time, after a warm-up."""
    peak_bytes: int | None
    version: str
    threads: int


@cache
def llama_python() -> str | None:
    """The Python that has `llama_cpp`: the one named in the environment, else ours; None where there is none.

    Raises EnvironmentFault where the named one cannot be run.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return sys.executable if importlib.util.find_spec("llama_cpp") else None
    if not Path(named).is_file():
        raise EnvironmentFault(f"{VARIABLE} names {named}, which is not there.", "Name a Python that has llama_cpp.")
    return named


def run_llama(source: Source, file: Path, cases: Sequence[Case]) -> LlamaRun:
    """Answers of the cases, and whether every prompt and tricky string is split into equal tokens."""
    layout, run = source.base.layout, source.store.header.spec
    tokenizer = source.base.core.files.tokenizer
    asked = prompts_of(source, cases)
    prompts = [layout.prompt_text(prompt.text, prompt.messages) for prompt in asked]
    tricky = probe_texts(tokenizer)
    threads = max(1, int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    found = _ask(
        file,
        {
            "model": str(file),
            "context": context_of(source, asked),
            "threads": threads,
            "texts": tricky,
            "prompts": prompts,
            "begin": layout.begin,
            "end_ids": sorted(layout.end_ids),
            "max_new_tokens": run.max_answer_tokens,
        },
    )
    texts = [*tricky, *prompts]
    wanted = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    equal = sum(ours == theirs for ours, theirs in zip(wanted, [*found["tokens"], *found["tokenised"]], strict=True))
    words = f"{equal} of {len(texts)} texts ({len(tricky)} of them tricky) become equal tokens in llama.cpp."
    ends = layout.end_ids
    answers = {}
    for case, ids in zip(cases, found["answers"], strict=True):
        kept = ids[:-1] if ids and ids[-1] in ends else ids
        text: str = tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        answers[case.question.id] = text.strip()
    return LlamaRun(
        Check("tokenization", equal == len(texts), words, equal, len(texts)),
        answers,
        tuple(found["seconds"]),
        found["peak_bytes"],
        str(found["version"]),
        threads,
    )


def _ask(file: Path, request: dict[str, Any]) -> dict[str, Any]:
    python = llama_python()
    assert python is not None, "ask llama_python() first"
    done = subprocess.run(
        [python, str(Path(llama_child.__file__))],
        input=json.dumps(request).encode("utf-8", "surrogatepass"),
        capture_output=True,
        check=False,
    )
    if done.returncode < 0:
        raise _killed(file, done.returncode)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise DataError(
            f"llama.cpp cannot run {file.name}: {said[0]} (exit code {done.returncode})",
            "The file was written for the llama.cpp of llama-cpp-python 0.3.36; a newer binding may help.",
        ) from None
    if "missing" in found:
        raise EnvironmentFault(
            f"The Python of {VARIABLE} has no llama_cpp: {found['missing']}", "Install llama-cpp-python there."
        )
    return found


def _killed(file: Path, code: int) -> EnvironmentFault:
    """What a signal to the child says: the system took its memory away, or the compiled code itself went wrong."""
    if code == -signal.SIGKILL:
        todo = "Close other programs, then export again."
    else:
        todo = (
            "Its compiled code is at fault, not the file. Build it without what is special to this processor: "
            "CMAKE_ARGS=-DGGML_NATIVE=OFF pip install --force-reinstall --no-cache-dir llama-cpp-python"
        )
    return EnvironmentFault(f"llama.cpp cannot run {file.name}: {ending(code)}", todo)
