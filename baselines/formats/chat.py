"""Conversations, preference pairs and the instruction format: records to columns `input` and `output`.

    {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}      OpenAI
    {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}], "tools"}  ShareGPT
    {"prompt": …, "chosen": …, "rejected": …}                                                 preference pairs
    {"instruction": …, "input": …, "output": …}                                               Alpaca

The last answer of the assistant is the output; the turns before it are the input, with the speakers' names where
there is more than one turn. The row keeps those turns too, for models that take them in their roles. System text and
tools become context. Knows no task and no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from baselines.formats.table import JSON, Problem, Table, Turn, as_text, count, sayable

_TURNS = ("messages", "conversations", "conversation", "contents", "turns", "dialog", "items", "prompt", "input")
_CHOSEN = {"chosen", "rejected", "chosen_messages", "rejected_messages"}
_ROLES = {
    "user": "user human usr customer client prompter person student questioner",
    "assistant": "assistant gpt bot chatbot chatgpt model ai agent llm bing bard claude gemini llama system_response",
    "system": "system developer",
    "call": "function_call tool_call tool_calls",
    "result": "observation tool function function_response tool_response tool_result ipython",
}
_ROLE_OF = {spelling: role for role, spellings in _ROLES.items() for spelling in spellings.split()}
_SPEAKER = {"user": "User", "assistant": "Assistant", "call": "Tool call", "result": "Tool result"}
_GOLD = {"ideal", "expected", "expected_output", "reference", "references", "answer", "output", "completion", "label"}


class UnusableConversation(ValueError):
    """Why a conversation gives no input and output."""


def recognise(table: Table) -> Table:
    """The table with columns input, output, system and tools where its records are conversations or pairs."""
    keys = set(table.columns)
    if {"chosen", "rejected"} <= keys or {"chosen_messages", "rejected_messages"} <= keys:
        return _converted(table, "preference")
    if any(_is_turns(row.cells.get(key)) for key in _TURNS if key in keys for row in table.rows[:20]):
        return _converted(table, "conversations")
    if "instruction" in keys and keys & {"output", "response"}:
        return _instruction(table)
    return table


def _is_turns(value: JSON) -> bool:
    """A non-empty list of messages, also as JSON text inside a CSV cell."""
    items = _unpacked(value)
    return isinstance(items, list) and bool(items) and isinstance(items[0], dict) and _role(items[0]) is not None


def _unpacked(value: JSON) -> JSON:
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        try:
            loaded: JSON = json.loads(value)
        except ValueError:
            return value
        return loaded
    return value


def _converted(table: Table, shape: str) -> Table:
    rows, broken, multi, trailing = [], list(table.broken), 0, 0
    for row in table.rows:
        try:
            turns, gold = _turns_of(row.cells, shape)
            system, before, output, after = split_turns(turns, gold)
        except UnusableConversation as reason:
            broken.append(Problem(row.place, str(reason), row.number))
            continue
        multi += len(before) > 1
        trailing += after
        kept = {k: v for k, v in row.cells.items() if k not in _CHOSEN and not _is_turns(v)}
        own: dict[str, JSON] = {"input": transcript(before), "output": output}
        extra = {"system": as_text(kept.get("system")) or system, "tools": _tools(kept.get("tools"))}
        rows.append(replace(row, cells={**kept, **own, **extra}, turns=conversation(before, apart=gold is not None)))
    notes = list(table.notes)
    if shape == "preference":
        notes.append(
            f"{table.file} holds preference pairs: the chosen answer is the reference, the rejected is not used."
        )
    if multi:
        earlier = any(turn.role == "assistant" and turn.counts for row in rows for turn in row.turns)
        learnt = "; fine-tuning learns the earlier answers too" if earlier else ""
        notes.append(
            f"{table.file}: in {count(multi, 'conversation')} of several turns, the assistant's last answer is the "
            f"reference and all turns before it are the input{learnt}."
        )
    if trailing:
        notes.append(f"{table.file}: what follows the assistant's last answer is not read ({count(trailing, 'row')}).")
    columns = tuple(dict.fromkeys(key for row in rows for key in row.cells))
    return replace(
        table,
        rows=tuple(rows),
        broken=tuple(broken),
        columns=columns,
        shape=shape,
        notes=tuple(notes),
        input=("input",),
        reference=("output",),
        context=("system", "tools"),
    )


def _turns_of(cells: dict[str, JSON], shape: str) -> tuple[list[Turn], str | None]:
    """All turns of a record, and the reference where it stands in a field of its own."""
    if shape == "preference":
        return _preferred(cells), None
    key = next((k for k in _TURNS if _is_turns(cells.get(k))), None)
    if key is None:
        raise UnusableConversation("has no list of messages")
    turns = read_turns(_unpacked(cells[key]))
    answer = next((cells[k] for k in ("completion", "response", "answer") if _is_turns(cells.get(k))), None)
    if answer is not None:
        return [*turns, *read_turns(_unpacked(answer))], None
    gold = next((cells[k] for k in cells if k.casefold() in _GOLD and cells[k] not in (None, "")), None)
    return turns, None if gold is None or turns[-1].role == "assistant" else as_text(gold)


def _preferred(cells: dict[str, JSON]) -> list[Turn]:
    """The conversation that ends in the chosen answer."""
    chosen = _unpacked(cells.get("chosen_messages", cells.get("chosen")))
    prompt = next(
        (cells[k] for k in ("prompt", "conversations", "messages", "question", "input") if cells.get(k)), None
    )
    before = read_turns(_unpacked(prompt)) if _is_turns(prompt) else _plain_prompt(cells, prompt)
    if isinstance(chosen, dict):
        return [*before, *read_turns([chosen])]
    if _is_turns(chosen):
        turns = read_turns(chosen)
        return turns if any(t.role == "user" for t in turns) else [*before, *turns]
    if isinstance(chosen, str) and chosen.strip():
        marked = re.split(r"(?:^|\n\n)(Human|Assistant): ?", chosen)  # the transcripts of Anthropic's HH set
        if not before and len(marked) > 3:
            return [Turn(_ROLE_OF[who.lower()], text) for who, text in zip(marked[1::2], marked[2::2], strict=True)]
        return [*before, Turn("assistant", chosen)]
    raise UnusableConversation("`chosen` is empty")


def _plain_prompt(cells: dict[str, JSON], prompt: JSON) -> list[Turn]:
    parts = [as_text(cells.get("instruction")), as_text(prompt)]
    text = "\n\n".join(part for part in parts if part.strip())
    return [Turn("user", text)] if text else []


def read_turns(items: JSON) -> list[Turn]:
    """The messages of one conversation. Raises UnusableConversation for an unknown role or content that is no text."""
    if not isinstance(items, list) or not items:
        raise UnusableConversation("the conversation has no messages")
    turns = []
    for number, item in enumerate(items, start=1):
        said = _role(item) if isinstance(item, dict) else None
        if not isinstance(item, dict) or said is None:
            raise UnusableConversation(f"message {number} has no role")
        role = _ROLE_OF.get(said.casefold().strip().replace(" ", "_").replace("-", "_"))
        if role is None:
            raise UnusableConversation(f"message {number} has the unknown role {sayable(said)}")
        weight = item.get("weight", item.get("loss_weight", 1))
        turns.append(Turn(role, _content(item, number), counts=weight not in (0, False)))
    return turns


def _role(item: dict[str, JSON]) -> str | None:
    said = next((item[k] for k in ("role", "from", "speaker", "author") if k in item), None)
    return said if isinstance(said, str) and said.strip() else None


def _content(item: dict[str, JSON], number: int) -> str:
    calls = item.get("tool_calls") or item.get("function_call")
    found = next((item[k] for k in ("content", "value", "text", "message", "parts") if item.get(k) is not None), None)
    if isinstance(found, dict):
        found = [found]
    if isinstance(found, list):
        return "".join(_part(part, number) for part in found)
    if calls and not found:
        return as_text(calls)
    if not isinstance(found, str):
        raise UnusableConversation(f"message {number} has no text")
    return found


def _part(part: JSON, number: int) -> str:
    if isinstance(part, str):
        return part
    text = next((part[k] for k in ("text", "value", "content") if k in part), None) if isinstance(part, dict) else None
    if not isinstance(text, str):
        kind = part.get("type", "unknown") if isinstance(part, dict) else "unknown"
        raise UnusableConversation(f"message {number} holds a part that is not text ({sayable(kind)})")
    return text


def _tools(value: JSON) -> str:
    text = as_text(value).strip()
    return "" if text in {"[]", "{}"} else text


def split_turns(turns: Sequence[Turn], gold: str | None = None) -> tuple[str, list[Turn], str, bool]:
    """(system text, turns before the answer, the answer, whether turns follow it).

    `gold` is the answer where the record says it apart from the conversation. Raises UnusableConversation when there
    is no answer or nothing before it.
    """
    system = "\n\n".join(t.text for t in turns if t.role == "system")
    spoken = [t for t in turns if t.role != "system"]
    if gold is not None:
        before, output, after = spoken, gold, False
    else:
        answers = [i for i, t in enumerate(spoken) if t.role in {"assistant", "call"} and t.counts]
        if not answers:
            raise UnusableConversation("the conversation has no answer of the assistant")
        last = answers[-1]
        before, output, after = spoken[:last], spoken[last].text, last + 1 < len(spoken)
    if not any(t.role == "user" and t.text.strip() for t in before):
        raise UnusableConversation("the conversation has no message of the user before the answer")
    return system, before, output, after


def conversation(before: Sequence[Turn], *, apart: bool) -> tuple[Turn, ...]:
    """The turns before the answer where a chat template can take them: several, of user and assistant, the user last.

    Where the reference stands `apart` from the conversation, what the assistant said in it is no example of one.
    """
    roles = {turn.role for turn in before}
    if len(before) < 2 or not roles <= {"user", "assistant"} or before[-1].role != "user":
        return ()
    return tuple(replace(turn, counts=turn.counts and not apart) for turn in before)


def transcript(turns: Sequence[Turn]) -> str:
    """One turn as it stands; several with the speakers' names, one a line."""
    if len(turns) == 1:
        return turns[0].text
    return "\n".join(f"{_SPEAKER[t.role]}: {t.text}" for t in turns)


def _instruction(table: Table) -> Table:
    """Alpaca: instruction and input together are the input; `history` holds earlier turns as pairs."""
    rows = []
    for row in table.rows:
        history = row.cells.get("history")
        pairs = [p for p in history if isinstance(p, list) and len(p) == 2] if isinstance(history, list) else []
        turns = [
            Turn(role, as_text(text)) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        rows.append(replace(row, cells={**row.cells, "history": transcript(turns)}) if turns else row)
    output = "output" if "output" in table.columns else "response"
    context = tuple(c for c in ("system", "history") if c in table.columns)
    columns = ("instruction", "input") if "input" in table.columns else ("instruction",)
    return replace(table, rows=tuple(rows), shape="instruction", input=columns, reference=(output,), context=context)
