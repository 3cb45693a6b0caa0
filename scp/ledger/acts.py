"""Acts: what people and the node itself did with objects after the decision. Append-only, one row for each act."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import apsw
import orjson

from scp.ids import as_text
from scp.layout import Place, timestamp
from scp.ledger.reading import fetch


class ActKind(StrEnum):
    """What was done. A word never changes its meaning, because ledgers contain it; new ones may be added."""

    RELEASE = "release"  # judged again, and admitted to the archive
    REPLACE = "replace"  # admitted to the archive in the place of another, which went to quarantine
    DROP = "drop"  # removed, bytes and case
    EXPIRE = "expire"  # removed by retention, with the whole study or from quarantine


class State(StrEnum):
    """What became of an object that was refused."""

    HELD = "held"
    RELEASED = "released"
    REPLACED = "replaced"
    DROPPED = "dropped"
    EXPIRED = "expired"


class Wanted(StrEnum):
    """Which refused objects a list shows: those of one state, or all."""

    HELD = State.HELD.value
    RELEASED = State.RELEASED.value
    REPLACED = State.REPLACED.value
    DROPPED = State.DROPPED.value
    EXPIRED = State.EXPIRED.value
    ALL = "all"

    @property
    def state(self) -> State | None:
        """The state that is wanted, None for all."""
        return None if self is Wanted.ALL else State(self.value)


STATES: Final[Mapping[str, State]] = {
    ActKind.RELEASE: State.RELEASED,
    ActKind.REPLACE: State.REPLACED,
    ActKind.DROP: State.DROPPED,
    ActKind.EXPIRE: State.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Act:
    """One act on the object of a receipt. ``time`` is in microseconds UTC since 1970.

    ``other`` is the receipt of the instance that went to quarantine for it. ``former`` and ``former_other`` are the
    paths that the two had before. ``codes`` are the rules that refuse the object and were overruled. ``reason`` is what
    a person wrote, word for word: show it only to those who may see cases, and escape it.
    """

    id: int
    time: int
    kind: str
    who: str
    reason: str
    receipt: int
    outcome: str
    former: str
    other: int | None = None
    former_other: str = ""
    codes: tuple[str, ...] = ()


_COLUMNS: Final = "id, time, kind, who, reason, receipt, outcome, former, other, former_other, codes"
_INSERT: Final = f"INSERT INTO act ({_COLUMNS}) VALUES ({', '.join('?' * 11)})"
_SELECT: Final = f"SELECT {_COLUMNS} FROM act WHERE receipt = ?1 OR other = ?1 ORDER BY id"
_MOVE: Final = "UPDATE receipt SET kept = ?, path = ? WHERE id = ?"


def record(db: apsw.Connection, act: Act) -> None:
    """Write an act, inside a transaction."""
    db.execute(
        _INSERT,
        (
            act.id, act.time, act.kind, act.who, act.reason, act.receipt, act.outcome, act.former, act.other,
            act.former_other, orjson.dumps(act.codes).decode(),
        ),
    )  # fmt: skip


def move(db: apsw.Connection, receipt: int, place: Place, path: str) -> None:
    """Record where the bytes of a receipt are from now on, inside a transaction."""
    db.execute(_MOVE, (place.value, path, receipt))


def acts_on(db: apsw.Connection, receipt: int) -> list[Act]:
    """Return the acts on the object of a receipt, including those in which it was the other one, oldest first."""
    return [_act(row) for row in fetch(db, _SELECT, (receipt,))]


def act_document(act: Act) -> Mapping[str, Any]:
    """Return an act as JSON shows it."""
    return {
        "id": as_text(act.id),
        "time": timestamp(act.time),
        "kind": act.kind,
        "outcome": act.outcome,
        "who": act.who,
        "reason": act.reason,
        "receipt": as_text(act.receipt),
        "other": None if act.other is None else as_text(act.other),
        "overruled": list(act.codes),
    }


def _act(row: tuple[Any, ...]) -> Act:
    number, time, kind, who, reason, receipt, outcome, former, other, former_other, codes = row
    overruled = tuple(orjson.loads(codes))
    return Act(number, time, kind, who, reason, receipt, outcome, former, other, former_other, overruled)
