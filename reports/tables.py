"""The report's tables as rows of ready text, for the page, Markdown and the command line alike. Knows no markup.

for row in main_table(summary).rows: print(row[0].text, row[1].text)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reports import text
from reports.basis import basis, several_models
from reports.metrics import RECALL, facts
from reports.sentences import tested_words
from reports.summary.model import ApproachSummary, ComparisonSummary, Estimate, LatencySummary, Summary

NAMES = 60
"""Characters of an approach's name in a table."""


@dataclass(frozen=True)
class Cell:
    """One cell: the value, and a smaller second line (interval, n, words)."""

    text: str
    note: str = ""
    """Its lines are parted by newlines."""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table with its caption. `marked` are indexes of rows that the verdict recommends."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: tuple[int, ...] = ()
    names: tuple[str, ...] = field(default=())
    """Approach of each row, where rows are approaches."""


def main_table(summary: Summary) -> Table:
    """The one table: quality, difference to the baseline, latency, money, failures. Best quality first."""
    ordered = sorted(summary.approaches, key=lambda a: (a.quality.value is None, -(a.quality.value or 0), a.name))
    against = {c.b: c for c in summary.comparisons if c.primary}
    traffic = summary.header.spec.traffic
    rows = tuple(_main_row(summary, approach, against.get(approach.name)) for approach in ordered)
    baseline = text.one_line(summary.baseline or "the baseline", NAMES)
    return Table(
        caption=f"All approaches on the same {text.count(summary.trust.cases, 'case')}, best {summary.primary.title} "
        "first. Small print: 95 % intervals; of money, from the lowest to the highest prices.",
        head=(
            "Approach",
            summary.primary.title,
            f"Difference to {baseline}",
            "Latency p50 / p95",
            "Cost per 1,000",
            "One-off cost",
            f"Per month at {text.number(traffic.queries_per_day, 0)} a day",
            "Failed answers",
        ),
        rows=rows,
        marked=tuple(i for i, approach in enumerate(ordered) if approach.name == summary.verdict.approach),
        names=tuple(approach.name for approach in ordered),
    )


def _main_row(summary: Summary, approach: ApproachSummary, against: ComparisonSummary | None) -> tuple[Cell, ...]:
    latency, cost = approach.latency, approach.cost
    once = _usd_range(cost.one_off_low_usd, cost.one_off_high_usd) if (cost.one_off_usd or 0) >= 1 else ""
    spread = _usd_range(cost.per_1000_low_usd, cost.per_1000_high_usd)
    return (
        Cell(text.one_line(approach.name, NAMES), _about(summary, approach), numeric=False),
        quality_cell(approach.quality, summary, stopped=bool(approach.stopped), trainings=_trainings(approach)),
        difference_cell(against, summary, approach.name),
        Cell(
            f"{text.seconds(latency.p50_seconds)} / {text.seconds(latency.p95_seconds)}" if latency.n else "–",
            _requests(latency) + ("\ndirect; by batch hours" if approach.batch else ""),
        ),
        Cell(text.money(cost.per_1000_usd), spread or ("no price, see below" if cost.missing else "")),
        Cell(text.amount(cost.one_off_usd), once),
        Cell(text.amount(cost.monthly_usd)),
        Cell(f"{approach.quality.failed:,} of {approach.quality.n:,}", _failure_note(approach)),
    )


def _usd_range(low: float | None, high: float | None) -> str:
    """'$1,400 to $6,300', empty where the prices have no range."""
    return "" if low is None or high is None or low == high else f"{text.money(low)} to {text.money(high)}"


def _requests(latency: LatencySummary) -> str:
    if not latency.n:
        return "not measured"
    few = "\ntoo few for p95" if latency.p95_seconds is None else ""
    return f"{text.count(latency.n, 'request')}\none at a time{few}"


