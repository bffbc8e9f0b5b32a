"""Measures a demo model on freshly generated sheets through transformers: greedy, exact match, Wilson interval.

    python -m advisor.demo.evaluate MODEL_FOLDER --seed 1000000 --cases 100

Refuses to know the demo projects: those are measured by the product itself.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from advisor.demo import text_classes, text_fields, text_mix, text_reading, words
from baselines.prompts import render
from reports.run.schema import Example, Passage, Question, Task

Probe = Callable[[Random], text_mix.Turn]


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927)."""
    share, low = right / n, 1 + z * z / n
    middle, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - spread) / low, (middle + spread) / low


def reading(rng: Random, passages: int) -> text_mix.Turn:
    """One question; its note among `passages` notes at a random place (0: closed book)."""
    notes = text_reading.make_notes(rng, max(1, passages))
    fact = rng.choice(rng.choice(notes).facts)
    found = [Passage(document="d", index=i, text=n.text) for i, n in enumerate(notes)] if passages else []
    task = Task(type="qa", instruction="Answer the question in a few words.")
    return text_mix.Turn(render(task, Question(id="q", input=fact.question), passages=found).text, fact.answer)


def shots(rng: Random, count: int, grade: str, near: bool) -> text_mix.Turn:
    """Six labels that say nothing, `count` shots; with `near`, most of the last ones are of the asked class."""
    makers = {"key": text_classes.keyword_group, "copy": text_classes.copy_group, "topic": text_classes.topic_group}
    writers, _ = makers[grade](rng, 6)
    names = words.labels(rng, 6)
    asked = rng.randrange(6)
    order = [rng.randrange(6) for _ in range(count)]
    if near:
        order[-3:] = [asked, rng.randrange(6), asked]
    elif count:
        order[rng.randrange(count)] = asked
    examples = [Example(id="e", input=writers[w](rng), output=names[w]) for w in order]
    task = Task(type="classification", instruction="Name the queue.", labels=tuple(names))
    return text_mix.Turn(
        render(task, Question(id="q", input=writers[asked](rng)), examples=examples).text, names[asked]
    )


def fields(rng: Random, count: int) -> text_mix.Turn:
    """Item, quantity and city of an order, after `count` shots."""
    tasks: list[text_fields.FieldTask] = []
    wanted = ["quantity", "item", "city"]
    while len(tasks) <= count:
        task = text_fields.order(rng)
        if set(wanted) <= set(task.fields):
            tasks.append(task)
    examples = [Example(id="e", input=t.text, output=text_fields.reply(t, wanted, "semicolons")) for t in tasks[1:]]
    instruction = "Write the quantity, item and city, separated by semicolons."
    prompt = render(
        Task(type="extraction", instruction=instruction), Question(id="q", input=tasks[0].text), examples=examples
    )
    return text_mix.Turn(prompt.text, text_fields.reply(tasks[0], wanted, "semicolons"))


PROBES: dict[str, Probe] = {
    "reading, no passage": lambda r: reading(r, 0),
    "reading, gold passage": lambda r: reading(r, 1),
    "reading, 4 passages": lambda r: reading(r, 4),
    "reading, 8 passages": lambda r: reading(r, 8),
    "6 labels, no shots": lambda r: shots(r, 0, "topic", near=False),
    "6 labels by key word, 8 shots": lambda r: shots(r, 8, "key", near=False),
    "6 labels by likeness, 8 shots": lambda r: shots(r, 8, "copy", near=False),
    "6 labels by topic, 8 shots": lambda r: shots(r, 8, "topic", near=False),
    "6 labels by topic, 8 retrieved shots": lambda r: shots(r, 8, "topic", near=True),
    "three fields, no shots": lambda r: fields(r, 0),
    "three fields, 4 shots": lambda r: fields(r, 4),
    "natural labels, no shots": lambda r: text_mix.natural(r).turns[0],
    "guide in passages": lambda r: text_mix.guided(r).turns[0],
    "look-up": lambda r: text_mix.lookup(r).turns[0],
}


def answers(folder: Path, prompts: Sequence[str], batch: int = 25) -> list[str]:
    """Greedy answers of the model in `folder`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": p}], add_generation_prompt=True, tokenize=False)
        for p in prompts
    ]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = [""] * len(texts)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        rows = tokenizer([texts[i] for i in chosen], return_tensors="pt", padding=True, padding_side="left")
        with torch.inference_mode():
            out = model.generate(**rows, max_new_tokens=48, do_sample=False)
        written = tokenizer.batch_decode(out[:, rows["input_ids"].shape[1] :], skip_special_tokens=True)
        for i, text in zip(chosen, written, strict=True):
            found[i] = text.strip()
    return found


def main() -> None:
    """The command line: prints a line a probe."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--seed", type=int, default=1_000_000)
    options.add_argument("--cases", type=int, default=100)
    options.add_argument("--only", default="", help="probes whose name contains this")
    options.add_argument("--show", type=int, default=0, help="print so many wrong answers a probe")
    given = options.parse_args()
    turns = {
        name: [probe(Random(given.seed + i)) for i in range(given.cases)]
        for name, probe in PROBES.items()
        if given.only in name
    }
    flat = [t for group in turns.values() for t in group]
    found = iter(answers(given.folder, [t.prompt for t in flat]))
    for name, group in turns.items():
        pairs = [(next(found), t) for t in group]
        right = sum(a == t.answer for a, t in pairs)
        low, high = wilson(right, len(group))
        print(f"{name:40s} {100 * right / len(group):5.1f} [{100 * low:.0f}-{100 * high:.0f}]")  # noqa: T201
        for answer, turn in [p for p in pairs if p[0] != p[1].answer][: given.show]:
            print(f"    {turn.prompt[-90:]!r}\n    wanted {turn.answer!r}, got {answer!r}")  # noqa: T201


if __name__ == "__main__":
    main()
