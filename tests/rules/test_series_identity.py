"""NUM, ENT, DUP and REF, over a whole series."""

import random
from math import cos, sin
from typing import Any

import pytest
from pydicom.uid import BasicTextSRStorage, MRImageStorage, RTDoseStorage, UltrasoundImageStorage

from scp.audit.rules import dup_series, ent_series, num_series, ref
from scp.audit.rules.ent_series import SHARED
from scp.audit.series.member import Context, Member
from scp.audit.tracked import COUNTED
from tests.rules.series import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    SeriesCase,
    again,
    changed,
    check,
    fires,
    found_by,
    member,
    quiet,
    slices,
    without,
)

RULES = (*num_series.RULES, *ent_series.RULES, *dup_series.RULES, *ref.RULES)


def numbered(*numbers: int | None, **changes: Any) -> list[Member]:
    return [
        one._replace(instance_number=number)
        for one, number in zip(slices(len(numbers), **changes), numbers, strict=True)
    ]


def cine(places: int = 3, phases: int = 5, on: int = 0) -> list[Member]:
    """Phases at each place, numbered anew, or, but for one number, on from place to place."""
    return [
        member(
            phase if not on or (place, phase) == (1, on) else phase + place * phases, (0.0, 0.0, 8.0 * place),
            id=100 * place + phase, uid=f"1.2.{place}.{phase}", slot=str(phase), sop_class_uid=MRImageStorage,
        )
        for place in range(places) for phase in range(1, phases + 1)
    ]  # fmt: skip


def echoes(odd: int) -> list[Member]:
    """Twelve slices of two echoes by turns, numbered on; the eighth may have an odd number."""
    members = [one._replace(slot=str(n % 2)) for n, one in enumerate(slices(12))]
    return [one._replace(instance_number=odd) if odd and one.instance_number == 8 else one for one in members]


def planes(*firsts: int, odd: int = 0) -> list[Member]:
    """Five slices in each of three planes, numbered from these on; the third of the last one has an odd number."""
    return [
        member(
            odd if odd and (plane, index) == (2, 2) else first + index,
            tuple(10.0 * index if axis == 2 - plane else 0.0 for axis in range(3)),
            id=10 * plane + index, uid=f"1.2.{plane}.{index}", orientation=orientation, sop_class_uid=MRImageStorage,
        )
        for plane, (first, orientation) in enumerate(zip(firsts, (AXIAL, CORONAL, SAGITTAL), strict=True))
        for index in range(5)
    ]  # fmt: skip


def turned(by: int, count: int) -> list[Member]:
    """Slices that lie across a direction in the plane of the table."""
    x, y = cos(0.01 * by), sin(0.01 * by)
    return [
        member(
            None, (-y * 5 * n, x * 5 * n, 0.0), orientation=(x, y, 0.0, 0.0, 0.0, -1.0), sop_class_uid=MRImageStorage
        )
        for n in range(count)
    ]


def rotating(*numbers: int) -> list[Member]:
    """Projections, each from another side, with these numbers."""
    return [
        one._replace(id=n, sop_instance_uid=f"1.2.{n}", instance_number=number)
        for n, number in enumerate(numbers) for one in turned(10 * n, 1)
    ]  # fmt: skip


def said(*values: dict[str, str]) -> Context:
    """Values of the variants "v", "w", "x" … of :attr:`Geometry.variant`."""
    return Context(variants=dict(zip("vwxyz", values, strict=False)))


def one_says(variant: str = "w", count: int = 1, **changes: Any) -> list[Member]:
    members = slices(**changes)
    for index in range(2, 2 + count):
        members = changed(members, index, variant=variant)
    return members


SHOUTED, WRITTEN = {"manufacturer": "SIEMENS"}, {"manufacturer": "Siemens"}
MAKER, OTHER = {"manufacturer": "A"}, {"manufacturer": "B"}
REPORT = member(1, None, id=7, sop_class_uid=BasicTextSRStorage)

