"""The one renderer of prompts: answering, fine-tuning and the demo model's own training all call it.

A prompt is one user message. The examples that all questions share stand first, so that a prefix cache can hold them;
the instruction comes last, after the material it speaks of, or where asked before everything, so that a cache holds it:

    Input: <example input>          one block an example
    Answer: <example output>

    Passage 1: <text>               one block a passage

    <field>: <value>                one block a context field of the row

    Input: <question>

    <instruction>
    Answer with exactly one of: <label>, <label>, …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.run.schema import Example, Passage, Question, Task


@dataclass(frozen=True)
class Prompt:
    """One user message. `shared` is the length in characters of the part that all prompts of the approach share."""

    text: str
    shared: int = 0


DEFAULT_INSTRUCTIONS = {
    "classification": "Name the category of the input.",
    "extraction": "Write out the requested fields of the input.",
    "qa": "Answer the question in a few words.",
    "summarization": "Summarise the input in one short paragraph.",
    "generation": "Write the answer to the input.",
}


def own_task(task: Task, options: Mapping[str, Any]) -> Task:
    """The task as an approach puts it: with its option `instruction` where it has one."""
    own = str(options.get("instruction") or "").strip()
    return task.model_copy(update={"instruction": own}) if own else task


def render(
    task: Task,
    question: Question,
    *,
    examples: Sequence[Example] = (),
    passages: Sequence[Passage] = (),
    examples_shared: bool = True,
    instruction_first: bool = False,
) -> Prompt:
    """The prompt of one question. Set `examples_shared` False where each question has its own examples.

    `instruction_first` puts the instruction and the labels before the examples: an API's prompt cache can hold them.
    """
    shots = "".join(f"{_material(e.context, e.input)}\nAnswer: {e.output}\n\n" for e in examples)
    found = "".join(f"Passage {i}: {_one_block(p.text)}\n\n" for i, p in enumerate(passages, start=1))
    ask = task.instruction.strip() or DEFAULT_INSTRUCTIONS[task.type]
    if task.labels:
        how = "one or more, joined by |, of" if task.several_labels else "exactly one of"
        ask += f"\nAnswer with {how}: {', '.join(task.labels)}"
    asked = f"{found}{_material(question.context, question.input)}"
    if instruction_first:
        head = f"{ask}\n\n"
        return Prompt(f"{head}{shots}{asked}", shared=len(head) + (len(shots) if examples_shared else 0))
    return Prompt(f"{shots}{asked}\n\n{ask}", shared=len(shots) if examples_shared else 0)


def _material(context: dict[str, str], text: str) -> str:
    fields = "".join(f"{name}: {value}\n\n" for name, value in context.items())
    return f"{fields}Input: {text}"


def _one_block(text: str) -> str:
    """A passage without blank lines, so that blocks stay apart."""
    return "\n".join(line for line in text.splitlines() if line.strip())
