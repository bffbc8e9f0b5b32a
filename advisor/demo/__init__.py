"""The bundled model, its generator and training script, and the demo projects. Importing this costs nothing.

from advisor.demo import model_folder, project_folder
project_folder("tickets") / "advisor.yaml"
"""

from __future__ import annotations

from pathlib import Path

PROJECTS = ("tickets", "handbook", "orders")


def model_folder() -> Path:
    """Folder of the bundled model: config, weights, tokenizer and card, as transformers reads them."""
    return Path(__file__).parent / "model"


def project_folder(name: str) -> Path:
    """Folder of a bundled demo project (one of PROJECTS). Raises ValueError for another name."""
    if name not in PROJECTS:
        raise ValueError(f"no demo project named {name!r}; there are {', '.join(PROJECTS)}")
    return Path(__file__).parent / "projects" / name
