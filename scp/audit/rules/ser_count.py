"""SER: whether as many images are stored as the instances announce."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.member import Member
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import listed, uids_of, who_of
from scp.dicom import tags as t
from scp.dicom.sop_classes import PLANES, Kind
from scp.printable import count

_CONCATENATION: Final = (t.CONCATENATION_UID, t.IN_CONCATENATION_NUMBER)
_MOST: Final = 1000
"""Missing numbers of a Concatenation that are listed at most."""


@series_rule(
    "SER-310", grades(Severity.WARN, Severity.WARN), applies="members of a Concatenation",
    reference="PS3.3 C.7.6.16.2.2.4",
)  # fmt: skip
def concatenation_incomplete(view: SeriesView) -> Iterator[SeriesProblem]:
    """A Concatenation is not complete.

    Checks: that the members of each Concatenation (0020,9161) have every number from 1 to In-concatenation Total Number
    (0020,9163), or, if that is absent, to the largest number that is stored; and that each member begins, by its
    Concatenation Frame Offset Number (0020,9228), where the one before it ends.

    Why: a Concatenation is one image that was too large for one instance. If a member is missing, frames are missing.

    What to do: send the series again. Members that are stored already are answered 0111; the missing ones are stored.
    """
    together: dict[str, list[Member]] = defaultdict(list)
    for member in view.members:
        if member.concatenation_uid:
            together[member.concatenation_uid].append(member)
    for uid, members in sorted(together.items()):
        numbers = {one.in_concatenation_number: one for one in members if one.in_concatenation_number is not None}
        total = max([one.geometry.concatenation_total or 0 for one in members] + [*numbers, 1])
        nameless = sum(one.in_concatenation_number is None for one in members)
        lost = total - len(numbers) - nameless
        if lost > 0:
            missing = [one for one in range(1, min(total, _MOST) + 1) if one not in numbers]
            named = f", In-concatenation Number {listed(missing, lost)}" if missing and not nameless else ""
            yield SeriesProblem(
                f"Concatenation {uid}: {count(lost, 'instance')} of {total} missing{named}",
                tags=_CONCATENATION, instances=uids_of(members), expected=total, found=total - lost,
            )  # fmt: skip
        elif (wrong := _misplaced([numbers[one] for one in sorted(numbers)])) is not None:
            yield SeriesProblem(
                f"Concatenation {uid}: {who_of([wrong])} does not begin where the instance before it ends",
                tags=(*_CONCATENATION, t.CONCATENATION_FRAME_OFFSET_NUMBER), instances=uids_of([wrong]),
                found=wrong.geometry.concatenation_offset,
            )  # fmt: skip


def _misplaced(members: Sequence[Member]) -> Member | None:
    """Return the first member of a Concatenation that does not begin where the one before it ends; None if all do."""
    end = 0
    for member in members:
        if member.geometry.concatenation_offset not in (None, end):
            return member
        end += member.geometry.frame_count or 0
    return None


@series_rule(
    "SER-311", grades(Severity.INFO, Severity.INFO), applies="CT, MR, PET (single frame)",
    reference="PS3.3 C.7.10.1, C.8.3.1, C.8.9.1",
)  # fmt: skip
def fewer_instances_than_announced(view: SeriesView) -> Iterator[SeriesProblem]:
    """Fewer images are stored than the instances announce.

    Checks: that each acquisition has as many images as Images in Acquisition (0020,1002) says, the series as many times
    as Number of Temporal Positions (0020,0105), and a stack of PET as many positions as Number of Slices (0054,0081).

    Why: nothing else shows that images at the end of a series are missing.

    Exceptions: the numbers are often those of one volume, or of what was planned, so this is only noted. If PET has
    several orientations, as in rotating projections, the positions of all of them are counted together.

    What to do: compare with the number of images at the equipment. If that is larger, send the series again.
    """
    images = [one for one in view.members if one.kind in PLANES and not one.geometry.scout]
    acquisitions: dict[str, list[Member]] = defaultdict(list)
    for one in images:
        acquisitions[one.geometry.acquisition].append(one)
    for members in acquisitions.values():
        announced = max(one.geometry.acquisition_images or 0 for one in members)
        if len(members) < announced:
            yield SeriesProblem(
                f"{len(members)} of {announced} images of an acquisition", tags=(t.IMAGES_IN_ACQUISITION,),
                expected=announced, found=len(members),
            )  # fmt: skip
    times = {one.geometry.temporal for one in images if one.geometry.temporal}
    announced = max((one.geometry.temporal_positions or 0 for one in images), default=0)
    if 0 < len(times) < announced:
        yield SeriesProblem(
            f"{len(times)} of {announced} temporal positions", tags=(t.NUMBER_OF_TEMPORAL_POSITIONS,),
            expected=announced, found=len(times),
        )  # fmt: skip
    yield from _slices(view)


def _slices(view: SeriesView) -> Iterator[SeriesProblem]:
    announced = {one.id: one.geometry.slices or 0 for one in view.members if one.kind is Kind.PET}
    rotates = len({stack.group for stack in view.stacks}) > 1
    for stacks in [view.stacks] if rotates else [(stack,) for stack in view.stacks]:
        most = max(announced.get(one, 0) for stack in stacks for one in stack.members)
        there = sum(len(stack.positions) for stack in stacks)
        if there < most:
            yield SeriesProblem(
                f"{'' if rotates else view.name(stacks[0])}{there} of {most} positions",
                stack=0 if rotates else stacks[0].number,
                tags=(t.NUMBER_OF_SLICES,), expected=most, found=there,
            )  # fmt: skip


RULES: Final = (concatenation_incomplete, fewer_instances_than_announced)
