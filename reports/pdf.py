"""A written page to PDF, through a Chromium that is installed here. Downloads nothing, needs no network.

write_pdf(folder / "report.html")           # -> folder / "report.pdf"
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from reports.errors import EnvironmentFault

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


def write_pdf(page: Path) -> Path:
    """The PDF beside the page. Raises EnvironmentFault where no browser is installed or it writes no file."""
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
        command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={target}", page.resolve().as_uri()]
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


def find_browser() -> str | None:
    """Path of an installed Chromium or Chrome; the variable BROWSER_PATH comes first."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return named if Path(named).is_file() else None
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)
