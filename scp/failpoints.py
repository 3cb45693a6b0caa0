"""Points at which a test may kill the node, as ``kill -9`` does. No setting can arm them.

``SCP_FAIL_POINT=object.linked`` ends the process when an object got its name in archive or quarantine for the first
time, ``SCP_FAIL_POINT=object.linked:3`` for the third time. Arming puts a wrapper around one method or function before
the node is made; a node that is not armed runs exactly the code that it would run without this module.
"""

import functools
import os
import signal
from collections.abc import Callable, Mapping
from itertools import count
from types import ModuleType
from typing import Any, Final, NamedTuple

import structlog

from scp.ledger.admission import Admission
from scp.ledger.sqlite import SqliteLedger
from scp.net.channel import Channel
from scp.store import store
from scp.store.late import LateSyncs
from scp.store.spool import Incoming
from scp.store.store import Store

VARIABLE: Final = "SCP_FAIL_POINT"


class Point(NamedTuple):
    """The moment after a method or function of ``owner`` returned."""

    owner: type | ModuleType
    name: str


POINTS: Final[Mapping[str, Point]] = {
    "spool.begun": Point(Incoming, "__init__"),
    "spool.written": Point(Incoming, "write"),
    "spool.finished": Point(Incoming, "finish"),
    "spool.synced": Point(Incoming, "sync"),
    "ledger.written": Point(Admission, "write"),
    "ledger.committed": Point(SqliteLedger, "admit"),
    "folder.made": Point(store, "make_folder"),
    "case.drafted": Point(store, "write_file"),
    "case.written": Point(Store, "_write_case"),
    "object.linked": Point(Store, "_link"),
    "folder.synced": Point(store, "sync_folder"),
    "object.placed": Point(Store, "place"),
    "answered": Point(Channel, "send"),
    "late.synced": Point(LateSyncs, "_sync"),
    "late.forgotten": Point(SqliteLedger, "forget_sealed"),
    "association.ended": Point(SqliteLedger, "end"),
}
"""All points, in the order in which an instance passes them; those of folders and cases only if it needs one."""


def arm(environ: Mapping[str, str]) -> None:
    """Arm the point that the environment names, if any, and log that. Raises ValueError if there is no such point."""
    asked = environ.get(VARIABLE)
    if asked is None:
        return
    name, _, number = asked.partition(":")
    if name not in POINTS:
        raise ValueError(f"{VARIABLE}: there is no {name!r}; there are {', '.join(POINTS)}")
    owner, attribute = POINTS[name]
    setattr(owner, attribute, _dying_after(getattr(owner, attribute), int(number or 1)))
    structlog.get_logger().warning("fail_point_armed", point=name)


def _dying_after(real: Callable[..., Any], number: int) -> Callable[..., Any]:
    passes = count(1)

    @functools.wraps(real)
    def dying(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        if next(passes) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return dying
