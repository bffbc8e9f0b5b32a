"""Everything that can be said about a stored run, as numbers: the one source of app, page, Markdown, CSV and JSON.

summary = summarise(RunStore.open(folder)); print(summary.verdict.headline); summary.document()
"""

from __future__ import annotations

from reports.summary.build import summarise
from reports.summary.model import Summary

__all__ = ["Summary", "summarise"]
