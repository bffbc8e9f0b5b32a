"""What a training did to the model besides the task, in words: what it forgot, and how its answers read.

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


def sampled_words(training: TrainingRecord) -> str:
    """'100 % keep the form of the data (69 % before), none repeats itself'; empty where nothing was sampled."""
    heard = [point for point in training.history if point.format_rate is not None and point.repetition is not None]
    if len(heard) < 2:
        return ""
    first, best = heard[0], min(heard[1:], key=lambda point: abs(point.step - training.best_step))
    assert first.format_rate is not None
    assert best.format_rate is not None
    repeated = f"{text.share(best.repetition)} repeat themselves" if best.repetition else "none repeats itself"
    kept = f"{text.share(best.format_rate)} keep the form of the data ({text.share(first.format_rate)} before)"
    return f"{kept}, {repeated}"


def forgetting_cautions(name: str, training: TrainingRecord | None) -> Iterator[str]:
    """A sentence for each set of tasks on which a loss is shown."""
    for probe in training.forgetting if training else ():
        if probe.words == "lost":
            yield (
                f"{name} forgot: of {probe.items:,} tasks ({probe.name}) it solves {text.share(probe.after)} "
                f"instead of {text.share(probe.before)}."
            )
