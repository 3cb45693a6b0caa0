"""Who examines for which association."""

from dataclasses import replace
from typing import Final

from scp.dicom.request import Association
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
