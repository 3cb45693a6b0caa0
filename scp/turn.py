"""Whose turn it is: of all associations, one at a time is worked for.

The interpreter runs one thread at a time in any case. But it changes to another one whenever a thread enters a system
call, however short, and many associations at once would spend as much time on such changes as on the work itself. So
whoever works has the turn, keeps it through everything that is short, and hands it on where it has to wait: for its
peer, for the disk, or for another association. Such waits are made with :func:`aside`; to forget one costs the others
time, while a wait *for another association* without it would never end.

The lock behind it goes to whoever comes first, which is cheap, and may be the same one again and again if its peer
never waits for an answer. So who has waited for long says so, and as long as somebody does, all others step back a
little.

Threads that never take the turn, those of the console and of upkeep, are not concerned.
"""

import threading
from collections.abc import Callable
from threading import get_ident
from time import sleep
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE: Final = 0.005
"""Seconds after which who waits says so: the work for some instances."""
_COURTESY: Final = 0.0005
"""Seconds for which the others step back then: longer than it takes a thread to wake up."""

_lock = threading.Lock()
_holder = 0
_counting = threading.Lock()
_impatient = 0


def take() -> None:
    """Wait for the turn, and have it from now on."""
    global _holder, _impatient
    if not _lock.acquire(timeout=_PATIENCE):
        with _counting:
            _impatient += 1
        _lock.acquire()
        with _counting:
            _impatient -= 1
    _holder = get_ident()


def leave() -> None:
    """Hand the turn on. Only for who has it."""
    global _holder
    _holder = 0
    _lock.release()


def aside(wait: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call what waits, without the turn meanwhile; it is the caller's again when this returns or raises."""
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
    """Hand the turn on for a moment if somebody has waited for it for long. Only for who has it."""
    if _impatient:
        aside(sleep, 0)


def acquire(lock: threading.Lock) -> None:
    """Acquire a lock that others may hold for long, or while they wait for the turn."""
    if not lock.acquire(blocking=False):
        aside(lock.acquire)
