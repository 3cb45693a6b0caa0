"""What rules need to know of the values that differ in every instance: its UID, its number, its position.

The values differ from slice to slice, but the traits hardly ever do. A rule that reads only traits as long as they show
no problem need not run again for each slice (:mod:`scp.audit.recall`).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from pydicom.uid import UID

from scp.dicom import tags as t
from scp.dicom.facts import Decimals, Facts
from scp.dicom.geometry import FARTHEST
from scp.dicom.request import Request
from scp.dicom.uid import STANDARDS_ROOT, UUID_ROOT, is_standards_own, is_uid, root_problem

_MAKER: Final = 4
"""The first four components of a UID hardly ever belong to more than one maker: `1.2.840.113619`, `1.3.12.2`,
`1.3.46.670589`, `1.2.276.0`.
"""


class Traits(NamedTuple):
    """The traits of one instance.

    Attributes:
        has_uid: there is a SOP Instance UID.
        is_uid: it is written as a UID (PS3.5 §9.1).
        is_announced: the request names the same SOP Instance UID, or neither names one.
        namesakes: the tags of :func:`entities_above` whose value is the SOP Instance UID too.
        maker: of the SOP Instance UID: see :func:`maker_of`.
        root_problem: of the SOP Instance UID: see :func:`implausible_root`.
        is_numbered: Instance Number is a number.
        positions: how many numbers Image Position (Patient) has; None if it is malformed.
        is_far: one of them is too far from the origin (:data:`~scp.dicom.geometry.FARTHEST`).
        locations: how many numbers Slice Location has; None if it is malformed.
    """

    has_uid: bool
    is_uid: bool
    is_announced: bool
    namesakes: tuple[int, ...]
    maker: str
    root_problem: str
    is_numbered: bool
    positions: int | None
    is_far: bool
    locations: int | None


def traits_of(request: Request, facts: Facts) -> Traits:
    """Return the traits of an instance."""
    uid = facts.sop_instance_uid
    maker = maker_of(uid)
    return Traits(
        has_uid=bool(uid),
        is_uid=is_uid(uid),
        is_announced=request.sop_instance_uid == uid,
        namesakes=_namesakes(uid, facts),
        maker=maker,
        root_problem=implausible_root(uid, maker),
        is_numbered=isinstance(facts.instance_number, int),
        positions=_count(facts.image_position),
        is_far=_is_far(facts.image_position),
        locations=_count(facts.slice_location),
    )


def entities_above(facts: Facts) -> Mapping[int, str]:
    """Return the Series, Study Instance and Frame of Reference UID by tag, if present."""
    uids = {
        t.SERIES_INSTANCE_UID: facts.series_instance_uid,
        t.STUDY_INSTANCE_UID: facts.study_instance_uid,
        t.FRAME_OF_REFERENCE_UID: facts.frame_of_reference_uid,
    }
    return {tag: text for tag, text in uids.items() if text}


def maker_of(uid: str) -> str:
    """Return the components that identify the maker of a UID; empty if the UID has too few."""
    if not is_uid(uid):
        return ""
    components = uid.split(".", _MAKER)
    if components[:2] == ["2", "25"]:
        return UUID_ROOT
    return ".".join(components[:_MAKER]) if len(components) > _MAKER else ""


def implausible_root(uid: str, maker: str) -> str:
    """Say what is wrong with the root of a UID; ``maker`` is its :func:`maker_of`. Empty if it is not a UID at all."""
    # Of UUIDs and of the standard's own UIDs the rest matters too; of all others, what names the maker says it all.
    return _implausible(uid if maker in ("", UUID_ROOT, STANDARDS_ROOT) else maker)


@lru_cache(maxsize=1024)
def _implausible(text: str) -> str:
    return (root_problem(text) or _borrowed(text)) if is_uid(text) else ""


def _borrowed(uid: str) -> str:
    """Report a UID under the root of the standard, unless the standard lists it as well-known."""
    foreign = is_standards_own(uid) and not UID(uid).type.startswith("Well-known")
    return "under the standard's own root" if foreign else ""


def _namesakes(uid: str, facts: Facts) -> tuple[int, ...]:
    if uid not in (facts.series_instance_uid, facts.study_instance_uid, facts.frame_of_reference_uid):
        return ()
    return tuple(tag for tag, text in entities_above(facts).items() if text == uid)


def _is_far(position: Decimals) -> bool:
    return isinstance(position, tuple) and any(abs(one) > FARTHEST for one in position)


def _count(numbers: Decimals) -> int | None:
    return len(numbers) if isinstance(numbers, tuple) else None
