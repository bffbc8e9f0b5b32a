"""A written page to PDF, through a Chromium that is installed here. Downloads nothing, needs no network.

write_pdf(folder / "report.html")           # -> folder / "report.pdf", on A4

The page itself names no paper: printed by hand it takes what the reader's printer has. A browser that prints to a file
takes Letter unless a style says otherwise, so the paper is said in a copy of the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Literal, get_args

from reports.errors import EnvironmentFault, UsageError

Paper = Literal["a4", "letter"]
_BESIDE = re.compile(r'<a href="[^"#:]*">')
PAPERS: tuple[Paper, ...] = get_args(Paper)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-pdf-header-footer",
)
SECONDS = 120


def write_pdf(page: Path, paper: str = "a4") -> Path:
    """The PDF beside the page. Raises UsageError for another paper than A4 or Letter, EnvironmentFault where no browser
    is installed or it writes no file.
    """
    if paper not in PAPERS:
        raise UsageError(f"Unknown paper '{paper}'", hint=f"Choose from {', '.join(PAPERS)}.")
    browser = find_browser()
    if browser is None:
        raise EnvironmentFault(
            f"No Chromium is installed, so {page.name} cannot be made a PDF",
            hint="Install chromium or Google Chrome (or name one in the variable BROWSER_PATH), or print the HTML "
            "report from any browser: it has a print layout.",
        )
    target = page.with_suffix(".pdf")
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="report-pdf-") as profile:
        sized = Path(profile) / page.name
        sized.write_text(on_paper(page.read_text(encoding="utf-8"), paper), encoding="utf-8")
        command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={target}", sized.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentFault(
                f"{browser} could not print {page.name}: {error}", hint="Print it by hand."
            ) from error
    if not target.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentFault(f"{browser} wrote no PDF of {page.name}: {last}", hint="Print the page by hand.")
    return target


def on_paper(html: str, paper: str) -> str:
    """The page with the size of its paper said at the end of its head, without links to the pages beside it: in a PDF
    that is handed on they would lead into this machine's folders.
    """
    head, end, body = _BESIDE.sub("<a>", html).partition("</head>")
    return f"{head}<style>@page {{ size: {paper} }}</style>{end}{body}" if end else html


def find_browser() -> str | None:
    """Path of an installed Chromium or Chrome; the variable BROWSER_PATH comes first."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return named if Path(named).is_file() else None
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)
