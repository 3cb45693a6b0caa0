"""Who examines for which association."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from scp.audit.examiner import Examiner
from scp.dicom.request import Association, Request
from scp.dicom.walk import Limits
from scp.examiners import Examiners

SENDER: Final = Association("1", "127.0.0.1", 1, "CT1", "AUDITSCP")


def test_the_next_association_of_a_sender_has_an_examiner_who_knows_it() -> None:
    examiners = Examiners(Limits(), b"k" * 32)
    first, second, other = SENDER, replace(SENDER, id="2", port=2), replace(SENDER, id="3", calling_ae_title="MR1")
    one = examiners.of(first)
    assert examiners.of(first) is one
    assert examiners.of(second) is not one, "the first association goes on"
    examiners.ended(first)
    assert examiners.of(other) is not one
    assert examiners.of(replace(SENDER, id="4")) is one
    assert examiners.of(replace(SENDER, id="5")) is not one, "it is at work"


def test_few_examiners_are_kept_for_senders_who_may_never_come_again() -> None:
    examiners = Examiners(Limits(), b"k" * 32)
    senders = [replace(SENDER, id=str(number), address=f"10.0.0.{number}") for number in range(100)]
    before = [examiners.of(sender) for sender in senders]
    for sender in senders:
        examiners.ended(sender)
    after = [examiners.of(sender) for sender in reversed(senders)]
    assert [one is two for one, two in zip(after, reversed(before), strict=True)] == [True] * 16 + [False] * 84


@pytest.mark.parametrize(
    ("size", "syntax", "at_once"),
    [
        (1 << 20, ExplicitVRLittleEndian, 2),
        ((1 << 20) + 1, ExplicitVRLittleEndian, 1),
        (1, DeflatedExplicitVRLittleEndian, 1),
        (1 << 21, "1.2.3", 1),
    ],
)
def test_what_may_have_a_million_elements_is_read_one_at_a_time(
    size: int, syntax: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, reading, most = threading.Barrier(2), set[int](), []
    patience = 60 if at_once == 2 else 0.5  # who must not come is not waited for long

    def examine(_self: Examiner, _data: memoryview, request: Request) -> Any:
        reading.add(request.message_id)
        with suppress(threading.BrokenBarrierError):
            both.wait(patience)
        most.append(len(reading))
        reading.remove(request.message_id)

    monkeypatch.setattr(Examiner, "examine", examine)
    examiners, data = Examiners(Limits(), b"k" * 32), memoryview(bytes(size))
    requests = [
        Request(replace(SENDER, id=str(number)), number, "1.2", "1.2.3", "1.2", syntax, ()) for number in (1, 2)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda request: examiners.examine(data, request), requests))
    assert max(most) == at_once
