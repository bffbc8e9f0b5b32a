"""What was done, in enough detail to judge and repeat it: prompts verbatim, retrieval, recipe, metrics, split.

for block in method_blocks(summary, store): print(block.title)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports import text
from reports.expected import against_actual
from reports.forgotten import forgetting_words, sampled_words
from reports.leaks import finding_lines, finding_rows, leak_facts
from reports.run.events import ApproachFinished, Prepared
from reports.run.schema import Answer, ApproachSpec, Environment, TrainingRecord
from reports.run.store import RunStore
from reports.sentences import name, tested_words
from reports.summary.model import ApproachSummary, Summary
from reports.waiting import latency_facts

PROMPT_LIMIT = 12_000


@dataclass(frozen=True)
class Text:
    """A text of the run under a title."""

    title: str
    body: str


@dataclass(frozen=True)
class Block:
    """One heading with paragraphs, facts and texts."""

    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    texts: tuple[Text, ...] = ()
    open: bool = False


def method_blocks(summary: Summary, store: RunStore) -> list[Block]:
    """Task and data, metrics, then one block an approach."""
    specs = {spec.name: spec for spec in summary.header.spec.approaches}
    blocks = [_task(summary), *_suggested(summary), *_defects(summary), _metrics(summary)]
    blocks += [*_tests(summary), _prices(summary)]
    blocks += [_approach(approach, specs[approach.name], store) for approach in summary.approaches]
    return blocks + _estimates(summary, store)


def reproduction(summary: Summary) -> tuple[str, list[tuple[str, str]]]:
    """The command, and every version and hash that decides the numbers."""
    header = summary.header
    environment = header.environment
    facts = [
        ("Run", f"{header.run}, started {header.started}"),
        ("Took", text.seconds(summary.seconds)),
        ("Seed", str(header.spec.seed)),
        ("Machine", f"{_device(environment)}, {environment.cores or '?'} cores, {environment.platform}"),
        ("Python", environment.python),
        ("Packages", ", ".join(f"{package} {version}" for package, version in sorted(environment.packages.items()))),
        *((f"Data: {role}", f"sha256 {digest}") for role, digest in sorted(header.spec.data.files.items())),
        *((f"Approach: {name(one)}", digest) for one, digest in sorted(header.fingerprints.items())),
        ("Prices of", header.price_date or "–"),
    ]
    return "advisor run PROJECT   # the project's files with the hashes below", [(a, b) for a, b in facts if b]


def _device(environment: Environment) -> str:
    """The GPU with its generation and driver, which decide kernels and with them the last digits; or the processor."""
    said = {"compute capability": environment.compute_capability, "driver": environment.driver}
    known = [f"{what} {value}" for what, value in said.items() if value]
    return f"{environment.device} ({', '.join(known)})" if known else environment.device


def _suggested(summary: Summary) -> tuple[Block, ...]:
    """What the interview alone suggested, and the published cases that it went by."""
    prior = summary.prior
    if prior is None or not prior.ranking:
        return ()
    frontier = text.quality(prior.probability_frontier)
    facts = [
        ("In this order", ", ".join(prior.ranking)),
        ("Scorecard", f"{prior.score} points; {' '.join(prior.reasons)}"),
        (
            "Chance that fine-tuning pays",
            f"{text.quality(prior.probability)}; {frontier} against a current frontier model",
        ),
        ("The domain, by practice", f"{prior.tier} ({prior.tier_reason})"),
        ("Not answered", ", ".join(prior.unanswered)),
        ("Measured", summary.prior_words),
    ]
    similar = tuple(
        (f"Published: {name(case.task)}", f"{case.winner} won ({case.metric}; {name(case.source)})")
        for case in prior.similar
    )
    line = "A guess from answers and published studies. What was measured overrides it, whatever it says."
    return (Block("What the interview suggested", (line,), (*((a, b) for a, b in facts if b), *similar)),)


def _task(summary: Summary) -> Block:
    spec, data = summary.header.spec, summary.header.spec.data
    facts = [
        ("Task", spec.task.type),
        ("Instruction", spec.task.instruction or "–"),
        ("Labels", ", ".join(spec.task.labels) or "none fixed"),
        ("Eval cases", f"{data.eval_cases:,}"),
        ("Training examples", f"{data.train_examples:,}, dials tuned on {data.dev_examples:,} more"),
        ("Documents", f"{data.documents:,}"),
        ("Embedder", spec.embedder),
        ("Answer limit", f"{spec.max_answer_tokens} tokens"),
    ]
    return Block("The task and its data", tuple(data.notes), tuple(facts))


def _defects(summary: Summary) -> list[Block]:
    """What the data audit found, and the scores without leaked cases; nothing where it found nothing."""
    lines, facts = finding_lines(summary), leak_facts(summary)
    texts = tuple(Text(title, rows) for title, rows in finding_rows(summary))
    return [Block("What the data audit found", lines, facts, texts)] if lines or facts else []


def _metrics(summary: Summary) -> Block:
    facts = [(metric.title, metric.definition) for metric in summary.metrics]
    first = f"{summary.primary.title} decides. A failed answer (error, timeout, refusal) counts as wrong everywhere."
    judge = summary.judge.words if summary.judge else ()
    rubric = [("The judge's rubric", summary.judge.rubric)] if summary.judge and summary.judge.rubric else []
    return Block("The metrics", (first, *judge), (*facts, *rubric))


def _tests(summary: Summary) -> list[Block]:
    """Which differences were declared, and over how many of them a p is adjusted."""
    said = tested_words(summary)
    if not said:
        return []
    chosen = (
        "The verdict holds the approach that it names against each other contender once, adjusted over these; against "
        "the baseline it keeps the declared p."
    )
    return [Block("How differences are tested", (*said, chosen))]


def _approach(approach: ApproachSummary, spec: ApproachSpec, store: RunStore) -> Block:
    facts = [("Kind", spec.kind)]
    if approach.stopped:
        facts.append(("Ended", approach.stopped))
    if spec.model:
        facts.append(("Model", f"{spec.model.id}, {spec.model.precision}"))
    if spec.options:
        facts.append(("Options", _dials(spec.options)))
    if approach.prompt_tokens is not None:
        tokens = f"{text.number(approach.prompt_tokens, 0)} in, {text.number(approach.completion_tokens, 1)} out"
        facts.append(("Tokens an answer (mean)", tokens))
    if approach.seconds_per_answer is not None:
        facts.append(("Device time an answer", f"{text.seconds(approach.seconds_per_answer)} in batches"))
    if approach.passages is not None:
        facts.append(("Passages an answer (mean)", text.number(approach.passages, 1)))
    facts += latency_facts(approach) + _recall(approach) + _training(approach)
    texts = _example_texts(store, approach.name)
    return Block(f"Approach: {name(approach.name)}", (), tuple(facts), tuple(texts))


def _recall(approach: ApproachSummary) -> list[tuple[str, str]]:
    return [
        (f"Retrieval recall at {metric.partition('@')[2]}",
         f"{text.quality(q.value, q.low, q.high)} ({text.interval(q.low, q.high)}, n = {q.n:,})")
        for metric, q in approach.metrics.items()
        if metric.startswith("retrieval-recall@") and q.value is not None
    ]  # fmt: skip


def _kept_loss(training: TrainingRecord) -> str:
    """Of the weights that were kept, and the lowest one where that is another."""
    if training.best_validation_loss is None:
        return "–"
    said = text.number(training.best_validation_loss, 3)
    held = [(loss, step) for step, loss in training.validated if step]
    lowest, step = min(held, default=(training.best_validation_loss, training.best_step))
    if step != training.best_step:
        said += (
            f"; {text.number(lowest, 3)} at step {step:,}, but the last weights predict at least as many held-out "
            "tokens right"
        )
    return said


def _training(approach: ApproachSummary) -> list[tuple[str, str]]:
    training = approach.training
    if training is None:
        return []
    facts = [
        ("Training", f"{training.method}, {training.examples:,} examples, {training.validation_examples:,} held out"),
        ("Recipe", _dials(training.recipe)),
        ("Steps", f"{training.steps:,} ({text.number(training.epochs, 1)} epochs)"),
        ("Weights kept", f"those of step {training.best_step:,}"),
        ("Their validation loss", _kept_loss(training)),
        ("Ended by", training.stopped),
        ("Took", f"{text.seconds(training.seconds)}, {text.size(training.peak_memory_bytes)} of memory at most"),
        ("Trained tokens", f"{training.trained_tokens:,} of answers carried loss"),
        ("Seed", str(training.seed)),
    ]
    if approach.seeds:
        values = ", ".join(text.number(value, 3) for value in approach.seeds.values)
        spread = f"{values}; mean {text.number(approach.seeds.mean, 3)}, sd {text.number(approach.seeds.sd, 3)}"
        told = "The quality is their mean, every interval opened by the sd; the first one is timed, billed and shown"
        facts.append(("Quality by seed", f"{spread}. {told}"))
    if sampled := sampled_words(training):
        facts.append(("Sample answers at the best step", sampled))
    facts += [(f"Forgetting: {probe.name}", forgetting_words(probe)) for probe in training.forgetting]
    return facts + [("Warning", warning) for warning in training.warnings]


def _dials(options: Mapping[str, Any]) -> str:
    """Options as words: rank 16, epochs 3."""
    return ", ".join(
        f"{key} {value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)}"
        for key, value in sorted(options.items())
    )


def _prices(summary: Summary) -> Block:
    spec = summary.header.spec
    sources = dict.fromkeys(source for a in summary.approaches for source in a.cost.sources)
    warnings = dict.fromkeys(warning for a in summary.approaches for warning in a.cost.warnings)
    facts = [
        ("Traffic", f"{text.number(spec.traffic.queries_per_day, 0)} answers a day"),
        ("Horizon", f"{text.number(spec.traffic.horizon_months, 0)} months"),
        ("Machine time in use", text.share(spec.prices.utilisation)),
        *(("Price", source) for source in sources),
        *((f"{name(a.name)} has no price", a.cost.missing) for a in summary.approaches if a.cost.missing),
    ]
    return Block("The prices", tuple(warnings), tuple(facts))


def _estimates(summary: Summary, store: RunStore) -> list[Block]:
    """Estimate against actual; nothing for runs that were started without one."""
    prepared: dict[str, float] = {}
    held: dict[str, int] = {}
    if summary.header.expected:
        for event in store.events():
            if isinstance(event, Prepared):
                prepared[event.approach] = max(event.seconds, prepared.get(event.approach, 0.0))
            elif isinstance(event, ApproachFinished) and event.peak_memory_bytes:
                held[event.approach] = max(event.peak_memory_bytes, held.get(event.approach, 0))
    rows = against_actual(summary, prepared, held)
    line = "Made before the run, for preparing, training and answering in batches; the latency pass is apart."
    facts = tuple((name(approach), words) for approach, words in rows)
    return [Block("Estimates before the run, and what it took", (line,), facts)] if rows else []


def _example_texts(store: RunStore, approach: str) -> list[Text]:
    """The prompt of the first case in the user's order that has one, with its answer, verbatim."""
    table = store.answers(approach)
    for case in store.cases():
        answer: Answer | None = table.get(case.question.id)
        if answer is not None and answer.prompt:
            prompt = Text(
                f"A prompt as sent (case {text.one_line(answer.case, 40)})", text.clean(answer.prompt, PROMPT_LIMIT)
            )
            return [prompt, Text("Its answer", text.clean(answer.text, 4_000) or f"[{answer.status}]")]
    return []
