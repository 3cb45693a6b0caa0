"""Removes an instance from the tables of the archive, and gives the references that it was to others, its heirs.

Later instances of a study, series or stack are compared with its reference: the first stored instance that has a
Patient ID, a Frame of Reference or an image plane; if none has, the first. When the reference is removed, the oldest
such instance that stays takes its place. The values of the heir are read from its object, so that is done before the
transaction (:func:`plan`); :func:`withdraw` carries the plan out if nothing has changed in between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

import apsw

from scp.audit.tracked import FRAME, Tracked
from scp.dicom.facts import Facts
from scp.ledger import rows
from scp.ledger.reading import fetch
from scp.ledger.references import has_frame, has_plane


class Stored(NamedTuple):
    """What was read from a stored object."""

    facts: Facts
    tracked: Tracked


Read = Callable[[int, str], Stored]
"""Reads a stored object by its number and its path. Raises NodeFault if that is not possible."""


class ChangedMeanwhile(Exception):
    """Something was stored since the plan was made."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """How to remove an instance; ``newest`` was the newest instance of its series when the plan was made.

    Each of ``heirs`` is a statement and its values, which hands one reference over to another instance.
    """

    instance: int
    series: int
    newest: int
    heirs: tuple[tuple[str, rows.Row], ...]


_SELECT_INSTANCE: Final = f"""SELECT series.id, series.reference, study.id, study.reference,
    json_extract(series.tracked, '$.{FRAME}') IS NOT NULL
    FROM instance JOIN series ON series.id = instance.series JOIN study ON study.id = instance.study
    WHERE instance.id = ?"""
_OTHERS_OF_SERIES: Final = """SELECT instance.id, path FROM instance JOIN receipt ON receipt.id = instance.id
    WHERE series = ? AND instance.id <> ? ORDER BY instance.id"""
# The study of a series may be another than that of an instance: ENT-201 need not refuse.
_OTHERS_OF_STUDY: Final = """SELECT instance.id, path FROM series CROSS JOIN instance ON instance.series = series.id
    JOIN receipt ON receipt.id = instance.id
    WHERE series.study = ?1 AND instance.study = ?1 AND instance.id <> ?2
    ORDER BY instance.patient = '', instance.id LIMIT 1"""
_STACKS: Final = (
    "SELECT key, pixel_spacing <> '[]' AND orientation <> '[]' FROM stack WHERE series = ? AND reference = ?"
)
_NEWEST: Final = "SELECT max(id) FROM instance WHERE series = ?"
_SET_STUDY: Final = "UPDATE study SET (reference, tracked) = (?, ?) WHERE id = ?"
_SET_SERIES: Final = "UPDATE series SET (reference, tracked) = (?, ?) WHERE id = ?"
_DROP_STACK: Final = "DELETE FROM stack WHERE series = ? AND key = ?"


def plan(db: apsw.Connection, instance: int, read: Read) -> Withdrawal:
    """Find the heirs of an instance, without writing anything. Raises what ``read`` raises."""
    series, first_of_series, study, first_of_study, names_frame = fetch(db, _SELECT_INSTANCE, (instance,))[0]
    heirs: list[tuple[str, rows.Row]] = []
    if first_of_study == instance:
        for other, where in fetch(db, _OTHERS_OF_STUDY, (study, instance)):
            heirs.append((_SET_STUDY, (other, rows.dumps(read(other, where).tracked.study), study)))
    others = _Others(db, series, instance, read)
    if first_of_series == instance:
        better = (lambda one: has_frame(one.facts, one.tracked)) if names_frame else None
        if heir := others.heir(lambda _: True, better):
            other, stored = heir
            heirs.append((_SET_SERIES, (other, rows.dumps(stored.tracked.series), series)))
    for key, is_plane in fetch(db, _STACKS, (series, instance)):
        heirs.append((_DROP_STACK, (series, key)))
        better = (lambda one: has_plane(one.facts)) if is_plane else None
        if heir := others.heir(partial(_is_in, key), better):
            other, stored = heir
            heirs.append((rows.INSERT_STACK, rows.stack_row(series, key, other, stored.facts)))
    return Withdrawal(instance, series, db.execute(_NEWEST, (series,)).get, tuple(heirs))


def withdraw(db: apsw.Connection, planned: Withdrawal) -> None:
    """Remove an instance, inside a transaction. Raises ChangedMeanwhile if something was added to its series."""
    if db.execute(_NEWEST, (planned.series,)).get != planned.newest:
        raise ChangedMeanwhile
    db.execute("DELETE FROM instance WHERE id = ?", (planned.instance,))
    for statement, values in planned.heirs:
        db.execute(statement, values)


def _is_in(stack: str, stored: Stored) -> bool:
    return stack in stored.tracked.stacks


class _Others:
    """The other instances of a series, oldest first, each read once and only if it is needed."""

    def __init__(self, db: apsw.Connection, series: int, instance: int, read: Read) -> None:
        self._found = fetch(db, _OTHERS_OF_SERIES, (series, instance))
        self._read = read
        self._known: dict[int, Stored] = {}

    def heir(
        self, fits: Callable[[Stored], bool], better: Callable[[Stored], bool] | None = None
    ) -> tuple[int, Stored] | None:
        """Return the first that fits and is ``better``; if there is none, the first that fits, if any."""
        first: tuple[int, Stored] | None = None
        for number, path in self._found:
            stored = self._known.get(number) or self._read(number, path)
            self._known[number] = stored
            if fits(stored):
                if better is None or better(stored):
                    return number, stored
                first = first or (number, stored)
        return first
