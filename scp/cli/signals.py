"""Signals as numbers to be read one after the other, by the main thread and outside any handler."""

import signal
import socket
from collections.abc import Iterator


class Signals:
    """The signals of some kinds that the process gets from now on. Make it in the main thread, once.

    The kernel may give a signal to any thread, and Python runs handlers in the main thread only when that executes
    code: one that waits for a lock may sleep through it. So the number comes through a socket that the interpreter
    writes in whichever thread was interrupted.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda *_: None)

    def __iter__(self) -> Iterator[signal.Signals]:
        """Wait for signals, for ever."""
        while True:
            yield signal.Signals(self._reading.recv(1)[0])

    def close(self) -> None:
        """Leave the signals to their handlers."""
        signal.set_wakeup_fd(-1)
        self._reading.close()
        self._writing.close()
