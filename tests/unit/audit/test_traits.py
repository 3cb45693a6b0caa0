"""What rules ask of the values that are new in each instance is the same in a whole series."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.uid import UID, MRImageStorage

from scp.audit.rule import Subject
from scp.audit.traits import Traits, implausible_root, maker_of
from scp.dicom import tags as t
from scp.dicom.uid import is_standards_own, is_uid, root_problem
from tests.rules.builders import image, raw, subject

UIDS = st.lists(st.sampled_from(("0", "1", "2", "3", "25", "39", "40", "840", "10008", "113619")), max_size=8)
STUDY = "1.2.826.0.1.3680043.2.1"


def sent(**values: bytes | None) -> Subject:
    """A CT slice with these encoded values, or without them."""
    absent = [keyword for keyword, value in values.items() if value is None]
    return subject(raw(image(**dict.fromkeys(absent)), **{key: value for key, value in values.items() if value}))


def padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def plainly_implausible(uid: str) -> str:
    """All of a UID looked at, whatever it is."""
    if not is_uid(uid):
        return ""
    borrowed = is_standards_own(uid) and not UID(uid).type.startswith("Well-known")
    return root_problem(uid) or ("under the standard's own root" if borrowed else "")


@given(UIDS.map(".".join))
@example("1.2.840.10008")
@example("1.2.840.10008.1.4.1.1")
@example("1.2.840.10008.5.1.4.1.1.4")
@example("2.25.1.2.3.4")
@example("2.25." + "9" * 39)
@example("3.2.1.0.9.9")
@example("1.2.840.113619.01")
def test_the_root_is_judged_as_if_all_of_the_uid_were_looked_at(uid: str) -> None:
    assert implausible_root(uid, maker_of(uid)) == plainly_implausible(uid)


@pytest.mark.parametrize(
    ("uid", "maker"),
    [
        ("1.2.840.113619.2.1", "1.2.840.113619"), ("1.2.840.113619.2", "1.2.840.113619"), ("1.2.840.113619", ""),
        ("2.25.1234", "2.25"), ("2.25", "2.25"), ("2.250.1.1.1", "2.250.1.1"), ("1.2.3.4.05", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_maker_is_named_by_four_components_if_there_are_more(uid: str, maker: str) -> None:
    assert maker_of(uid) == maker


def test_a_good_slice() -> None:
    assert sent(SOPInstanceUID=padded("1.2.826.0.1.9.1")).traits == Traits(
        has_uid=True, is_uid=True, is_announced=True, namesakes=(), maker="1.2.826.0", root_problem="",
        is_numbered=True, positions=3, is_far=False, locations=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "different"),
    [
        ({"SOPInstanceUID": None}, {"has_uid": False, "is_uid": False, "maker": "", "is_announced": True}),
        ({"SOPInstanceUID": b"1.2.x "}, {"has_uid": True, "is_uid": False, "maker": ""}),
        ({"SOPInstanceUID": padded(MRImageStorage)}, {"root_problem": "under the standard's own root"}),
        ({"SOPInstanceUID": padded(STUDY), "StudyInstanceUID": padded(STUDY)}, {"namesakes": (t.STUDY_INSTANCE_UID,)}),
        (
            dict.fromkeys(("SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"), padded(STUDY)),
            {"namesakes": (t.STUDY_INSTANCE_UID, t.FRAME_OF_REFERENCE_UID)},
        ),
        ({"InstanceNumber": None}, {"is_numbered": False}),
        ({"InstanceNumber": b"1.0 "}, {"is_numbered": False}),
        ({"ImagePositionPatient": None}, {"positions": 0}),
        ({"ImagePositionPatient": b"1\\2 "}, {"positions": 2}),
        ({"ImagePositionPatient": b"1\\-2e6\\3 "}, {"positions": 3, "is_far": True}),
        ({"ImagePositionPatient": b"1\\2\\x "}, {"positions": None}),
        ({"SliceLocation": b"1\\2 "}, {"locations": 2}),
        ({"SliceLocation": b"x "}, {"locations": None}),
    ],
)
def test_what_is_otherwise_in_others(values: dict[str, Any], different: dict[str, Any]) -> None:
    traits = sent(**values).traits._asdict()
    assert {name: traits[name] for name in different} == different


def test_traits_follow_when_a_subject_is_changed() -> None:
    good = subject(image())
    other = replace(good, request=replace(good.request, sop_instance_uid="1.2.3"))
    assert (good.traits.is_announced, other.traits.is_announced) == (True, False)
