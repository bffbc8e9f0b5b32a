"""The bundled model, its generator and training script, and the demo projects. Importing this costs nothing.

from advisor.demo import model_folder, project_folder
project_folder("tickets") / "advisor.yaml"
"""

from __future__ import annotations

from pathlib import Path

PROJECTS = ("tickets", "handbook", "orders")
SHOWS = {
    "tickets": "Messages to queues of a house scheme that no guideline conveys: training should matter.",
    "handbook": "Facts that stand only in documents: retrieval should matter.",
    "orders": "Three fields out of a mail: a plain prompt should do.",
}
"""What each demo is there to show, a sentence each."""


def model_folder() -> Path:
    """Folder of the bundled model: config, weights, tokenizer and card, as transformers reads them."""
    return Path(__file__).parent / "model"


def project_folder(name: str) -> Path:
    """Folder of a bundled demo project (one of PROJECTS). Raises ValueError for another name."""
    if name not in PROJECTS:
        raise ValueError(f"no demo project named {name!r}; there are {', '.join(PROJECTS)}")
    return Path(__file__).parent / "projects" / name


def copy_project(name: str, out: Path) -> Path:
    """A demo project of the user's own, in `out`/`name`; its files are replaced where they stand there already."""
    import shutil

    folder = out / name
    shutil.copytree(project_folder(name), folder, dirs_exist_ok=True)
    return folder
