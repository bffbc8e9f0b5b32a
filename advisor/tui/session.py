"""What is open in the app: the project, its draft and plan, the run that is shown, the run under way.

    session.folder        the project's folder, None before one is opened
    session.project       the validated file; None for a draft that was not saved yet
    session.interview     answers by field id, as in the project file; edited by the interview, saved with the project
    session.sources       the data files by role; of a project those of its file, of a draft those picked so far
    session.task          the task type that was said for a draft; None: guessed
    session.prepared      the plan with its data; None until it was prepared, and again after a change
    session.run           folder of the run that results, answers and report show
    session.reading()     that run's RunStore, open for reading (cached; no lock)
    session.asked         that run's numbers (reports.what_if.WhatIf), None before they were read or after a change
    session.rule          the rule that somebody is trying out on them; None: the run's own
    session.answers_filter, answers_place    where somebody was reading
    session.feed          the run under way, or the one that ended last in this app (advisor.tui.feed.Feed)

Plain state, no widgets and no computing. Screens read it when they open (each visit builds a fresh screen) and write to
it; what a screen wants to remember between two visits gets a typed field here. Everything heavy is imported late: the
first paint waits for this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.data_view import Role
    from advisor.plan import Prepared
    from advisor.project import Project
    from advisor.tui.feed import Feed
    from baselines.source import Source
    from reports.run.schema import TaskType
    from reports.run.store import RunStore
    from reports.what_if import Rule, WhatIf


@dataclass
class Session:
    """One for the whole app, at `app.session` and `screen.session`."""

    folder: Path | None = None
    project: Project | None = None
    interview: dict[str, Any] = field(default_factory=dict)
    sources: dict[Role, Source] = field(default_factory=dict)
    task: TaskType | None = None
    prepared: Prepared | None = None
    run: Path | None = None
    feed: Feed | None = None
    asked: WhatIf | None = None
    rule: Rule | None = None
    answers_filter: str = ""
    answers_place: int = 0
    _store: RunStore | None = None

    @property
    def running(self) -> bool:
        """Whether a run is under way in this app."""
        return self.feed is not None and self.feed.state == "running"

    def opened(self, project: Project) -> None:
        """Another project, or the same one after a change: what was derived from the old one is dropped."""
        if self.folder != project.folder:
            self.show_run(None)
        self.folder, self.project, self.prepared = project.folder, project, None
        self.interview = dict(project.interview)
        roles: tuple[Role, ...] = ("eval", "train", "dev", "documents")
        self.sources = {role: source for role in roles if (source := getattr(project.data, role)) is not None}
        self.task = project.task.type

    def begun(self, folder: Path) -> None:
        """A project that is not written yet."""
        self.folder, self.project, self.prepared, self.interview = folder.absolute(), None, None, {}
        self.sources, self.task = {}, None
        self.show_run(None)

    def show_run(self, folder: Path | None) -> None:
        """The run that results, answers and report are about; None: no run."""
        self.run, self._store, self.asked, self.rule = folder, None, None, None
        self.answers_filter, self.answers_place = "", 0

    def reading(self) -> RunStore:
        """The shown run, open for reading. Raises UsageError without one, and as RunStore.open does."""
        from reports.errors import UsageError
        from reports.run.store import RunStore

        if self.run is None:
            raise UsageError("no run is open", "choose one under Welcome, or start one under Plan")
        if self._store is None:
            self._store = RunStore.open(self.run)
        return self._store

    def lacks(self, screen: str) -> str:
        """Why a step cannot be shown yet; empty where it can."""
        if screen in ("interview", "data", "plan") and self.folder is None:
            return "Open a project first, begin one, or try a demo."
        if screen == "plan" and self.project is None:
            return "Name the eval file first: Data, key 3."
        if screen == "run" and self.feed is None:
            return "No run is under way: Plan, key 4, starts one; Welcome, key 1, resumes one."
        if screen in ("results", "answers", "review", "report", "next") and self.run is None:
            return "There is no run to show yet: Plan, key 4, starts one; Welcome, key 1, opens one."
        return ""
