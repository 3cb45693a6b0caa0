"""Judges a whole series of a ledger; reads the stored objects where a rule needs them.

A node, ``auditscp series audit`` and ``auditscp check`` all use this. Pixel data are read only if somebody asks for it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import apsw
import numpy as np
from blake3 import blake3

from scp.audit.policy import Policy
from scp.audit.rules.ref import REFERRING
from scp.audit.series.judge import audit_series
from scp.audit.series.member import Member
from scp.audit.series.result import SeriesAudit
from scp.dicom import tags as t
from scp.dicom.element import Span
from scp.dicom.pages import pieces
from scp.dicom.read import scan_of
from scp.dicom.references import referenced_instances
from scp.dicom.sop_classes import IMAGES
from scp.dicom.walk import Limits
from scp.errors import NodeFault, StoreFault
from scp.ledger import series as kept_series
from scp.ledger.series import SeriesContent
from scp.store.mapped import data_set_in

Open = Callable[[str, int], AbstractContextManager[tuple[memoryview, str]]]
"""Opens a stored object by its path and receipt; yields its Data Set and Transfer Syntax. May raise NodeFault."""

_BLANK: Final = 0.01
"""A compressed image with fewer bytes per pixel than this is taken to be blank."""


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit, and the content of the ledger from which it was made."""

    audit: SeriesAudit
    kept: SeriesContent


@dataclass(frozen=True, slots=True)
class Auditor:
    """Judges series of one ledger. ``open_object`` is None if the objects cannot be read."""

    policy: Policy
    limits: Limits
    open_object: Open | None = None

    def audit(self, db: apsw.Connection, uid: str, *, pixels: bool = False) -> Audited | None:
        """Judge a series; None if the ledger has nothing of it. ``pixels``: compare all pixel data too (DUP-008).

        Raises apsw.Error if the ledger cannot be read. An object that cannot be read is skipped.
        """
        kept = kept_series.read_series(db, uid)
        if kept is None:
            return None
        context = kept.context
        if self.open_object is not None:
            context = replace(
                context,
                absent=self._absent(db, kept.members),
                copies=self._copies(db, kept.members) if pixels else context.copies,
            )
        return Audited(audit_series(kept.members, context, self.policy), kept)

    def _absent(self, db: apsw.Connection, members: Sequence[Member]) -> Mapping[int, tuple[str, ...]]:
        """Return the SOP Instance UIDs that members refer to and that are not stored, by member."""
        found = {}
        for member, (data, syntax) in self._objects(db, [one for one in members if one.kind in REFERRING]):
            with suppress(NodeFault):
                found[member.id] = kept_series.absent(db, referenced_instances(data, syntax, self.limits))
        return found

    def _copies(self, db: apsw.Connection, members: Sequence[Member]) -> tuple[tuple[int, ...], ...]:
        """Return groups of members with the same pixel data, byte for byte; blank images do not count as copies."""
        same: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for member, (data, syntax) in self._objects(db, [one for one in members if one.kind in IMAGES]):
            with suppress(NodeFault):
                walked, scan = scan_of(data, syntax, self.limits)
                span = next((scan.elements[tag] for tag in t.PIXELS if tag in scan.elements), None)
                if span and span.length > 0 and not _is_blank(walked, span, member):
                    hashed = blake3()
                    for piece in pieces(walked, span.offset, span.length):
                        hashed.update(piece)
                    same[span.length, hashed.digest()].append(member.id)
        return tuple(sorted(tuple(sorted(ids)) for ids in same.values() if len(ids) > 1))

    def _objects(
        self, db: apsw.Connection, members: Sequence[Member]
    ) -> Iterator[tuple[Member, tuple[memoryview, str]]]:
        """Yield members whose objects can be read, each with its Data Set and Transfer Syntax."""
        assert self.open_object is not None
        paths = kept_series.paths_of(db, members)
        for member in members:
            with suppress(NodeFault), self.open_object(paths[member.id], member.id) as opened:
                yield member, opened


def _is_blank(data: memoryview | bytes, span: Span, member: Member) -> bool:
    geometry = member.geometry
    if span.fragments is not None:
        pixels = (geometry.rows or 0) * (geometry.columns or 0) * (geometry.frame_count or 1)
        return span.length < _BLANK * pixels
    first = data[span.offset]
    return all(
        bool((np.frombuffer(piece, np.uint8) == first).all()) for piece in pieces(data, span.offset, span.length)
    )


def opener(folder: Path) -> Open:
    """Return what opens the objects of a data folder."""

    @contextmanager
    def opened(path: str, _receipt: int) -> Iterator[tuple[memoryview, str]]:
        try:
            with data_set_in(folder / path) as found:
                yield found
        except FileNotFoundError as error:
            raise StoreFault("a stored object is not where the ledger says") from error

    return opened
