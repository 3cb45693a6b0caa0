"""structlog set-up: JSON lines for machines, colours for people, and nothing that others say unasked.

Libraries may put values of a Data Set into their messages and warnings. So of a library's log record only its place
and the type of its error are passed on, and its warnings not at all.
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
from typing import IO, Any, AnyStr, Final, Generic, Literal, TextIO

import orjson
import structlog

from scp.errors import place_of

Format = Literal["auto", "json", "console"]
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_LIBRARIES: Final = ("pynetdicom", "pydicom")
_PATIENCE_MS: Final = 2_000
"""For so long everybody waits for a reader of the log that has stopped reading."""


class _Lines(Generic[AnyStr]):
    """Writes lines, each at once, to a stream whose reader may go away or stop: they are lost then, but nothing else.

    One that has stopped is waited for once, and has lines again from when it reads on.
    """

    def __init__(self, stream: IO[AnyStr], end: AnyStr) -> None:
        self._stream: IO[AnyStr] = stream
        self._end: AnyStr = end
        self._lock = threading.Lock()
        self._wait = _waiting_for(stream)
        self._patience = _PATIENCE_MS

    def write(self, line: AnyStr) -> None:
        with self._lock, suppress(OSError, ValueError):
            if self._wait and not self._wait(self._patience):
                self._patience = 0
                return
            self._patience = _PATIENCE_MS
            self._stream.write(line + self._end)
            self._stream.flush()

    debug = info = warning = error = critical = write


def _waiting_for(stream: IO[Any]) -> Callable[[int], object] | None:
    """Return what waits so many milliseconds until a stream takes a line; None if it always does, as a file."""
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        if not S_ISREG(os.fstat(descriptor).st_mode):
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            return poll.poll
    return None


def configure(log_format: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging for the process, on standard output unless said otherwise."""
    stream = stream or sys.stdout
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    lines = _Lines(stream, "\n") if console else _Lines(stream.buffer, b"\n")
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
    """Write one line, the event first, and when it was last. Times in UTC, as structlog's TimeStamper writes them."""
    line = {"event": event.pop("event"), **event, "level": level, "timestamp": datetime.now(UTC)}
    return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)


class _Discreet(logging.Handler):
    """Passes on that a library complained, and where; never what it said."""

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
