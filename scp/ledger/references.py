"""References: the instances with which later ones of a study, series or stack are compared. Remembered once read.

A reference is the first stored instance. It hardly ever changes, and the ledger has one writer; so it is read once for
a series, and not again for each of its thousand slices. It changes if the first instance could not contradict others:
in a study without a patient, a series of slices without a Frame of Reference, or a stack without an image plane, the
first instance that has one becomes the reference.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import apsw

from scp.audit.snapshot import Reference, StackReference
from scp.audit.tracked import FRAME, Tracked
from scp.dicom.facts import Facts
from scp.dicom.sop_classes import PLANES
from scp.ledger import rows

K = TypeVar("K")
T = TypeVar("T")

_MOST: Final = 4096
"""How many references of each sort are remembered. Beyond that all are forgotten, and read again."""


def has_frame(facts: Facts, tracked: Tracked) -> bool:
    """Whether an instance has a Frame of Reference with which others in its series are compared (ENT-204)."""
    return facts.kind in PLANES and FRAME in tracked.series


def has_plane(facts: Facts) -> bool:
    """Whether an image has what those in its stack are compared with: Pixel Spacing, Image Orientation (Patient)."""
    return bool(rows.numbers_of(facts.pixel_spacing) and rows.numbers_of(facts.image_orientation))


class Known(NamedTuple):
    """A study or series of the ledger: the number of its row, and its reference."""

    id: int
    reference: Reference


class References:
    """Reads references and remembers them. Whoever undoes a transaction in which they were read has to forget them."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._studies: dict[str, Known] = {}
        self._series: dict[str, Known] = {}
        self._stacks: dict[tuple[int, str], StackReference] = {}

    def forget(self) -> None:
        """Forget all of them: something other than an admission has changed the ledger."""
        self._studies.clear()
        self._series.clear()
        self._stacks.clear()

    def study(self, uid: str) -> Known | None:
        """Return the study with this UID, None if the ledger has none."""
        return self._remembered(self._studies, uid, rows.SELECT_STUDY, (uid,), _known)

    def forget_study(self, uid: str) -> None:
        """Forget a study: it has another reference now."""
        self._studies.pop(uid, None)

    def series(self, uid: str) -> Known | None:
        """Return the series with this UID, None if the ledger has none."""
        return self._remembered(self._series, uid, rows.SELECT_SERIES, (uid,), _known)

    def forget_series(self, uid: str) -> None:
        """Forget a series: it has another reference now."""
        self._series.pop(uid, None)

    def forget_stack(self, series: int, key: str) -> None:
        """Forget a stack: it has another reference now."""
        self._stacks.pop((series, key), None)

    def stack(self, series: int, key: str) -> StackReference | None:
        """Return the stack of a series with this key, None if the ledger has none."""
        return self._remembered(self._stacks, (series, key), rows.SELECT_STACK, (series, key), rows.stack_of)

    def _remembered(
        self, memory: dict[K, T], key: K, query: str, values: tuple[Any, ...], read: Callable[[rows.Row], T]
    ) -> T | None:
        found = memory.get(key)
        if found is not None:
            return found
        row = self._db.execute(query, values).fetchone()
        if row is None:
            return None
        if len(memory) >= _MOST:
            memory.clear()
        found = memory[key] = read(row)
        return found


def _known(row: rows.Row) -> Known:
    return Known(row[9], rows.reference_of(row))
