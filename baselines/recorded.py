"""Answers that another system already gave, joined to the cases and scored like any other.

    recorded: {as: gpt-4-today, path: outputs.csv, answer: output, id: ticket}

A case without a recorded answer is a failure, never an empty answer. Calls no model and measures no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baselines.contract import Emit, Reply, Resources
from baselines.recordings import Join, Recording, load_recorded
from reports.errors import UsageError
from reports.run.events import Warned
from reports.run.fingerprint import of_texts, of_value
from reports.run.schema import ApproachSpec, Question

VERSION = 1
SHOWN_IDS = 5
"""A warning names at most so many missing ids."""
MISSING = "no recorded answer"


class Recorded:
    """Kind `recorded`."""

    def __init__(self, spec: ApproachSpec, resources: Resources) -> None:
        self.spec = spec
        self._resources = resources
        self._recording: Recording | None = None
        self._join: Join | None = None
        self.facts: dict[str, str | int | float] = {}
        """What prepare() found, for the report."""

    def prepare(self, emit: Emit) -> None:
        """Reads the file and joins it to all eval questions; warns of what is missing or left over."""
        recording = self._loaded()
        self._join = join = recording.join(self._resources.questions)
        for note in recording.notes:
            emit(Warned(approach=self.spec.name, text=note))
        if join.missing:
            shown = ", ".join(join.missing[:SHOWN_IDS]) + (", …" if len(join.missing) > SHOWN_IDS else "")
            emit(
                Warned(
                    approach=self.spec.name,
                    text=f"{recording.file} has no answer for {len(join.missing)} of "
                    f"{len(self._resources.questions)} cases: {shown}",
                    hint="they count as failed",
                )
            )
        self.facts = {"joined by": join.by, "answers": len(join.answers), "unused": join.unused}

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Reply]]:
        """All at once: there is nothing to wait for."""
        answers = self._joined(questions)
        yield [self._reply(question, answers.get(question.id)) for question in questions]

    def fingerprint(self) -> str:
        """Of the answers that were read, not of the file's path: moving it changes nothing."""
        recording = self._loaded()
        held = [t for table in (recording.by_id, recording.by_input) for pair in sorted(table.items()) for t in pair]
        return of_value({"kind": "recorded", "answers": of_texts(held), "version": VERSION})

    def _joined(self, questions: Sequence[Question]) -> dict[str, str]:
        if self._join is None:
            self._join = self._loaded().join(self._resources.questions or questions)
        return self._join.answers

    def _reply(self, question: Question, text: str | None) -> Reply:
        if text is None:
            return Reply(question.id, status="error", error=MISSING)
        return Reply(question.id, text=text)

    def _loaded(self) -> Recording:
        if self._recording is None:
            options = self.spec.options
            if not options.get("path"):
                raise UsageError(
                    f"the approach {self.spec.name} needs the file with the recorded answers",
                    "write it as recorded: {path: outputs.csv, answer: COLUMN, id: COLUMN}",
                )
            self._recording = load_recorded(
                str(options["path"]),
                self._resources.base_folder,
                answer=options.get("answer"),
                id=options.get("id"),
                input=options.get("input"),
                allow_broken=self._resources.spec.allow_broken,
            )
        return self._recording


def create(spec: ApproachSpec, resources: Resources) -> Recorded:
    """Kind `recorded`."""
    return Recorded(spec, resources)
