"""What the interview alone suggests: ranking, probability, domain tier, reasons, similar published cases.

panel = PriorPanel(); panel.update_record(record)          # a reports.prior.PriorRecord
in_one_line(record)                                        # for a small window
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from advisor.tui.plain import MUTED, joined, line, plain
from reports.text import count, share, significant

if TYPE_CHECKING:
    from reports.prior import PriorRecord, SimilarCase

BAR = 20
"""Cells of the bar of a probability."""
WINNERS = {"finetune": "tuned won", "rag": "rag won", "prompt": "prompt won", "rag+ft": "rag+tuned won", "tie": "a tie"}
TIERS = {"high": "▲ high", "moderate": "◆ moderate", "low": "▼ low", "unknown": "? unknown"}


class PriorPanel(VerticalScroll):
    """The guess before anything was measured."""

    BORDER_TITLE = "What the answers suggest"

    def compose(self) -> ComposeResult:
        yield Static(" ", id="prior-text")

    def update_record(self, record: PriorRecord, questions: int) -> None:
        """Shows another guess. `questions`: how many there are."""
        said = Content("\n\n").join(
            part
            for part in (_head(record), _ranking(record), _tier(record), _reasons(record), _similar(record))
            if part
        )
        left = len(record.unanswered)
        note = f"\n\n{count(left, 'question')} of {questions} unanswered. " if left else "\n\n"
        note += "A guess worth about eight cases: what is measured overrides it."
        self.query_one("#prior-text", Static).update(joined(said, Content.styled(note, MUTED)))


def in_one_line(record: PriorRecord) -> Content:
    """The head of the guess for a small window."""
    return joined(
        Content.styled(f"{record.ranking[0].capitalize()} first", "bold"),
        f" · chance that tuning pays {share(record.probability)} ",
        _bar(record.probability, 10),
        Content.styled("  v shows why", MUTED),
    )


def _head(record: PriorRecord) -> Content:
    return joined(
        "Chance that fine-tuning is worth it: ",
        Content.styled(share(record.probability), "bold"),
        "\n",
        _bar(record.probability, BAR),
        Content.styled(f"\nagainst a current frontier model {share(record.probability_frontier)}", MUTED),
    )


def _bar(part: float, cells: int) -> Content:
    filled = round(part * cells)
    return Content.styled("━" * filled, "$primary") + Content.styled("━" * (cells - filled), "$foreground 20%")


def _ranking(record: PriorRecord) -> Content:
    rows = [Content.styled("To try first", "$accent bold")]
    rows += [
        joined(Content.styled(f"{place}  ", MUTED), line(family, "bold" if place == 1 else ""))
        for place, family in enumerate(record.ranking, start=1)
    ]
    return Content("\n").join(rows)


def _tier(record: PriorRecord) -> Content:
    return joined(
        Content.styled("What tuning brings in this domain", "$accent bold"),
        f"\n{TIERS[record.tier]}: ",
        plain(record.tier_reason),
    )


def _reasons(record: PriorRecord) -> Content | None:
    if not record.reasons:
        return None
    rows = [Content.styled("Why", "$accent bold"), *(joined("• ", plain(reason)) for reason in record.reasons)]
    return Content("\n").join(rows)


def _similar(record: PriorRecord) -> Content | None:
    if not record.similar:
        return None
    rows = [Content.styled("Similar published cases", "$accent bold")]
    for case in record.similar:
        scores = "  ".join(f"{name} {significant(value, 3)}" for name, value in _arms(case) if value is not None)
        rows.append(
            joined(
                "• ",
                line(case.task, limit=90),
                Content.styled(f"\n  {scores} ({case.metric}), ", MUTED),
                line(WINNERS.get(case.winner, case.winner), "bold"),
                Content.styled("; ", MUTED),
                line(case.source, MUTED, 60),
            )
        )
    return Content("\n").join(rows)


def _arms(case: SimilarCase) -> list[tuple[str, float | None]]:
    return [("prompt", case.prompt), ("rag", case.rag), ("tuned", case.finetune), ("rag+tuned", case.rag_finetune)]
