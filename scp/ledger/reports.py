"""Counts of what was received: by sender, by scanner, by rule, and what stricter profiles would have refused.

They are made from hourly counts, which triggers of the ledger maintain; so a report takes as long for five thousand
receipts as for five million.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import apsw
import orjson

from scp.audit.finding import Severity
from scp.ids import id_at
from scp.ledger.acts import ActKind, State
from scp.ledger.reading import fetch
from scp.ledger.scanners import COLUMNS
from scp.outcomes import Outcome

_HOUR_US: Final = 3_600_000_000
UNSTATED: Final[Mapping[str, str]] = dict.fromkeys(COLUMNS, "")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests came, what became of them, and their bytes.

    ``last`` is when the last hour began in which any came, in microseconds UTC since 1970. ``would_refuse`` counts, by
    profile, what was stored and what a stricter profile would have refused.
    """

    receipts: int = 0
    bytes: int = 0
    last: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    would_refuse: Mapping[str, int] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """How many requests were judged: those that were neither aborted nor told to try again."""
        return sum(self.outcomes.get(one, 0) for one in (Outcome.ACCEPT, Outcome.WARN, Outcome.REFUSE))

    def rate(self, outcome: Outcome) -> float:
        """Return the share of judged requests that had this outcome, 0 to 1."""
        return self.outcomes.get(outcome, 0) / self.judged if self.judged else 0.0


@dataclass(frozen=True, slots=True)
class Sender:
    """What was received from a calling AE title at an address."""

    calling_ae_title: str
    address: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Scanner:
    """What was made by a scanner; the names are empty for objects that name no scanner or were never read."""

    names: Mapping[str, str]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Fired:
    """How often a rule found something, by severity. ``rate`` is its share of all judged requests."""

    code: str
    refused: int
    warned: int
    noted: int
    rate: float


@dataclass(frozen=True, slots=True)
class Tightened:
    """What a stricter profile than the one in force would have refused with a status, and how often."""

    profile: str
    status: int
    receipts: int
    rate: float


@dataclass(frozen=True, slots=True)
class Report:
    """A report. ``since`` is the full hour from which it counts, None for all there is; microseconds UTC since 1970."""

    since: int | None
    until: int
    calling_ae_title: str | None
    totals: Counts
    senders: tuple[Sender, ...]
    scanners: tuple[Scanner, ...]
    rules: tuple[Fired, ...]
    tightened: tuple[Tightened, ...]
    acts: Mapping[str, int]


_WHERE: Final = "WHERE hour >= :hour AND (:sender IS NULL OR calling_ae_title = :sender)"
_TALLY: Final = f"""SELECT calling_ae_title, address, scanner, outcome, tightened, max(hour), sum(receipts), sum(bytes)
    FROM tally {_WHERE} GROUP BY calling_ae_title, address, scanner, outcome, tightened"""
_RULES: Final = f"SELECT code, severity, sum(findings) FROM rule_tally {_WHERE} GROUP BY code, severity"
_SCANNERS: Final = f"SELECT id, {', '.join(COLUMNS)} FROM scanner WHERE id IN (SELECT value FROM json_each(?))"
# Only acts on what was in quarantine: those of retention on the archive may be as many as was ever received.
_ACTS: Final = f"""SELECT iif(kind = '{ActKind.EXPIRE}', '{State.EXPIRED}', outcome), count(*)
    FROM act INDEXED BY act_on_held WHERE kind IN ({", ".join(f"'{kind}'" for kind in ActKind)})
    AND former >= 'quarantine/' AND former < 'quarantine0' AND id >= :id AND (:sender IS NULL OR receipt IN
    (SELECT receipt.id FROM receipt JOIN association ON association.id = receipt.association
    WHERE receipt.id = act.receipt AND calling_ae_title = :sender)) GROUP BY 1"""

_Row = tuple[str, str, int, str, str, int, int, int]


def report(db: apsw.Connection, now: int, since: int | None = None, calling_ae_title: str | None = None) -> Report:
    """Count what was received since a time, rounded down to the full hour, from everybody or one calling AE title."""
    hour = 0 if since is None else since // _HOUR_US
    values = {"hour": hour, "sender": calling_ae_title, "id": id_at(hour * _HOUR_US)}
    rows: list[Any] = fetch(db, _TALLY, values)
    totals = _counts(rows)
    return Report(
        since=None if since is None else hour * _HOUR_US,
        until=now,
        calling_ae_title=calling_ae_title,
        totals=totals,
        senders=_senders(rows),
        scanners=_scanners(db, rows),
        rules=_fired(fetch(db, _RULES, values), totals.judged),
        tightened=_tightened(rows, totals.judged),
        acts=dict(fetch(db, _ACTS, values)),
    )


def _senders(rows: Iterable[_Row]) -> tuple[Sender, ...]:
    groups = defaultdict[tuple[str, str], list[_Row]](list)
    for row in rows:
        groups[row[0], row[1]].append(row)
    found = [Sender(*key, _counts(group)) for key, group in groups.items()]
    return tuple(sorted(found, key=lambda one: -one.counts.receipts))


def _scanners(db: apsw.Connection, rows: Iterable[_Row]) -> tuple[Scanner, ...]:
    groups = defaultdict[int, list[_Row]](list)
    for row in rows:
        groups[row[2]].append(row)
    known = {one[0]: one[1:] for one in fetch(db, _SCANNERS, (orjson.dumps(list(groups)).decode(),))}
    found = [
        Scanner(dict(zip(COLUMNS, known[number], strict=True)) if number in known else UNSTATED, _counts(group))
        for number, group in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.counts.receipts))


def _counts(rows: Iterable[_Row]) -> Counts:
    outcomes, would_refuse = Counter[str](), Counter[str]()
    size = last = 0
    for _, _, _, outcome, tightened, hour, receipts, bytes_ in rows:
        outcomes[outcome] += receipts
        for profile in orjson.loads(tightened) if tightened else ():
            would_refuse[profile] += receipts
        size, last = size + bytes_, max(last, hour * _HOUR_US)
    return Counts(outcomes.total(), size, last, dict(outcomes), dict(would_refuse))


def _fired(rows: Iterable[tuple[str, int, int]], judged: int) -> tuple[Fired, ...]:
    by_code = defaultdict[str, Counter[int]](Counter)
    for code, severity, findings in rows:
        by_code[code][severity] += findings
    return tuple(
        Fired(
            code=code,
            refused=counted[Severity.REFUSE],
            warned=counted[Severity.WARN],
            noted=counted[Severity.INFO],
            rate=counted.total() / judged if judged else 0.0,
        )
        for code, counted in sorted(by_code.items())
    )


def _tightened(rows: Iterable[_Row], judged: int) -> tuple[Tightened, ...]:
    counted = Counter[tuple[str, int]]()
    for row in rows:
        for profile, status in (orjson.loads(row[4]) if row[4] else {}).items():
            counted[profile, status] += row[6]
    return tuple(
        Tightened(profile, status, receipts, receipts / judged if judged else 0.0)
        for (profile, status), receipts in sorted(counted.items(), key=lambda one: (one[0][0], -one[1]))
    )
