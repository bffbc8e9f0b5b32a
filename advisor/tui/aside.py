"""Work that blocks, off the screen's loop: `prepared = await aside(plan.prepare, project)`.

A daemon thread, not a pool: a thread cannot be cancelled, and a pool's threads are waited for when the program ends
(measured: exit asked for after 0.3 s came after 4.0 s). What lasts longer than seconds belongs into a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def found(name: str) -> Any:
    """A function that is not imported yet, `module:function`; imported aside, so that keys are answered meanwhile."""
    module, _, function = name.partition(":")
    return getattr(await aside(import_module, module), function)


async def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The result of `work(*args, **kwargs)`, or what it raised. Cancelling lets go of the thread."""
    loop, name = asyncio.get_running_loop(), f"aside-{getattr(work, '__name__', 'work')}"
    future: asyncio.Future[R] = loop.create_future()

    def settle(result: R | None, error: BaseException | None) -> None:
        if future.done():
            if error is not None:  # nobody awaits it any more: the loop tells it, as of a task that nobody awaits
                loop.call_exception_handler({"message": f"{name} failed after it was let go", "exception": error})
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result, failed = None, None
        try:
            result = work(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - whatever it is, whoever awaits gets it, or would wait for ever
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future