def quality_cell(
    estimate: Estimate, summary: Summary, usual: int | None = None, *, stopped: bool = False, trainings: int = 1
) -> Cell:
    """The primary metric's value over its interval, its n where that is not the usual one, and of what it is a mean."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Cell("–", "no scores")
    unit = summary.primary.unit
    value = text.quality(estimate.value, estimate.low, estimate.high, unit)
    few = f"\nn = {estimate.n:,}" if estimate.n != (summary.trust.cases if usual is None else usual) else ""
    few += ", at stopping: leans away" if stopped else ""
    few += f"\nmean of {trainings} trainings" if trainings > 1 else ""
    return Cell(value, text.interval(estimate.low, estimate.high, unit) + few)


def _trainings(approach: ApproachSummary) -> int:
    return len(approach.seeds.values) if approach.seeds else 1


def difference_cell(against: ComparisonSummary | None, summary: Summary, name: str) -> Cell:
    """A paired difference over its interval and the word for it."""
    if name == summary.baseline:
        return Cell("baseline")
    if against is None:
        return Cell("–", "not compared")
    unit = summary.primary.unit
    ends = text.interval(against.low, against.high, unit, signed=True)
    return Cell(text.difference(against.difference, against.low, against.high, unit), f"{ends}\n{against.words}")


def _about(summary: Summary, approach: ApproachSummary) -> str:
    parts = [
        approach.kind if approach.kind != approach.name else "",
        approach.stopped.partition(",")[0] or approach.state,
    ]
    if approach.name == summary.verdict.approach:
        parts.insert(0, "recommended")
    return ", ".join(part for part in parts if part and part != "complete")


def _failure_note(approach: ApproachSummary) -> str:
    counts = {status: n for status, n in approach.statuses.items() if status != "ok"}
    parts = [f"{n:,} {status}" for status, n in counts.items()]
    if approach.quality.format_failures:
        parts.append(f"{approach.quality.format_failures:,} unreadable")
    return "\n".join(parts)


def metric_table(summary: Summary) -> Table | None:
    """The metrics that do not decide, and retrieval recall; None where there are none."""
    known = {metric.name: metric for metric in summary.metrics[1:]}
    names = [*known, *sorted({n for a in summary.approaches for n in a.metrics if n.startswith(RECALL)})]
    if not names:
        return None
    rows = []
    for approach in summary.approaches:
        cells = [Cell(text.one_line(approach.name, NAMES), numeric=False)]
        for name in names:
            unit = known[name].unit if name in known else "share"
            q = approach.metrics.get(name)
            if q is None or q.value is None:
                cells.append(Cell("–"))
            else:
                ends = f"{text.interval(q.low, q.high, unit)}\nn = {q.n:,}"
                cells.append(Cell(text.quality(q.value, q.low, q.high, unit), ends))
        rows.append(tuple(cells))
    titles = [known[name].title if name in known else facts(name).title for name in names]
    return Table("What else was measured, with 95 % intervals; it does not decide.", ("Approach", *titles), tuple(rows))


def bill_table(summary: Summary) -> Table | None:
    """What each approach's costs are made of; None where no prices are known."""
    per = {"query": "1,000 answers", "once": "once", "month": "a month"}
    rows = []
    for approach in summary.approaches:
        for line in approach.cost.lines:
            ends = _usd_range(line.low_usd, line.high_usd)
            what = line.what + (" (assumed hours)" if line.assumed else "")
            rows.append(
                (
                    Cell(text.one_line(approach.name, NAMES), numeric=False),
                    Cell(what or line.driver, numeric=False),
                    Cell(text.money(line.usd), ends),
                    Cell(per[line.scope], numeric=False),
                )
            )
    if not rows:
        return None
    return Table(
        caption="US dollars at typical prices; small print: from low to high ones. Assumed hours are ours, from a "
        "table: set prices.engineer_hours to yours.",
        head=("Approach", "What", "Dollars", "Paid"),
        rows=tuple(rows),
    )


def break_even_table(summary: Summary) -> Table | None:
    """Where the total costs of two approaches meet; None where no prices are known."""
    if not summary.break_even:
        return None
    errors = any(pair.probability_b_cheaper_with_errors is not None for pair in summary.break_even)
    rows = []
    for pair in summary.break_even:
        first, second = text.one_line(pair.a, NAMES), text.one_line(pair.b, NAMES)
        ends = (
            f"{text.significant(pair.days_low)} to {text.significant(pair.days_high)}"
            if pair.days_low and pair.days_high
            else ""
        )
        cells = [
            Cell(f"{second} against {first}", pair.text, False),
            Cell(text.significant(pair.days) if pair.days else "–", ends),
            Cell(text.quality(round(pair.probability_b_cheaper, 2))),
        ]
        if errors:
            worth = pair.probability_b_cheaper_with_errors
            cells.append(Cell(text.quality(None if worth is None else round(worth, 2))))
        rows.append((*cells, Cell(", ".join(pair.drivers), numeric=False)))
    head = ["Pair", "Days to earn it back", "Chance that the first is cheaper"]
    head += ["The same with the cost of errors"] if errors else []
    return Table(
        caption=f"Total costs over {text.number(summary.header.spec.traffic.horizon_months, 0)} months: 20,000 draws "
        "over traffic, measured amounts, prices and hours; small print: 5 to 95 % of them.",
        head=(*head, "What decides most"),
        rows=tuple(rows),
    )


def _compared(c: ComparisonSummary, summary: Summary) -> str:
    """On how many cases, in how many groups, and whether on the same model where the run has several."""
    groups = f"\n{c.clusters:,} groups" if c.clusters else ""
    models = basis(summary.header.spec, c.a, c.b) if several_models(summary.header.spec) else ""
    return f"n = {c.n:,}{groups}" + (f"\n{models}" if models else "")


def comparison_table(summary: Summary) -> Table:
    """Every declared comparison with its test, then the exploratory ones."""
    unit = summary.primary.unit
    rows = []
    for c in summary.comparisons:
        only = f"{c.b_only:,} / {c.a_only:,}" if c.a_only is not None and c.b_only is not None else "–"
        means = any(_trainings(summary.approach(name)) > 1 for name in (c.a, c.b))
        rows.append(
            (
                Cell(
                    f"{text.one_line(c.b, NAMES)} against {text.one_line(c.a, NAMES)}",
                    "" if c.primary else "exploratory",
                    False,
                ),
                Cell(
                    text.difference(c.difference, c.low, c.high, unit), text.interval(c.low, c.high, unit, signed=True)
                ),
                Cell(
                    text.p_value(c.p),
                    f"adjusted: {text.p_value(c.p_adjusted)}" if c.family else "reference, not adjusted",
                ),
                Cell(only, "higher in the mean of trainings" if means else ""),
                Cell(text.difference(c.detectable, 0, c.detectable, unit).lstrip("+") if c.detectable else "–"),
                Cell(c.words, _compared(c, summary), False),
            )
        )
    return Table(
        caption=f"Paired differences on the same cases, 95 % intervals. {' '.join(tested_words(summary))}",
        head=("Comparison", "Difference", "Test", "Only first / second right", "Detectable", "In words"),
        rows=tuple(rows),
    )
