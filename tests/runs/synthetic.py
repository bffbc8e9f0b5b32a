"""Writes runs that look real without any model: support tickets, seven answering approaches and a floor.

    python tests/runs/synthetic.py FOLDER --cases 1000      # the run that `make bench` renders

Everything follows from the seed. How often each approach is right is made up; the run says so in its name.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from reports.prior import PriorRecord
from reports.run.events import ApproachFailed, ApproachFinished, TrainingFinished, Warned
from reports.run.fingerprint import of_value
from reports.run.schema import (
    Answer,
    ApproachSpec,
    Case,
    DataFacts,
    Decision,
    Document,
    Environment,
    Example,
    Finished,
    LatencySample,
    ModelSpec,
    Passage,
    Prices,
    Question,
    RunHeader,
    RunSpec,
    Score,
    SkippedApproach,
    Status,
    Task,
    Traffic,
    TrainingRecord,
    TrainingStep,
)
from reports.run.store import RunStore

LABELS = ("billing", "cancel order", "delivery", "login", "refund", "return", "warranty", "other")
OPENERS = ("Hello, ", "Hi team, ", "", "Good morning. ", "Urgent: ", "Guten Tag, ")
MATTERS = {
    "billing": "I was charged twice for invoice {n}.",
    "cancel order": "please stop order {n} before it ships.",
    "delivery": "parcel {n} has not arrived although the tracker says so.",
    "login": "the code for account {n} never reaches my phone.",
    "refund": "the money for case {n} is still missing after ten days.",
    "return": "how do I send article {n} back?",
    "warranty": "device {n} broke after three months, am I covered?",
    "other": "who do I talk to about partnership {n}?",
}
CLOSERS = ("", " Thanks!", " I have written before and nobody answered, so please look at this today.", " Regards, Kim")
MODEL = ModelSpec(id="demo")
# name, kind, share right, seconds an answer, prompt tokens, does it use the model
CONTENDERS = (
    ("floor", "floor", 0.13, 0.00001, 0),
    ("zero-shot", "zero-shot", 0.60, 0.031, 64),
    ("few-shot", "few-shot", 0.72, 0.048, 310),
    ("knn-few-shot", "knn-few-shot", 0.84, 0.052, 320),
    ("rag", "rag", 0.66, 0.074, 520),
    ("classifier", "classifier", 0.87, 0.004, 0),
    ("qlora", "qlora", 0.90, 0.036, 64),
    ("gpt-4-today", "recorded", 0.88, 0.0, 0),
)
PRIOR = PriorRecord(
    ranking=("fine-tuning", "fine-tuning with retrieval", "retrieval", "prompting"),
    score=4,
    probability=0.91,
    probability_frontier=0.83,
    tier="high",
    tier_reason="ticket classification",
    reasons=("The output follows a house convention: +3.", "It is a classification task: +1."),
)
ALONE = {"floor", "classifier", "recorded"}


def write(
    folder: Path,
    *,
    cases: int = 200,
    contenders: int = len(CONTENDERS),
    seed: int = 7,
    groups: bool = True,
    finished: bool = True,
    decision: Decision | None = None,
) -> RunStore:
    """Writes the run and returns its store, still open for writing."""
    names = CONTENDERS[:contenders]
    items = _cases(cases, random.Random(seed), groups)
    header = _header(folder.name, names, items, decision, seed, groups)
    documents = [
        Document(id=f"doc-{i}", text=_rule(label), title=label, source=f"{i}.md") for i, label in enumerate(LABELS)
    ]
    train = [
        Example(id=f"t{i}", input=c.question.input, output=c.references[0])
        for i, c in enumerate(_cases(400, random.Random(seed + 1), False))
    ]
    store = RunStore.create(folder, header, items, train=train, dev=train[:40], documents=documents)
    for name, kind, right, seconds, tokens in names:
        _answer_all(store, name, kind, right, seconds, tokens, items, random.Random(f"{seed} {name}"))
    store.record(Warned(approach="rag", text="3 passages were longer than the embedder reads and were cut"))
    if any(kind == "qlora" for _, kind, *_ in names):
        store.record(TrainingFinished(approach="qlora", training=_training()))
    store.write_prior(PRIOR)
    if finished:
        store.finish(Finished(finished="2026-05-04T09:12:44Z", seconds=612.0))
    return store


def _cases(n: int, rng: random.Random, groups: bool) -> list[Case]:
    made = []
    for i in range(n):
        label = rng.choice(LABELS)
        text = rng.choice(OPENERS) + MATTERS[label].format(n=rng.randrange(1000, 9999)) + rng.choice(CLOSERS)
        group = f"customer-{rng.randrange(max(2, n // 3))}" if groups else None
        made.append(Case(question=Question(id=f"c{i:05d}", input=text, group=group), references=(label,), row=i + 2))
    return made


def _header(
    run: str,
    names: tuple[tuple[str, str, float, float, int], ...],
    items: list[Case],
    decision: Decision | None,
    seed: int,
    groups: bool,
) -> RunHeader:
    approaches = tuple(
        ApproachSpec(
            name=name,
            kind=kind,
            options={"few-shot": {"shots": 8}, "rag": {"passages": 4}, "qlora": {"rank": 16, "epochs": 3}}.get(
                kind, {}
            ),
            model=None if kind in ALONE else MODEL,
        )
        for name, kind, *_ in names
    )
    spec = RunSpec(
        name="tickets (made up)",
        task=Task(type="classification", instruction="Name the intent of the customer's message.", labels=LABELS),
        metrics=("accuracy", "macro-f1"),
        approaches=approaches,
        skipped=(
            SkippedApproach(name="qlora+rag", kind="qlora+rag", reason="needs a GPU with 6 GB of memory; none here"),
        ),
        decision=decision
        or Decision(margin=0.02, min_quality=0.8, max_p95_seconds=2.0, monthly_budget_usd=500, error_cost_usd=0.1),
        traffic=Traffic(queries_per_day=5000, horizon_months=12),
        prices=Prices(gpu_hour_usd=2.5, label_usd=0.5, engineer_hour_usd=75),
        data=DataFacts(
            eval_cases=len(items),
            train_examples=400,
            dev_examples=40,
            documents=len(LABELS),
            groups=len({c.question.group for c in items}) if groups else 0,
            broken_rows=1,
            notes=("one file was given: split 60/10/30 into train, dev and test by customer",),
            leaked=tuple(c.question.id for c in items[3:40:20]),
            files={
                "eval": of_value([c.question.id for c in items]),
                "train": of_value("train"),
                "documents": of_value("documents"),
            },
        ),
        seed=seed,
    )
    environment = Environment(
        python="3.11.9",
        platform="Linux-6.1-x86_64",
        packages={"torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.0"},
        device="cpu",
        cores=2,
    )
    fingerprints = {spec.name: of_value({"approach": spec.name, "seed": seed}) for spec in approaches}
    return RunHeader(
        run=run,
        started="2026-05-04T09:02:32Z",
        spec=spec,
        environment=environment,
        price_date="2026-04-30",
        fingerprints=fingerprints,
    )


def _answer_all(
    store: RunStore,
    name: str,
    kind: str,
    right: float,
    seconds: float,
    tokens: int,
    items: list[Case],
    rng: random.Random,
) -> None:
    fingerprint = store.header.fingerprints[name]
    for case in items:
        hard = random.Random(f"hard {case.question.id}").random()
        status: Status = "ok"
        if kind not in ALONE and rng.random() < 0.004:
            status = rng.choice(("error", "timeout"))
        correct = 0.55 * hard + 0.45 * rng.random() < 0.1 + 0.8 * right
        truth = case.references[0]
        said = (
            "other"
            if kind == "floor"
            else truth
            if correct
            else rng.choice([label for label in LABELS if label != truth])
        )
        unreadable = kind == "zero-shot" and not correct and rng.random() < 0.3
        text = "I would say it depends on the customer." if unreadable else said
        asked = status == "ok"
        store.append_answer(
            Answer(
                case=case.question.id,
                approach=name,
                text=text if asked else "",
                status=status,
                error=None if asked else "the endpoint closed the connection",
                prompt_tokens=tokens + len(case.question.input) // 4 if tokens else None,
                completion_tokens=3 if tokens and asked else None,
                seconds=round(seconds * rng.uniform(0.7, 1.4), 6) if seconds else None,
                passages=tuple(_passages(truth, rng)) if kind == "rag" else (),
                prompt=_prompt(kind, case) if tokens else None,
                fingerprint=fingerprint,
            )
        )
        if asked:
            for score in _scores(name, case, None if unreadable else said):
                store.append_score(score)
    if seconds:
        for sample in _latency(name, seconds, items[:100], rng):
            store.append_latency(sample)
    if name == "rag":
        for case in items:
            store.append_score(
                Score(
                    case=case.question.id,
                    approach=name,
                    metric="retrieval-recall@4",
                    version=1,
                    value=float(rng.random() < 0.93),
                )
            )
    store.record(ApproachFinished(approach=name, answered=len(items), failed=0))


def _scores(name: str, case: Case, said: str | None) -> Iterator[Score]:
    for metric in ("accuracy", "macro-f1"):
        hit = float(said == case.references[0])
        yield Score(
            case=case.question.id, approach=name, metric=metric, version=1, value=hit, predicted=said,
            expected=case.references[0], format_failure=said is None,
        )  # fmt: skip


def _latency(name: str, seconds: float, items: list[Case], rng: random.Random) -> Iterator[LatencySample]:
    for case in items:
        took = seconds * 8 * rng.lognormvariate(0, 0.35)
        yield LatencySample(
            case=case.question.id, approach=name, seconds=round(took, 5), ttft_seconds=round(took * 0.6, 5)
        )


def _passages(truth: str, rng: random.Random) -> Iterator[Passage]:
    found = [truth, *rng.sample(LABELS, 3)]
    for label in dict.fromkeys(found):
        yield Passage(
            document=f"doc-{LABELS.index(label)}", index=0, text=_rule(label), title=label, score=round(rng.random(), 4)
        )


def _prompt(kind: str, case: Case) -> str:
    ask = f"Name the intent of the customer's message.\nAnswer with exactly one of: {', '.join(LABELS)}"
    shots = (
        "".join(f"Input: {MATTERS[label].format(n=1234)}\nAnswer: {label}\n\n" for label in LABELS)
        if "few" in kind
        else ""
    )
    found = (
        "".join(f"Passage {i}: {_rule(label)}\n\n" for i, label in enumerate(LABELS[:4], 1)) if kind == "rag" else ""
    )
    return f"{shots}{found}Input: {case.question.input}\n\n{ask}"


def _rule(label: str) -> str:
    return (
        f"Desk rule on {label}: messages of this kind go to the {label} desk. "
        f"Name them '{label}' even when another word fits."
    )


def _training() -> TrainingRecord:
    history = tuple(
        TrainingStep(
            step=step,
            epoch=round(step / 25, 2),
            loss=round(2.1 * 0.96**step + 0.15, 4),
            validation_loss=round(2.2 * 0.955**step + 0.22 + 0.0008 * step, 4) if step % 5 == 0 else None,
            learning_rate=2e-4,
            tokens_per_second=1500.0,
        )
        for step in range(1, 76)
    )
    return TrainingRecord(
        method="qlora", examples=380, validation_examples=20, trained_tokens=3420, steps=75, epochs=3.0, best_step=75,
        best_validation_loss=0.35, stopped="all epochs", seconds=288.4, peak_memory_bytes=1_900_000_000,
        trainable_parameters=221_184, recipe={"rank": 16, "alpha": 32, "learning_rate": 0.0002, "epochs": 3},
        prompt_hash="5b1f", history=history,
    )  # fmt: skip


def fail(store: RunStore, approach: str, error: str) -> None:
    """Marks an approach as failed as a whole."""
    store.record(ApproachFailed(approach=approach, error=error))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--contenders", type=int, default=len(CONTENDERS))
    parser.add_argument("--no-groups", action="store_true")
    options = parser.parse_args()
    write(options.folder, cases=options.cases, contenders=options.contenders, groups=not options.no_groups).close()


if __name__ == "__main__":
    main()
