"""A-ASSOCIATE-RQs: what is honest comes through unchanged, and nothing else than Malformed ever comes out."""

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage
from pynetdicom import build_context, build_role
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    UserIdentityNegotiation,
)

from scp.net.proposal import APPLICATION_CONTEXT, Malformed, as_shown, is_ae_title, read_proposal


def proposal_of_pynetdicom(*more: Any, identity: bool = False) -> bytes:
    """Return the variable part of a proposal with everything that pynetdicom proposes, and more user information."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(APPLICATION_CONTEXT)
    primitive.calling_ae_title, primitive.called_ae_title = "MR 1", "ARCHIVE"
    contexts = [build_context(CTImageStorage), build_context(MRImageStorage, ImplicitVRLittleEndian)]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    primitive.presentation_context_definition_list = contexts
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16_382
    implementation.implementation_class_uid = UID("1.2.3")
    version, window = ImplementationVersionNameNotification(), AsynchronousOperationsWindowNegotiation()
    version.implementation_version_name = "TEST"
    window.maximum_number_operations_invoked = 5
    information: list[Any] = [length, implementation, version, window, build_role(CTImageStorage, scp_role=True)]
    information.extend(more)
    if identity:
        user = UserIdentityNegotiation()
        user.user_identity_type, user.primary_field = 1, b"somebody"
        information.append(user)
    primitive.user_information = information
    request = A_ASSOCIATE_RQ()
    request.from_primitive(primitive)
    return request.encode()[6:]


HONEST = proposal_of_pynetdicom()


def test_an_honest_proposal_comes_through_as_it_was() -> None:
    proposal = read_proposal(HONEST)
    assert proposal.body == HONEST
    assert proposal.supports_version_1
    assert (proposal.calling_ae_title, proposal.called_ae_title) == ("MR 1", "ARCHIVE")
    assert proposal.application_context == APPLICATION_CONTEXT
    assert not proposal.has_user_identity


def test_a_user_identity_is_seen() -> None:
    body = proposal_of_pynetdicom(identity=True)
    proposal = read_proposal(body)
    assert proposal.has_user_identity
    assert proposal.body == body


@given(st.binary(max_size=400))
def test_nothing_but_malformed_comes_of_any_bytes(raw: bytes) -> None:
    with suppress(Malformed):
        read_proposal(raw)


@given(st.integers(0, len(HONEST) - 1), st.binary(min_size=1, max_size=8))
def test_nothing_but_malformed_comes_of_a_changed_proposal(position: int, change: bytes) -> None:
    changed = HONEST[:position] + change + HONEST[position + len(change) :]
    try:
        proposal = read_proposal(changed)
    except Malformed:
        return
    assert len(proposal.body) <= len(changed)


@given(st.integers(68, len(HONEST) - 1))
def test_a_cut_proposal_is_malformed_or_has_fewer_items(length: int) -> None:
    with suppress(Malformed):
        assert HONEST.startswith(read_proposal(HONEST[:length]).body)


def test_as_many_transfer_syntaxes_as_there_are_may_be_proposed_for_each_context() -> None:
    def item(kind: int, value: bytes) -> bytes:
        return struct.pack(">BxH", kind, len(value)) + value

    def context(number: int, syntaxes: int) -> bytes:
        transfer = item(0x40, ExplicitVRLittleEndian.encode()) * syntaxes
        return item(0x20, bytes((number, 0, 0, 0)) + item(0x30, b"1.2") + transfer)

    body = HONEST[:68] + b"".join(context(number, 48) for number in range(1, 254, 2))
    assert read_proposal(body + context(255, 48)).body == body + context(255, 48)
    with pytest.raises(Malformed):
        read_proposal(body + context(255, 49))


class TestTitles:
    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            (b"CT1             ", "CT1"),
            (b"  CT1" + bytes(11), "CT1"),
            (b"\r\n\x1b\x7f", "\\x0d\\x0a\\x1b\\x7f"),
            (b"\xe9", "\\xe9"),
        ],
    )
    def test_are_shown_without_padding_and_escaped(self, raw: bytes, shown: str) -> None:
        assert as_shown(raw) == shown

    @given(st.binary(max_size=16))
    def test_are_printable_ascii_whatever_was_sent(self, raw: bytes) -> None:
        assert as_shown(raw).isascii()
        assert as_shown(raw).isprintable()

    @pytest.mark.parametrize(("title", "is_one"), [("CT 1", True), ("<b>", True), ("", False), ("A\\x0a", False)])
    def test_are_titles_if_nothing_was_escaped(self, title: str, is_one: bool) -> None:
        assert is_ae_title(title) is is_one
