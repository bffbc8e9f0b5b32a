"""Opens the app on this terminal, or serves it to a browser on this machine. Called by `advisor` without a command.

advisor                 advisor --no-mouse                advisor --web
"""

from __future__ import annotations

import shlex
import sys

from reports.errors import EnvironmentFault

PORT = 8000
HOST = "127.0.0.1"
"""Loopback alone: the app reads and writes files as the user."""


def open_app(*, mouse: bool = True) -> None:
    """The app until the user leaves it."""
    from advisor.tui.app import AdvisorApp

    AdvisorApp().run(mouse=mouse)


def serve(port: int = PORT) -> None:
    """Serves the app until Ctrl+C. Raises EnvironmentFault without the extra `web`, or where the port is taken."""
    try:
        from textual_serve.server import Server
    except ImportError as error:
        raise EnvironmentFault(
            "the app in a browser needs the extra web", "pip install 'approach-advisor[web]'"
        ) from error
    _refuse_taken(port)
    command = shlex.join([sys.executable, "-P", "-m", "advisor.tui"])
    Server(command, host=HOST, port=port, title="Approach Advisor").serve()


def _refuse_taken(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EnvironmentFault(
                f"port {port} of {HOST} is taken: {error.strerror}", "name another one with --port"
            ) from error
