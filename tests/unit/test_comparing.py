"""Comparisons beside each other: what may decode frames waits for others that do, nothing else does."""

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
    ("first", "second", "waits"),
    [
        (RLELossless, RLELossless, True),
        (ExplicitVRLittleEndian, JPEG2000Lossless, True),
        (JPEG2000Lossless, ImplicitVRLittleEndian, True),
        (ExplicitVRLittleEndian, ImplicitVRLittleEndian, False),
        (DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, False),
        ("1.2.840.10008.1.2.6.1", ExplicitVRLittleEndian, False),
    ],
)
def test_comparisons_of_compressed_copies_are_made_one_at_a_time(
    first: str, second: str, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Comparison((), Pixels.EQUAL, first, second)

    def compare(*_: Any) -> Comparison:
        assert module._decoding.locked() is waits
        return found

    monkeypatch.setattr(module, "compare", compare)
    assert compare_in_turn(memoryview(b""), first, memoryview(b""), second, Limits()) is found
    assert not module._decoding.locked()
