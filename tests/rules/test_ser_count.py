"""SER: whether as much is there as the instances announce."""

from math import cos, sin
from typing import Any

import pytest
from pydicom.uid import EnhancedCTImageStorage, PositronEmissionTomographyImageStorage

from scp.audit.rules import ser_count
from scp.audit.rules.ser_count import RULES
from scp.audit.series.member import Member
from scp.dicom import tags as t
from tests.rules.series import SeriesCase, changed, check, fires, found_by, member, quiet, slices, without

UID = "1.2.826.0.1.7"


def parts(*numbers: int | None, total: int | None = 3, offsets: bool = True, **changes: Any) -> list[Member]:
    """Members of one Concatenation of ten frames each, with these In-concatenation Numbers."""
    return [
        member(
            1, None, uid=f"1.2.{index}", id=index, sop_class_uid=EnhancedCTImageStorage, concatenation_uid=UID,
            in_concatenation_number=number, concatenation_total=total, frame_count=10,
            concatenation_offset=(number - 1) * 10 if offsets and number else None, **changes,
        )
        for index, number in enumerate(numbers, 1)
    ]  # fmt: skip


def pet(count: int, announced: int | None) -> list[Member]:
    return slices(count, sop_class_uid=PositronEmissionTomographyImageStorage, slices=announced)


def timed(count: int, announced: int | None) -> list[Member]:
    return [one._replace(id=one.id + 100 * n, geometry=one.geometry._replace(temporal=f"{n}.0"))
            for n in range(count) for one in slices(temporal_positions=announced)]  # fmt: skip


def rotating(count: int, announced: int) -> list[Member]:
    """Projections of PET, each of another direction."""
    directions = {n: (cos(n), sin(n), 0, 0, 0, -1) for n in range(1, count + 1)}
    pet = PositronEmissionTomographyImageStorage
    return [member(n, (0, 0, 0), orientation=one, sop_class_uid=pet, slices=announced) for n, one in directions.items()]


SERIES_CASES = [
    fires("SER-310", "second of three missing", lambda: parts(1, 3)),
    fires("SER-310", "last missing", lambda: parts(1, 2)),
    fires("SER-310", "one missing, no total", lambda: parts(1, 3, total=None)),
    fires("SER-310", "numbers missing too", lambda: parts(None, None)),
    fires("SER-310", "second of three missing, third twice", lambda: parts(1, 3, 3)),
    fires("SER-310", "one begins elsewhere", lambda: changed(parts(1, 2, 3), 1, concatenation_offset=5)),
    quiet("SER-310", "complete", lambda: parts(3, 1, 2)),
    quiet("SER-310", "complete, no total", lambda: parts(1, 2, 3, total=None)),
    quiet("SER-310", "nobody says where it begins", lambda: parts(1, 2, 3, offsets=False)),
    quiet("SER-310", "nobody says how many frames", lambda: [
        one._replace(geometry=one.geometry._replace(frame_count=None, concatenation_offset=0))
        for one in parts(1, 2, 3)]),
    quiet("SER-310", "no concatenation", slices),
    fires("SER-311", "images of an acquisition", lambda: slices(acquisition_images=12)),
    fires("SER-311", "temporal positions", lambda: timed(2, 3)),
    fires("SER-311", "slices of PET", lambda: pet(9, 10)),
    quiet("SER-311", "as many as announced", lambda: slices(10, acquisition_images=10)),
    quiet("SER-311", "more than announced", lambda: slices(10, acquisition_images=5)),
    quiet("SER-311", "all temporal positions", lambda: timed(3, 3)),
    quiet("SER-311", "temporal positions without a number", lambda: slices(temporal_positions=3)),
    quiet("SER-311", "all slices of PET", lambda: pet(10, 10)),
    quiet("SER-311", "all projections of PET", lambda: rotating(6, 6)),
    quiet("SER-311", "slices of CT", lambda: slices(9, slices=10)),
    quiet("SER-311", "nothing announced", slices),
    quiet("SER-311", "no images", lambda: [member(1, None, sop_class_uid="1.2.3")]),
]  # fmt: skip


@pytest.mark.parametrize("row", SERIES_CASES)
def test_what_the_rule_says(row: SeriesCase) -> None:
    check(RULES, row)


def test_the_missing_members_of_a_concatenation_are_named() -> None:
    (found,) = found_by(ser_count.concatenation_incomplete, parts(1, 3, 6, total=7))
    assert found.message == f"Concatenation {UID}: 4 instances of 7 missing, In-concatenation Number 2, 4, 5 and 7"


def test_a_member_of_a_concatenation_that_begins_elsewhere_is_named() -> None:
    (found,) = found_by(ser_count.concatenation_incomplete, changed(parts(1, 2, 3), 1, concatenation_offset=5))
    assert found.message == (f"Concatenation {UID}: Instance Number 1 does not begin where the instance before it ends")
    assert t.CONCATENATION_FRAME_OFFSET_NUMBER in found.tags
    assert (found.found, found.instances) == (5, ("1.2.2",))


def test_which_members_are_missing_is_not_said_if_some_have_no_number() -> None:
    (found,) = found_by(ser_count.concatenation_incomplete, parts(None, None))
    assert found.message == f"Concatenation {UID}: 1 instance of 3 missing"


def test_a_member_that_is_there_twice_stands_for_no_other() -> None:
    (found,) = found_by(ser_count.concatenation_incomplete, parts(1, 3, 3))
    assert found.message == f"Concatenation {UID}: 1 instance of 3 missing, In-concatenation Number 2"
    assert (found.expected, found.found) == (3, 2)


def test_concatenations_are_told_in_the_order_of_their_uids() -> None:
    other = [one._replace(concatenation_uid="1.2.3") for one in parts(1, 2)]
    found = found_by(ser_count.concatenation_incomplete, [*parts(1, 3), *other])
    assert [one.message.split(":")[0] for one in found] == ["Concatenation 1.2.3", f"Concatenation {UID}"]


def test_a_wild_total_costs_nothing() -> None:
    (found,) = found_by(ser_count.concatenation_incomplete, parts(1, total=65_535))
    assert found.message == (
        f"Concatenation {UID}: 65534 instances of 65535 missing, In-concatenation Number 2, 3, 4 and 65531 more"
    )


def test_projections_that_rotate_are_counted_together() -> None:
    (found,) = found_by(ser_count.fewer_instances_than_announced, rotating(5, 6))
    assert (found.message, found.stack) == ("5 of 6 positions", 0)


def test_acquisitions_are_counted_each_by_itself() -> None:
    members = [*slices(5, acquisition="1.0", acquisition_images=5), *slices(4, first=6, begin=0, acquisition="2.0",
                                                                          acquisition_images=5)]  # fmt: skip
    (found,) = found_by(ser_count.fewer_instances_than_announced, members)
    assert found.message == "4 of 5 images of an acquisition"


def test_what_is_announced_is_of_images_only() -> None:
    scout = member(99, (0, 0, 0), scout=True, acquisition_images=50)
    assert found_by(ser_count.fewer_instances_than_announced, [*without(slices(), 1), scout]) == []
