"""The user's own keys and theme, below the XDG config folder. A broken file is told about, never a reason not to start.

    ~/.config/approach-advisor/keys.json      {"run.pause": "f7", "next": "n,f10"}
    ~/.local/state/approach-advisor/theme     advisor-light

The ids are those of advisor.tui.actions; `?` shows the keys that are in force.
"""

from __future__ import annotations

import json
from pathlib import Path

from advisor.user_folders import config_folder, state_folder
from reports.errors import UsageError


def read_keys() -> dict[str, str]:
    """Action id to keys. Raises UsageError that names the file and what is wrong in it; empty without a file."""
    file = config_folder() / "keys.json"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", "the usual keys are in force") from error
    try:
        read = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{file}: not valid JSON: {error}", "the usual keys are in force") from error
    return _checked(file, read)


def _checked(file: Path, read: object) -> dict[str, str]:
    from advisor.tui.actions import ACTIONS

    known = [action.id for action in ACTIONS]
    if not isinstance(read, dict) or not all(isinstance(value, str) and value for value in read.values()):
        raise UsageError(f'{file}: must be like {{"next": "n,f10"}}', "the usual keys are in force")
    unknown = [key for key in read if key not in known]
    if unknown:
        raise UsageError(f"{file}: there is no action {unknown[0]!r}", f"known: {', '.join(known)}")
    return {str(key): str(value) for key, value in read.items()}


def remembered_theme() -> str:
    """The theme that was chosen last; empty where none was."""
    try:
        return (state_folder() / "theme").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def remember_theme(name: str) -> None:
    """Keeps the theme for the next start, where the disk allows."""
    try:
        state_folder().mkdir(parents=True, exist_ok=True)
        (state_folder() / "theme").write_text(name + "\n", encoding="utf-8")
    except OSError:
        pass
