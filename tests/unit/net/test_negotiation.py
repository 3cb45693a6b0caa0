"""What is agreed is what pynetdicom says of each proposal alone, whether it was proposed before or not."""

import struct
import threading
from dataclasses import replace
from typing import Final

import pytest
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)
from pynetdicom import AE, _config
from pynetdicom.pdu import A_ASSOCIATE_AC
from pynetdicom.pdu_primitives import SOPClassCommonExtendedNegotiation

from scp.net.contexts import Context, Offer
from scp.net.negotiation import Negotiator, _Acceptor
from scp.net.proposal import Malformed, Proposal, read_proposal
from tests.unit.net.test_proposal import HONEST, proposal_of_pynetdicom

PROPOSAL: Final = read_proposal(HONEST)


def negotiator(offer: Offer | None = None, max_pdu: int = 65_536) -> Negotiator:
    ae = AE("AUDITSCP")
    ae.implementation_class_uid, ae.implementation_version_name = UID("1.2.3.4"), "HERE"
    ae.maximum_pdu_size = max_pdu
    return Negotiator(ae, offer or Offer())


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def another(number: int) -> Proposal:
    """Return the same proposal under another calling AE title."""
    return replace(PROPOSAL, body=HONEST[:20] + f"CT{number}".encode().ljust(16) + HONEST[36:])


