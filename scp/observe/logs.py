"""structlog's set-up: JSON lines for programs, coloured lines for people; messages of libraries are kept out.

Libraries may put values of a Data Set into their messages and warnings. So of a library's log record only its place
and the type of its error are logged, and its warnings are not logged at all.
"""

import logging
import os
import select
import sys
import threading
import warnings
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from stat import S_ISREG
from typing import Any, Final, Literal, NamedTuple, TextIO

import orjson
import structlog

from scp.errors import place_of

Format = Literal["auto", "json", "console"]
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_LIBRARIES: Final = ("pynetdicom", "pydicom")
_PATIENCE_MS: Final = 2_000
"""How long to wait, in milliseconds, for a reader of the log that has stopped reading."""
_TERMINAL_BYTES: Final = 128
"""Most bytes in one write to a terminal: ready for output, it has room for these, as a pipe has for PIPE_BUF.

A longer write could block for ever.
"""


class _Lines:
    """Writes each line at once to a stream whose reader may go away or stop reading; that only costs lines.

    The first line after the reader has stopped waits for it a while; further lines are dropped at once until it reads
    again. Then the rest of a line that was written in part comes first.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._outlet = _outlet_of(stream)
        self._patience = _PATIENCE_MS
        self._rest = b""

    def write(self, line: str | bytes) -> None:
        whole = (line.encode(self._stream.encoding, "backslashreplace") if isinstance(line, str) else line) + b"\n"
        with self._lock, suppress(OSError, ValueError):
            if self._outlet is None:
                self._stream.buffer.write(whole)
                self._stream.buffer.flush()
                return
            self._rest = self._pour(self._rest)
            if not self._rest:
                left = self._pour(whole)
                self._rest = left if len(left) < len(whole) else b""

    debug = info = warning = error = critical = write

    def _pour(self, text: bytes) -> bytes:
        """Write for as long as the reader takes it, and return what is left. Raises OSError."""
        assert self._outlet
        descriptor, most, wait = self._outlet
        while text:
            if not wait(self._patience):
                self._patience = 0
                break
            self._patience = _PATIENCE_MS
            text = text[os.write(descriptor, text[:most]) :]
        return text


class _Outlet(NamedTuple):
    """A stream whose reader may be slow: once ``wait`` returns something, it takes ``most`` bytes without blocking."""

    descriptor: int
    most: int
    wait: Callable[[int], object]


def _outlet_of(stream: TextIO) -> _Outlet | None:
    """Return how to write to a stream without blocking; None if it always takes a line, as a file does."""
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        if not S_ISREG(os.fstat(descriptor).st_mode):
            stream.flush()  # from here on its descriptor is written to directly
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            return _Outlet(descriptor, _TERMINAL_BYTES if os.isatty(descriptor) else select.PIPE_BUF, poll.poll)
    return None


def configure(log_format: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging for the whole process; without a ``stream``, to standard output."""
    stream = stream or sys.stdout
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    lines = _Lines(stream)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=stream.isatty()),
        ]
        if console
        else [_stamped_json],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    _quiet_libraries()


def _stamped_json(_logger: Any, level: str, event: MutableMapping[str, Any]) -> bytes:
    """Return a line as JSON: the event first, the time in UTC last, in the form of structlog's TimeStamper."""
    line = {"event": event.pop("event"), **event, "level": level, "timestamp": datetime.now(UTC)}
    return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)


class _Discreet(logging.Handler):
    """Logs that a library reported an error, and where, but never the message."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger().log(
            record.levelno,
            "library",
            library=record.name,
            line=record.lineno,
            **({"error": error} if error else {}),
        )


def _quiet_libraries() -> None:
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = [_Discreet(logging.ERROR)]
        logger.setLevel(logging.ERROR)
        logger.propagate = False
    warnings.filterwarnings("ignore", module="pydicom|pynetdicom")
    threading.excepthook = _thread_failed


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    where = place_of(args.exc_value) if args.exc_value else "?"
    structlog.get_logger().error("thread_failed", error=args.exc_type.__name__, place=where)