SERIES_CASES = [
    fires("NUM-005", "one missing", lambda: numbered(1, 2, 3, 5, 6)),
    fires("NUM-005", "one mosaic missing", lambda: numbered(1, 2, 4, 5, mosaic=True)),
    fires("NUM-005", "one projection missing", lambda: rotating(1, 2, 3, 5, 6)),
    quiet("NUM-005", "two projections", lambda: rotating(1, 3)),
    quiet("NUM-005", "frames", lambda: [
        member(n, None, sop_class_uid=RTDoseStorage, orientations=[AXIAL], frames=[(0.0, 0.0, 0.0, 0)] * 2)
        for n in (1, 2, 4, 5)]),
    quiet("NUM-005", "mosaics numbered in steps", lambda: numbered(1, 31, 61, None, mosaic=True)),
    quiet("NUM-005", "mosaics of two sorts", lambda: [*numbered(1, 3, 5, mosaic=True), *again(
        numbered(-998, -996, mosaic=True), stack="b")]),
    quiet("NUM-005", "contiguous", slices),
    quiet("NUM-005", "another image of the series has it", lambda: [
        *numbered(1, 3, 5, 7), *(one._replace(geometry=one.geometry._replace(stack="b"), id=one.id + 50)
                                 for one in numbered(2, 4, 6, 8))]),
    quiet("NUM-005", "numbered in steps", lambda: numbered(1, 11, 21, 31)),
    quiet("NUM-005", "far apart", lambda: numbered(1, 2, 3, 2**31 - 1)),
    quiet("NUM-005", "none", lambda: numbered(None, None, None)),
    quiet("NUM-005", "two positions", lambda: numbered(1, 3)),
    fires("NUM-006", "two swapped", lambda: numbered(1, 3, 2, 4)),
    quiet("NUM-006", "rising", slices),
    quiet("NUM-006", "falling", lambda: numbered(9, 7, 5, 1)),
    quiet("NUM-006", "one has none", lambda: numbered(1, 3, None, 2)),
    quiet("NUM-006", "repeated", lambda: [*slices(), *again(slices())]),
    quiet("NUM-006", "two stacks", lambda: [*numbered(1, 3, 2, 4), *again(slices(2), stack="b")]),
    quiet("NUM-006", "two positions", lambda: numbered(2, 1)),
    fires("NUM-007", "one has the number of another", lambda: numbered(1, 2, 3, 4, 5, 6, 4)),
    fires("NUM-007", "one of a cine that is numbered on", lambda: cine(on=4)),
    fires("NUM-007", "one of a localizer that is numbered on", lambda: planes(1, 6, 11, odd=4)),
    fires("NUM-007", "one of the projections", lambda: rotating(*range(1, 9), 4)),
    fires("NUM-007", "one of an echo written over by that of another", lambda: echoes(5)),
    quiet("NUM-007", "two echoes", lambda: echoes(0)),
    quiet("NUM-007", "one of an echo numbered again, and none missing", lambda: [*echoes(0), *again(
        numbered(-999), slot="third")]),
    quiet("NUM-007", "a third of all written over", lambda: [
        one._replace(slot=str(n)) for n, one in enumerate(numbered(1, 2, 2, 4, 5, 5, 7, 7, 9))]),
    quiet("NUM-007", "localizer numbered on", lambda: planes(1, 6, 11)),
    quiet("NUM-007", "localizer numbered anew in each plane", lambda: planes(1, 1, 1)),
    quiet("NUM-007", "localizer numbered anew, one missing", lambda: without(planes(1, 1, 1), 7)),
    quiet("NUM-007", "projections of one number", lambda: rotating(1, 1, 1)),
    quiet("NUM-007", "very many planes", lambda: [
        one._replace(instance_number=1 if n % 2 and number == 1 else 5 * n + number, id=5 * n + number,
                     sop_instance_uid=f"1.2.{n}.{number}", slot="")
        for n in range(300) for number, one in enumerate(turned(n, 3), 1)]),
    quiet("NUM-007", "each once", slices),
    quiet("NUM-007", "numbered anew at each place", cine),
    quiet("NUM-007", "of another echo", lambda: [
        one._replace(slot=str(n % 2)) for n, one in enumerate(numbered(1, 4, 2, 5, 3, 6, 4, 7))]),
    quiet("NUM-007", "at one place", lambda: [*slices(), *again(slices()[2:4], slot="b")]),
    quiet("NUM-007", "none", lambda: numbered(None, None, None)),
    quiet("NUM-007", "frames", lambda: [member(1, None, sop_class_uid=RTDoseStorage, orientations=[AXIAL],
                                               frames=[(0.0, 0.0, 2.0 * n, 0) for n in range(5)])]),
    quiet("ENT-299", "one maker in two cases", one_says, context=said(SHOUTED, WRITTEN)),
    fires("ENT-299", "one of another maker", one_says, context=said(MAKER, OTHER)),
    fires("ENT-299", "three values", lambda: changed(one_says(), 7, variant="x"),
          context=said(MAKER, OTHER, {"manufacturer": "C"})),
    fires("ENT-299", "one in another Frame of Reference", one_says,
          context=said({"frame_of_reference_uid": "1.2"}, {"frame_of_reference_uid": "1.3"})),
    fires("ENT-299", "half and half", lambda: one_says(count=5), "tie", context=said(MAKER, OTHER)),
    fires("ENT-299", "the first one was wrong", lambda: slices(1), "refused", context=Context(refused={"ENT-203": 2})),
    quiet("ENT-299", "all say the same", slices, context=said(MAKER)),
    quiet("ENT-299", "one says nothing", one_says, "tie", context=said(MAKER, {"modality": "CT"})),
    quiet("ENT-299", "what may differ", one_says, context=said({"laterality": "L"}, {"laterality": "R"})),
    quiet("ENT-299", "a Frame of Reference of each ultrasound image",
          lambda: one_says(sop_class_uid=UltrasoundImageStorage),
          context=said({"frame_of_reference_uid": "1.2"}, {"frame_of_reference_uid": "1.3"})),
    quiet("ENT-299", "as many refused as stored", lambda: slices(2), "refused",
          context=Context(refused={"ENT-203": 2})),
    quiet("ENT-299", "refused for something else", lambda: slices(1), "refused",
          context=Context(refused={"GEO-107": 9})),
    fires("DUP-008", "two have the same pixels", slices, context=Context(copies=((3, 7),))),
    quiet("DUP-008", "nobody has looked", slices),
    quiet("DUP-008", "all differ", slices, context=Context(copies=())),
    fires("REF-401", "evidence is missing", lambda: [REPORT], context=Context(absent={7: ("1.2.3", "1.2.4")})),
    quiet("REF-401", "nobody has looked", lambda: [REPORT]),
    quiet("REF-401", "all are stored", lambda: [REPORT], context=Context(absent={7: ()})),
]  # fmt: skip


