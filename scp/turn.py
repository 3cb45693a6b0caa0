"""Whose turn it is: of all associations, one at a time is worked for.

The interpreter runs one thread at a time in any case. But it changes to another one whenever a thread enters a system
call, however short, and many associations at once would spend as much time on such changes as on the work itself. So
whoever works has the turn, keeps it through everything that is short, and hands it on where it has to wait: for its
peer, for the disk, or for another association. Such waits are made with :func:`aside`; to forget one costs the others
time, while a wait *for another association* without it would never end.

Threads that never take the turn, those of the console and of upkeep, are not concerned.
"""

import threading
from collections.abc import Callable
from threading import get_ident
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_holder = 0


def take() -> None:
    """Wait for the turn, and have it from now on."""
    global _holder
    _lock.acquire()
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
        take()


def acquire(lock: threading.Lock) -> None:
    """Acquire a lock that others may hold for long, or while they wait for the turn."""
    if not lock.acquire(blocking=False):
        aside(lock.acquire)
