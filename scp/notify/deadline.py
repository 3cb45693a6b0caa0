"""A deadline for a whole answer: a socket's own timeout begins anew with every byte that arrives."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_AGAIN: Final = 0.2
"""Seconds after which the connection is shut down once more: at first it may not exist yet, or be in a handshake."""


@contextmanager
def within(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Limit the time of a ``with`` block: after ``seconds``, shut the connection down.

    Raises TimeoutError in place of the error that this causes in the block.
    """
    done, is_over = threading.Event(), threading.Event()

    def watch() -> None:
        if done.wait(seconds):
            return
        is_over.set()
        while not done.is_set():
            with suppress(OSError):
                if sock := connection():
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # an SSLSocket's own would end TLS under its reader
            done.wait(_AGAIN)

    watcher = threading.Thread(target=watch, name="notify-deadline", daemon=True)
    watcher.start()
    try:
        yield
    except Exception:
        if is_over.is_set():
            raise TimeoutError from None
        raise
    finally:
        done.set()
        watcher.join()
