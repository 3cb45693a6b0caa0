"""Whose turn it is: of all associations, only one is worked for at a time.

The interpreter runs one thread at a time anyway. But it switches to another whenever a thread enters a system call,
however short, and many associations at once would spend as much time on switching as on the work itself. So the thread
that works has the turn. It keeps the turn through everything that is short, and hands it on where it has to wait: for
its peer, for the disk, or for another association. Such waits are made with :func:`aside`. Without it, a wait costs
all others time, and a wait *for another association* would never end.

The lock behind this goes to whoever comes first. That is cheap, but it may be the same thread again and again if its
peer never waits for an answer. So a thread that has waited for long says so, and as long as one does, all others step
back a little.

Threads that never take the turn, such as those of the console and of upkeep, are not affected.
"""

import threading
from collections.abc import Callable
from threading import get_ident
from time import sleep
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE: Final = 0.005
"""Seconds after which a waiting thread says so: about the work for a few instances."""
_COURTESY: Final = 0.0005
"""Seconds for which the others then step back: longer than it takes a thread to wake up."""

_lock = threading.Lock()
_holder = 0
_counting = threading.Lock()
_impatient = 0


def take() -> None:
    """Wait for the turn, and take it."""
    global _holder, _impatient
    if not _lock.acquire(timeout=_PATIENCE):
        with _counting:
            _impatient += 1
        _lock.acquire()
        with _counting:
            _impatient -= 1
    _holder = get_ident()


def leave() -> None:
    """Hand the turn on. Only the thread that has it may call this."""
    global _holder
    _holder = 0
    _lock.release()


def aside(wait: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call what waits, without the turn. A caller that had the turn has it again when this returns or raises."""
    if _holder != get_ident():
        return wait(*arguments, **named)
    leave()
    try:
        return wait(*arguments, **named)
    finally:
        if _impatient:
            sleep(_COURTESY)
        take()


def offer() -> None:
    """Hand the turn on for a moment if somebody has waited long for it. Only the thread that has it may call this."""
    if _impatient:
        aside(sleep, 0)


def acquire(lock: threading.Lock) -> None:
    """Acquire a lock that others may hold for a long time, or while they wait for the turn."""
    if not lock.acquire(blocking=False):
        aside(lock.acquire)
