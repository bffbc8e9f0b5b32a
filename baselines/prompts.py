"""The one renderer of prompts: answering, fine-tuning and the demo model's own training all call it.

A prompt is one user message, or for a conversation its messages in their roles (below). The examples that all
questions share stand first, so that a prefix cache can hold them; the instruction comes last, after the material it
speaks of, or where asked before everything, so that a cache holds it:

    Input: <example input>          one block an example
    Answer: <example output>

    Passage 1: <text>               one block a passage

    <field>: <value>                one block a context field of the row

    Input: <question>

    <instruction>
    Answer with exactly one of: <label>, <label>, …

A question with earlier turns gets them as they were said, for models with a chat template: system text, fields,
examples and the instruction stand in a system message before the first turn, because each answer of a conversation is
asked for by them, and passages stand in the user's last message. Models without a template read the one text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.chat import Message
from reports.run.schema import Example, Passage, Question, Task


@dataclass(frozen=True)
class Prompt:
    """One user message. `shared` is the length in characters of the part that all prompts of the approach share."""

    text: str
    shared: int = 0
    messages: tuple[Message, ...] = field(default=())
    """The same in roles, where the question is a conversation."""

    @property
    def length_text(self) -> str:
        """What is counted for length and price: the longer one."""
        return max(self.text, "\n\n".join(m.text for m in self.messages), key=len)


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
    messages = _messages(task, question, [ask, shots] if instruction_first else [shots, ask], found)
    if instruction_first:
        head = f"{ask}\n\n"
        return Prompt(f"{head}{shots}{asked}", len(head) + (len(shots) if examples_shared else 0), messages)
    return Prompt(f"{shots}{asked}\n\n{ask}", len(shots) if examples_shared else 0, messages)


def _messages(task: Task, question: Question, told: Sequence[str], found: str) -> tuple[Message, ...]:
    """Empty for a question without turns. An answer that is none of the task's labels is nothing to learn."""
    if not question.turns:
        return ()
    fields = dict(question.context)
    parts = [fields.pop("system", ""), *(f"{name}: {value}" for name, value in fields.items()), *told]
    said = [Message("system", "\n\n".join(part.strip() for part in parts if part.strip()))]
    for turn in question.turns:
        if turn.role == "user":
            said.append(Message("user", turn.text))
            continue
        text = turn.text.strip()  # as answers are learnt
        wanted = turn.counts and bool(text) and (not task.labels or text in task.labels)
        said.append(Message("assistant", text, trained=wanted))
    return (*said[:-1], Message("user", f"{found}{said[-1].text}"))


def _material(context: dict[str, str], text: str) -> str:
    fields = "".join(f"{name}: {value}\n\n" for name, value in context.items())
    return f"{fields}Input: {text}"


def _one_block(text: str) -> str:
    """A passage without blank lines, so that blocks stay apart."""
    return "\n".join(line for line in text.splitlines() if line.strip())
