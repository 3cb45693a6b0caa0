"""Signals as values that the main thread reads one after the other, outside any handler."""

import signal
import socket
from collections.abc import Iterator


class Signals:
    """The signals with some numbers that the process gets from now on. To be made once, in the main thread.

    The kernel may interrupt any thread, but Python runs handlers in the main thread only, and only when that executes
    code: while it waits for a lock, it may not notice. So signals are read from a socket, into which the interpreter
    writes their numbers from whichever thread was interrupted.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda *_: None)

    def __iter__(self) -> Iterator[signal.Signals]:
        """Wait for signals and yield them, without end."""
        while True:
            yield signal.Signals(self._reading.recv(1)[0])

    def close(self) -> None:
        """Read no more signals; their handlers, which do nothing, stay in place."""
        signal.set_wakeup_fd(-1)
        self._reading.close()
        self._writing.close()
