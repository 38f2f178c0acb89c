"""Asks what may never answer, from threads that may be left: a dead mount holds who touches it."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 2.0
"""A file server that lives answers in milliseconds, one under load within a second (our own bound)."""
_late: dict[str, threading.Thread] = {}
"""By what was asked: the thread that waits for it still. Nobody is sent after it."""


class SilentError(TimeoutError):
    """Nothing was answered in time."""


def is_silent(where: str) -> bool:
    """True while one who asked there still waits."""
    thread = _late.get(where)
    return thread is not None and thread.is_alive()


def is_any_silent() -> bool:
    """False while everything that was asked has answered, as nearly always."""
    return any(thread.is_alive() for thread in list(_late.values()))


def silence(where: str, patience_s: float | None = None) -> SilentError:
    """The error that says so."""
    seconds = PATIENCE_S if patience_s is None else patience_s
    return SilentError(errno.ETIMEDOUT, f"does not answer within {seconds:g} s", where)


def patiently(ask: Callable[[], T], where: str | Callable[[], str], patience_s: float | None = None) -> T:
    """What `ask` returns or raises; `SilentError` when that takes longer, at once while another waits.

    `where` names what is asked; a function is called when the time is over.
    """
    if isinstance(where, str) and is_silent(where):
        raise silence(where, patience_s)
    answers: list[T] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(ask())
        except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is waited for
            problems.append(problem)

    thread = threading.Thread(target=work, name="doctor-asks", daemon=True)
    thread.start()
    thread.join(PATIENCE_S if patience_s is None else patience_s)
    if answers:
        return answers[0]
    if problems:
        raise problems[0]
    name = where if isinstance(where, str) else where()
    _late[name] = thread
    raise silence(name, patience_s)


async def aside(function: Callable[[], T]) -> T:
    """Like `asyncio.to_thread`, in a thread of its own that nobody waits for who leaves."""
    import asyncio

    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def answer(settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            loop.call_soon_threadsafe(lambda: None if future.done() else settle())

    def work() -> None:
        try:
            result = function()
        except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is awaited
            failure = problem
            answer(lambda: future.set_exception(failure))
        else:
            answer(lambda: future.set_result(result))

    threading.Thread(target=work, name="doctor", daemon=True).start()
    return await future
