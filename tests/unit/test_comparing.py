"""Comparisons beside each other: what may take much memory waits for others that do, nothing else does."""

from typing import Any

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from scp import comparing as module
from scp.comparing import compare_in_turn
from scp.dicom.difference import Comparison, Pixels
from scp.dicom.walk import Limits


@pytest.mark.parametrize(
    ("first", "second", "size", "waits"),
    [
        (RLELossless, RLELossless, 1, True),
        (ExplicitVRLittleEndian, JPEG2000Lossless, 1, True),
        (JPEG2000Lossless, ImplicitVRLittleEndian, 1, True),
        (ExplicitVRLittleEndian, ImplicitVRLittleEndian, 1 << 20, False),
        (ExplicitVRLittleEndian, ImplicitVRLittleEndian, (1 << 20) + 1, True),
        (DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, 1, True),
        ("1.2.840.10008.1.2.6.1", ExplicitVRLittleEndian, 1, False),
    ],
)
def test_comparisons_that_may_decode_frames_or_have_many_elements_are_made_one_at_a_time(
    first: str, second: str, size: int, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Comparison((), Pixels.EQUAL, first, second)

    def compare(*_: Any) -> Comparison:
        assert module._one_at_a_time.locked() is waits
        return found

    monkeypatch.setattr(module, "compare", compare)
    assert compare_in_turn(memoryview(b""), first, memoryview(bytes(size)), second, Limits()) is found
    assert not module._one_at_a_time.locked()
