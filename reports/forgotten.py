"""What a training made the model forget, in words: a fact of the method, and a caution where it is shown.

forgetting_words(training.forgetting[0])       # "42 % of 120 solved before, 41 % after (…): kept, no worse than …"
"""

from __future__ import annotations

from collections.abc import Iterator

from reports import text
from reports.run.schema import Forgetting, TrainingRecord


def forgetting_words(probe: Forgetting) -> str:
    """'42 % of 120 solved before, 41 % after (−2.6 to +1.0 points): kept'."""
    interval = text.interval(probe.low90, probe.high90, signed=True)
    verdict = {
        "kept": f"kept, no worse than by {100 * probe.margin:.0f} points",
        "lost": f"lost: {text.count(probe.lost_count, 'task')} solved before no more",
        "not shown": f"too few tasks to show that no more than {100 * probe.margin:.0f} points are lost",
    }[probe.words]
    return (
        f"{text.share(probe.before)} of {probe.items:,} solved before, {text.share(probe.after)} after "
        f"({interval} points, 90 % interval): {verdict}"
    )


def forgetting_cautions(name: str, training: TrainingRecord | None) -> Iterator[str]:
    """A sentence for each set of tasks on which a loss is shown."""
    for probe in training.forgetting if training else ():
        if probe.words == "lost":
            yield (
                f"{name} forgot: of {probe.items:,} tasks ({probe.name}) it solves {text.share(probe.after)} "
                f"instead of {text.share(probe.before)}."
            )