def long() -> Proposal:
    """Return a proposal that is longer than those that are remembered."""
    syntaxes = _item(0x40, ExplicitVRLittleEndian.encode()) * 5
    contexts = (_item(0x20, bytes((number, 0, 0, 0)) + _item(0x30, b"1.2") + syntaxes) for number in range(5, 256, 2))
    proposal = replace(PROPOSAL, body=HONEST + b"".join(contexts))
    assert len(proposal.body) > 16_384
    return proposal


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The proposals that pynetdicom is asked about."""
    bodies: list[bytes] = []
    original = _Acceptor.__init__

    def noted(self: _Acceptor, ae: AE, body: bytes) -> None:
        bodies.append(body)
        original(self, ae, body)

    monkeypatch.setattr(_Acceptor, "__init__", noted)
    return bodies


def test_the_answer_is_the_acceptance_with_what_is_ours() -> None:
    agreement = negotiator().read(PROPOSAL).agree()
    answer = A_ASSOCIATE_AC()
    answer.decode(agreement.answer)
    said = answer.user_information
    assert said
    assert (said.maximum_length, said.implementation_class_uid, said.implementation_version_name) == (
        65_536, "1.2.3.4", "HERE",
    )  # fmt: skip
    assert [item.result for item in answer.presentation_context] == [0, 0]
    assert agreement.contexts == {
        1: Context(CTImageStorage, ExplicitVRLittleEndian, {}),
        3: Context(MRImageStorage, ImplicitVRLittleEndian, {}),
    }
    assert agreement[2:] == ((), "1.2.3", "TEST", 16_382)


def test_a_proposal_that_was_accepted_before_has_the_same_answer_and_costs_nothing(asked: list[bytes]) -> None:
    node = negotiator()
    first, second = (node.read(PROPOSAL).agree() for _ in range(2))
    assert first == second == negotiator().read(PROPOSAL).agree()
    assert asked == [HONEST, HONEST], "once for each node"


def test_another_offer_makes_another_agreement() -> None:
    agreement = negotiator(Offer(refused_sop_classes=frozenset({str(CTImageStorage)}))).read(PROPOSAL).agree()
    assert list(agreement.contexts) == [3]
    assert agreement.refused == (CTImageStorage,)


def test_a_class_without_a_usable_transfer_syntax_is_refused_too() -> None:
    agreement = negotiator(Offer(transfer_syntaxes=frozenset({str(ExplicitVRLittleEndian)}))).read(PROPOSAL).agree()
    assert [context.abstract_syntax for context in agreement.contexts.values()] == [CTImageStorage]
    assert agreement.refused == (MRImageStorage,)


def test_a_general_class_that_the_peer_names_for_another_holds_for_what_is_offered() -> None:
    proposal = read_proposal(
        proposal_of_pynetdicom(*map(_under_ct, (EnhancedCTImageStorage, PositronEmissionTomographyImageStorage)))
    )
    offer = Offer(refused_sop_classes=frozenset({str(PositronEmissionTomographyImageStorage)}))
    agreement = negotiator(offer).read(proposal).agree()
    assert agreement.contexts[1].related_general_classes == {EnhancedCTImageStorage: (CTImageStorage,)}


def _under_ct(sop_class: UID) -> SOPClassCommonExtendedNegotiation:
    item = SOPClassCommonExtendedNegotiation()
    item.sop_class_uid, item.service_class_uid = sop_class, UID("1.2.840.10008.4.2")
    item.related_general_sop_class_identification = [CTImageStorage]
    return item


def test_a_user_is_asked_for_each_time_and_confirmed_if_it_wishes(asked: list[bytes]) -> None:
    proposal, node = read_proposal(proposal_of_pynetdicom(identity=True)), negotiator()
    for _ in range(2):
        negotiation = node.read(proposal)
        assert negotiation.claim
        assert negotiation.claim.name == b"somebody"
        assert negotiation.agree().contexts
    assert len(asked) == 2


def test_a_claim_that_pynetdicom_cannot_read_is_none_that_is_believed() -> None:
    claim = negotiator().read(replace(PROPOSAL, has_user_identity=True)).claim
    assert claim
    assert claim.type == 0


def test_few_proposals_are_remembered_and_no_long_one(asked: list[bytes]) -> None:
    node = negotiator()
    for number in range(1000):
        node.read(another(number % 100)).agree()
    assert 100 < len(asked) <= 1000
    assert len(node._agreements) <= 64
    asked.clear()
    for _ in range(2):
        node.read(long()).agree()
    assert len(asked) == 2


def test_long_proposals_are_read_one_after_the_other_and_no_short_one_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, original = negotiator(), _Acceptor.__init__
    reading, may_go_on, at_once = threading.Semaphore(0), threading.Event(), list[int]()

    def held_up(self: _Acceptor, ae: AE, body: bytes) -> None:
        if len(body) > 16_384:
            at_once.append(1)
            reading.release()
            assert may_go_on.wait(30)
            at_once.remove(1)
        original(self, ae, body)

    monkeypatch.setattr(_Acceptor, "__init__", held_up)
    threads = [threading.Thread(target=lambda: node.read(long()).agree()) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert reading.acquire(timeout=30)
    assert node.read(PROPOSAL).agree().contexts
    assert not reading.acquire(timeout=0.2)
    assert at_once == [1]
    may_go_on.set()
    for thread in threads:
        thread.join(30)
    assert at_once == []


@pytest.mark.filterwarnings("ignore:The value length")  # a node lets pydicom say nothing
def test_what_is_too_long_for_a_uid_is_no_class_and_is_shown_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_config.VALIDATORS, "UI", lambda _: (True, ""))  # as a node has it
    uid = "1.2" + ".1" * 1000
    syntaxes = _item(0x30, uid.encode()) + _item(0x40, ImplicitVRLittleEndian.encode())
    contexts = _item(0x20, bytes([9, 0, 0, 0]) + syntaxes)
    software = _item(0x50, _item(0x51, bytes(4)) + _item(0x52, uid.encode()))
    body = HONEST[:68] + _item(0x10, b"1.2.840.10008.3.1.1.1") + contexts + software
    agreement = negotiator().read(read_proposal(body)).agree()
    assert (agreement.contexts, agreement.refused) == ({}, (uid,))
    assert agreement.implementation_class_uid == uid[:128]


def test_what_pynetdicom_stumbles_over_is_malformed() -> None:
    with pytest.raises(Malformed, match="cannot be read"):
        negotiator().read(replace(PROPOSAL, body=HONEST[:-1]))
