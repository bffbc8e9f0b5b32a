"""What to do for a verdict: steps in order, each with the commands that do it. Decides nothing, runs nothing.

    for step in next_steps(summary, folder): print(step.title, *step.commands)

Which steps there are follows the verdict's kind and what the run already has: nobody is told to do again what was done.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reports import text
from reports.summary.model import ApproachSummary, Summary
from reports.summary.trust import PILOT_CASES

ENOUGH_READ = 20
"""Judged cases from which reading is no longer asked for."""
GOOD_SIZE = 200
"""Cases of an eval set that can show differences of about ten points."""
UPKEEP: dict[str, str] = {
    "prompting": "The prompt stands word for word in the report, under 'What was done': put it under version control "
    "with its examples, and change it only together with a new run.",
    "retrieval": "Put the index where the documents change: a passage that is not there cannot be found. The "
    "report says how often the right passage was among those given to the model.",
    "classical": "A classifier over embeddings needs no language model at all: it is trained anew in seconds when "
    "labels are added, and its choice is stored with the run.",
    "existing system": "Nothing that was tried is shown to serve better for less. Keep its outputs as a `recorded` "
    "approach, so that every later run is compared with it.",
}


@dataclass(frozen=True)
class Step:
    """One thing to do."""

    title: str
    text: str
    commands: tuple[str, ...] = ()
    """To be typed as they stand."""


def next_steps(summary: Summary, folder: Path) -> tuple[Step, ...]:
    """The steps for this run's verdict. `folder`: of the run, as it stands in the commands."""
    verdict = summary.verdict
    chosen = summary.approach(verdict.approach) if verdict.approach else None
    steps = [*_first(summary, folder)]
    if chosen is None:
        steps += _undecided(summary, folder)
    elif chosen.training is not None:
        steps += _tuned(summary, chosen, folder)
    else:
        steps.append(Step(f"Put {_name(chosen)} to work", UPKEEP.get(verdict.kind, UPKEEP["prompting"])))
        steps.append(_closer(summary))
    if chosen is not None:
        steps += _watched(summary, chosen, folder)
    return tuple(steps)


def _first(summary: Summary, folder: Path) -> Iterator[Step]:
    """What comes before any decision: a complete run, and answers that somebody has read."""
    failed = [_name(a) for a in summary.approaches if a.state == "failed"]
    if not summary.trust.finished or failed:
        what = f"{text.listed(failed)} failed" if failed else "It was interrupted: these are the numbers so far"
        yield Step(
            "Finish the run", f"{what}. Answers that are there are not made again.", (_advisor("resume", folder),)
        )
    read = sum(found.judged for found in summary.reviews)
    if read < ENOUGH_READ:
        said = f"So far {text.count(read, 'case')}. " if read else ""
        yield Step(
            "Read answers",
            f"{said}Judge {ENOUGH_READ} cases blind (Answers, then v): it takes ten minutes and shows whether "
            f"{summary.primary.title} measures what you care about.",
        )


def _tuned(summary: Summary, chosen: ApproachSummary, folder: Path) -> Iterator[Step]:
    """A trained model: is the gain real, then hand it over."""
    training = chosen.training
    assert training is not None
    if "seed" in " ".join(summary.verdict.warnings).lower():
        yield Step(
            "Train it again with other seeds",
            f"One training is one draw: set `seeds: 3` at {_name(chosen)} in advisor.yaml and run again. The report "
            "then says how far its quality moves between trainings.",
        )
    name = shlex.quote(chosen.name)

    def exported(to: str) -> str:
        return _advisor("export", folder, f"--to {to} --approach {name}")

    yield Step(
        "Serve it",
        "The adapter beside its base model (vLLM, PEFT), or merged into it; for llama.cpp and Ollama as GGUF. Each "
        "export is checked against the answers that were measured here.",
        (exported("adapter"), exported("merged"), exported("ollama")),
    )
    yield Step(
        "Or train it at full size elsewhere",
        f"The same recipe and {text.count(training.examples, 'example')} as a configuration for another trainer.",
        (exported("axolotl"), exported("llamafactory"), exported("trl")),
    )
    if chosen.curve_words == "yes":
        yield Step("Label more", chosen.curve_verdict)


def _undecided(summary: Summary, folder: Path) -> Iterator[Step]:
    """Nothing is recommended: what would make a verdict possible."""
    kind, cases = summary.verdict.kind, summary.trust.cases
    if kind == "pilot only":
        yield Step(
            "Collect more cases",
            f"{text.count(cases, 'case')} are a pilot; a verdict needs {PILOT_CASES}, and {GOOD_SIZE} show differences "
            "that matter. Draw them as they come in, rare ones included, and label them by the rule of the old ones.",
            (_advisor("plan", _project(summary)),),
        )
        return
    if kind == "none good enough":
        broken = "; ".join(f"{text.one_line(n, 60)}: {reason}" for n, reason in summary.verdict.excluded[:4])
        yield Step(
            "Look at the limit, then at the model",
            f"{broken + '. ' if broken else ''}Under Results, w tries other limits on the same measurements. If the "
            "limits are right, a larger base model is the next thing to try: change only `model:`, then compare.",
            (_advisor("run", _project(summary)), f"advisor diff {_shown(folder)} NEW-RUN"),
        )
    else:
        gap = summary.trust.detectable
        smallest = (
            f" These could have shown about {100 * gap:.0f} points." if gap and summary.primary.unit == "share" else ""
        )
        yield Step(
            "Collect more cases, or ask for less",
            f"{text.count(cases, 'case')} do not tell the approaches apart.{smallest} Twice the precision takes four "
            "times the cases. If differences this small do not matter to you, take the simplest approach.",
            (_advisor("plan", _project(summary)),),
        )
    yield Step(
        "Read the failures",
        "Under Answers, f keeps the cases that all got wrong: wrong references, questions without an answer, and "
        "labels that overlap are found there sooner than by any metric.",
    )


def _closer(summary: Summary) -> Step:
    """What would change the verdict, as something to watch."""
    changes = [threshold.text for threshold in summary.verdict.would_change_if]
    said = " ".join(changes) or "Nothing in this run's own numbers would change it."
    return Step("Know what would change it", said)


def _watched(summary: Summary, chosen: ApproachSummary, folder: Path) -> Iterator[Step]:
    """Keep the verdict true: a gate in CI, a new run when something changes."""
    least = summary.header.spec.decision.min_quality
    rule = f"--min-quality {least:g}" if least is not None else f"--not-worse-than {_shown(folder)}"
    yield Step(
        "Hold later versions to it",
        "In CI, on every change of prompt, data or model: the exit code says whether the rule still holds.",
        (f"advisor gate NEW-RUN {rule} --approach {shlex.quote(chosen.name)}",),
    )
    yield Step(
        "Run it again when something changes",
        "A new model, twice the traffic, another season: run again and compare, one change at a time.",
        (_advisor("run", _project(summary)), f"advisor diff {_shown(folder)} NEW-RUN"),
    )


def _advisor(command: str, folder: Path, rest: str = "") -> str:
    return f"advisor {command} {_shown(folder)}{' ' + rest if rest else ''}"


def _shown(folder: Path) -> str:
    return shlex.quote(text.clean(str(folder)))


def _project(summary: Summary) -> Path:
    return Path(summary.header.spec.project_folder or ".")


def _name(approach: ApproachSummary) -> str:
    return text.one_line(approach.name, 60)
