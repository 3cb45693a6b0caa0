"""What there is to tell now: the ledger and the health of the node, compared with how far was told.

Each function returns a letter and how far it gets; the outbox writes both together.
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
"""Mark: all refusals of associations with a smaller number were told."""
AUDIT: Final = "audit"
"""Mark: all audits up to this number were told."""
HEALTH: Final = "health"
"""Mark: the troubles that were told last, as text."""

_MOST_ASSOCIATIONS: Final = 20
_MOST_CASES: Final = 20
_MOST_SERIES: Final = 50
_MARGIN_US: Final = 60_000_000
"""An association gets its number before it is counted as one in progress: so much before now, nothing is settled."""


Written = tuple[Letter, Progress]


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, and where links lead; ``keep_us`` is how old what is told may be, in microseconds."""

    node: str
    link: str
    keep_us: int

    def letter(self, kind: Kind, now: int, body: Body) -> Letter:
        """Write a letter."""
        identifier = new_id()
        return Letter(identifier, kind, now, orjson.dumps(envelope(identifier, kind, now, self.node, body)).decode())


@dataclass(frozen=True, slots=True)
class Outlook:
    """What waits for its time: ``due`` is told now, ``later`` is when the next will be, in microseconds UTC."""

    due: tuple[Untold, ...]
    rest: tuple[Untold, ...]
    later: int | None


def outlook(waiting: list[Untold], live: frozenset[int], now: int, group_us: int) -> Outlook:
    """Part what has waited long enough, or whose association has ended, from what may still become more."""
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
    """Return the first association to look at: where we were, or when the channel was switched on; none too old."""
    return max(int(mark) if mark is not None else id_at(begins), id_at(oldest))


def refusals(db: apsw.Connection, author: Author, seen: Outlook, live: frozenset[int], since: int, now: int) -> Written:
    """Tell what is due."""
    first = seen.due[:_MOST_ASSOCIATIONS]
    found = [notices.refusals(db, one, _MOST_CASES) for one in first]
    body = refusals_body(found, author.link, len(seen.due) - len(first))
    settled = min({id_at(now - _MARGIN_US), *live, *(one.association for one in seen.rest)})
    reached = max(since, settled)
    told = {one.association: one.last for one in seen.due}
    return author.letter(Kind.REFUSALS, now, body), Progress({SINCE: reached}, told, reached)


def series(db: apsw.Connection, author: Author, after: int, now: int) -> Written | None:
    """Tell of audits after ``after``; None if there are none."""
    found = notices.audits(db, after, _MOST_SERIES)
    if not found:
        return None
    newest = {one.series_instance_uid: one for one in found}
    body = series_body(list(newest.values()), author.link)
    return author.letter(Kind.SERIES, now, body), Progress({AUDIT: found[-1].audit}, {})


def health(author: Author, troubles: Mapping[Trouble, str], told: int | str | None, now: int) -> Written | None:
    """Tell of troubles, or that they are over, if that is not what was told last; None if it is."""
    names = ",".join(sorted(troubles))
    if names == (told or ""):
        return None
    return author.letter(Kind.HEALTH, now, health_body(troubles, author.link)), Progress({HEALTH: names}, {})
