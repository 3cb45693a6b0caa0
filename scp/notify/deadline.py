"""A deadline for an answer as a whole: the timeout of a socket begins anew with every byte of the other side."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_AGAIN: Final = 0.2
"""Seconds until a connection is shut again, as it may not have been there, or in the hands of a handshake."""


@contextmanager
def within(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut a connection if what is done here takes longer. Raises TimeoutError instead of what comes of that."""
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
