"""What is news: the ledger and the health of the node, compared with what was told before.

Functions that return :data:`Written` return a letter and up to where it reaches; the outbox stores both together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import apsw
import orjson

from scp.errors import Trouble
from scp.ids import id_at, new_id, time_of
from scp.ledger import notices
from scp.ledger.notices import Untold
from scp.notify.message import Body, Kind, envelope, health_body, refusals_body, series_body
from scp.notify.outbox import Letter, Progress

SINCE: Final = "since"
"""Mark: all refusals on associations with a smaller number were told."""
AUDIT: Final = "audit"
"""Mark: all audits up to this number were told."""
HEALTH: Final = "health"
"""Mark: the troubles that were told last, as text."""

_MOST_ASSOCIATIONS: Final = 20
_MOST_CASES: Final = 20
_MOST_SERIES: Final = 50
_MARGIN_US: Final = 60_000_000
"""An association gets its number before it counts as in progress: one that is missing may be this much older."""


Written = tuple[Letter, Progress]


@dataclass(frozen=True, slots=True)
class Author:
    """The ``node`` that writes, and the address for links; ``keep_us`` is how old news may be, in microseconds."""

    node: str
    link: str
    keep_us: int

    def letter(self, kind: Kind, now: int, body: Body) -> Letter:
        """Return a letter with a new identifier."""
        identifier = new_id()
        return Letter(identifier, kind, now, orjson.dumps(envelope(identifier, kind, now, self.node, body)).decode())


@dataclass(frozen=True, slots=True)
class Outlook:
    """Refusals that were not told yet: ``due`` are told now, ``rest`` wait until ``later``, in microseconds UTC."""

    due: tuple[Untold, ...]
    rest: tuple[Untold, ...]
    later: int | None


def outlook(waiting: list[Untold], live: frozenset[int], now: int, group_us: int) -> Outlook:
    """Separate refusals that have waited long enough, or whose association has ended, from those that wait for more."""
    due, rest, later = [], [], []
    for one in waiting:
        ripe = time_of(one.first) + group_us
        if one.association in live and ripe > now:
            rest.append(one)
            later.append(ripe)
        else:
            due.append(one)
    return Outlook(tuple(due), tuple(rest), min(later, default=None))


def begin_since(mark: int | str | None, begins: int, oldest: int) -> int:
    """Return the number of the first association to look at.

    It is the ``mark``, or without one that of the time when the channel was switched on (``begins``), but never older
    than ``oldest``; both times are microseconds UTC.
    """
    return max(int(mark) if mark is not None else id_at(begins), id_at(oldest))


def refusals(db: apsw.Connection, author: Author, seen: Outlook, live: frozenset[int], since: int, now: int) -> Written:
    """Return a letter about the refusals that are due."""
    first = seen.due[:_MOST_ASSOCIATIONS]
    found = [notices.refusals(db, one, _MOST_CASES) for one in first]
    body = refusals_body(found, author.link, len(seen.due) - len(first))
    settled = min({id_at(now - _MARGIN_US), *live, *(one.association for one in seen.rest)})
    reached = max(since, settled)
    told = {one.association: one.last for one in seen.due}
    return author.letter(Kind.REFUSALS, now, body), Progress({SINCE: reached}, told, reached)


def series(db: apsw.Connection, author: Author, after: int, now: int) -> Written | None:
    """Return a letter about the audits after the one with number ``after``; None if there are none."""
    found = notices.audits(db, after, _MOST_SERIES)
    if not found:
        return None
    newest = {one.series_instance_uid: one for one in found}
    body = series_body(list(newest.values()), author.link)
    return author.letter(Kind.SERIES, now, body), Progress({AUDIT: found[-1].audit}, {})


def health(author: Author, troubles: Mapping[Trouble, str], told: int | str | None, now: int) -> Written | None:
    """Return a letter about the troubles, or that they are over; None if that is what was told last."""
    names = ",".join(sorted(troubles))
    if names == (told or ""):
        return None
    return author.letter(Kind.HEALTH, now, health_body(troubles, author.link)), Progress({HEALTH: names}, {})