@pytest.mark.parametrize("row", SERIES_CASES)
def test_what_the_rule_says(row: SeriesCase) -> None:
    check(RULES, row)


def test_a_number_that_was_written_over_is_told_with_all_that_have_it() -> None:
    (found,) = found_by(num_series.instance_numbers_repeated_here_and_there, echoes(5))
    assert found.message == "Instance Number 5 in several images, and as many are missing"
    assert found.instances == ("1.2.5", "1.2.8")


def test_missing_numbers_are_named_and_not_more_than_a_message_holds() -> None:
    (found,) = found_by(num_series.instance_numbers_have_gaps, numbered(1, 2, 3, 5, 6))
    assert found.message == "Instance Number 4 missing"
    (found,) = found_by(num_series.instance_numbers_have_gaps, without(slices(20), 3, 5, 7, 9, 11))
    assert found.message == "Instance Number 4, 6, 8 and 2 more missing"


def test_numbers_out_of_order_are_named() -> None:
    (found,) = found_by(num_series.instance_numbers_not_in_spatial_order, numbered(1, 2, 5, 4, 6))
    assert found.message == "out of spatial order: Instance Number 4"


def test_the_few_are_named_whoever_came_first() -> None:
    members = one_says(count=2)
    for seed in range(5):
        random.Random(seed).shuffle(members)
        (found,) = found_by(ent_series.majority_contradicts, members, said(MAKER, OTHER))
        assert found.message == (
            "(0008,0070) Manufacturer of 2 of 10 instances differs from the others: Instance Number 3 and 4"
        )
        assert found.instances == ("1.2.3", "1.2.4")


def test_values_that_name_a_person_are_not_shown() -> None:
    context = said({"patient_name": "fingerprint-1"}, {"patient_name": "fingerprint-2"})
    (found,) = found_by(ent_series.majority_contradicts, one_says(), context)
    assert "fingerprint" not in repr(found)


def test_only_values_that_are_counted_are_compared() -> None:
    assert set(SHARED) < set(COUNTED)


def test_refusals_that_outnumber_what_is_stored_are_told() -> None:
    (found,) = found_by(ent_series.majority_contradicts, slices(1), Context(refused={"ENT-203": 90, "DUP-004": 3}))
    assert found.message == "90 instances were refused for contradicting the one that is stored"
    (found,) = found_by(ent_series.majority_contradicts, slices(2), Context(refused={"ENT-203": 90}))
    assert found.message == "90 instances were refused for contradicting the 2 that are stored"


def test_copies_and_references_are_named() -> None:
    (found,) = found_by(dup_series.same_pixels_under_another_uid, slices(), Context(copies=((3, 7),)))
    assert found.message == "2 images have the same pixels: Instance Number 3 and 7"
    (found,) = found_by(ref.referenced_instance_not_stored, [REPORT], Context(absent={7: ("1.2.3", "1.2.4")}))
    assert found.message == "Instance Number 1: 2 referenced instances not stored here"
    many = tuple(f"1.2.{number}" for number in range(150))
    (found,) = found_by(ref.referenced_instance_not_stored, [REPORT], Context(absent={7: many}))
    assert (found.message, found.found) == ("Instance Number 1: 150 referenced instances not stored here", many[:100])
    nameless = REPORT._replace(instance_number=None)
    (found,) = found_by(ref.referenced_instance_not_stored, [nameless], Context(absent={7: ("1.2.3",)}))
    assert found.message == f"SOP Instance UID {REPORT.sop_instance_uid}: 1 referenced instance not stored here"


def test_frames_have_no_instance_numbers_of_their_own() -> None:
    volume = member(1, None, sop_class_uid="1.2.840.10008.5.1.4.1.1.4.1", frames=[(0, 0, z, 0) for z in (0, 2, 4, 6)],
                    orientations=[(1, 0, 0, 0, 1, 0)])  # fmt: skip
    assert [one for rule in num_series.RULES for one in found_by(rule, [volume])] == []


def test_series_of_one_kind_only_are_compared_by_frame_of_reference() -> None:
    members = one_says(sop_class_uid=MRImageStorage)
    context = said({"frame_of_reference_uid": "1.2"}, {"frame_of_reference_uid": "1.3"})
    assert len(found_by(ent_series.majority_contradicts, members, context)) == 1
