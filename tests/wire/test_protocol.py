"""P-DATA and DIMSE from peers that do not know them, or know them too well."""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

import pytest
from pydicom.uid import ImplicitVRLittleEndian

from tests.wire.hostility import closed_line, outcomes, serve_good_peer
from tests.wire.node import PATIENCE, NodeProcess
from tests.wire.objects import Instance, contexts_of, ct, large_ct
from tests.wire.peer import C_ECHO_RQ, COMMAND, LAST, P_DATA, VERIFICATION, Peer, c_store_rq, command_set, pdv

STORAGE, ECHO, REFUSED, NEVER = 1, 3, 5, 7
"""Presentation Contexts: accepted for storage and Verification, rejected, and not proposed."""
QUERY: Final = "1.2.840.10008.5.1.4.1.2.2.1"

N_EVENT_REPORT_RQ, N_CREATE_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ = 0x0100, 0x0140, 0x0020, 0x0010, 0x0021
FIELD, MESSAGE_ID, RESPONDED_TO, DATA_SET_TYPE = 0x00000100, 0x00000110, 0x00000120, 0x00000800
NO_DATA_SET: Final = 0x0101
UNRECOGNISED_OPERATION: Final = "0211"

Act = Callable[[Peer, Instance], None]


def peer_for(node: NodeProcess, instance: Instance) -> Peer:
    """Make a peer that proposes the contexts that these tests count on."""
    implicit = [str(ImplicitVRLittleEndian)]
    return Peer(node.port, [*contexts_of([instance]), (VERIFICATION, implicit), (QUERY, implicit)])


def short(number: int) -> bytes:
    """Encode a US."""
    return struct.pack("<H", number)


def request(instance: Instance, **changes: bytes | None) -> bytes:
    """Encode a C-STORE-RQ; ``changes`` are elements by the names above in lower case, None takes one away."""
    names = {"field": FIELD, "message_id": MESSAGE_ID, "data_set_type": DATA_SET_TYPE, "sop_class": 2, "sop": 0x1000}
    elements = c_store_rq(instance) | {names[name]: value for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            del elements[names[name]]
    return command_set(elements)


def say(peer: Peer, *values: bytes) -> None:
    """Send Presentation Data Values in one P-DATA-TF."""
    peer.send_pdu(P_DATA, b"".join(values))


def command(raw: bytes, context: int = STORAGE) -> bytes:
    """Encode a whole command set as a Presentation Data Value."""
    return pdv(context, COMMAND | LAST, raw)


def in_mid_data_set(what: Callable[[Peer], None]) -> Act:
    """Do something after a request and half of its Data Set."""

    def act(peer: Peer, instance: Instance) -> None:
        say(peer, command(request(instance)), pdv(STORAGE, 0, instance.data[:100]))
        what(peer)

    return act


def before_anything(what: Callable[[Peer], None]) -> Act:
    """Do something at once."""
    return lambda peer, _: what(peer)


def with_command(**changes: bytes | None) -> Act:
    """Send a request that is changed so."""
    return lambda peer, instance: say(peer, command(request(instance, **changes)))


class Abuse(NamedTuple):
    """What a peer does, what the log says about it, and what becomes of its requests."""

    name: str
    act: Act
    fault: str
    outcomes: tuple[str, ...] = ()


LENGTH: Final = "a presentation data value of impossible length"
PDU: Final = "a PDU of no known type, or longer than allowed"
NOT_ACCEPTED: Final = "a Presentation Context that was not accepted"

ANYWHERE: Final = (
    ("p_data_of_length_ffffffff", lambda peer: peer.send_pdu(P_DATA, b"", 0xFFFFFFFF), PDU),
    ("p_data_of_length_0", lambda peer: peer.send_pdu(P_DATA, b""), "a P-DATA-TF without a presentation data value"),
    ("p_data_over_the_maximum", lambda peer: peer.send_pdu(P_DATA, b"", 131_073), PDU),
    ("pdv_of_length_0", lambda peer: say(peer, pdv(STORAGE, 0, b"", 0)), LENGTH),
    ("pdv_of_length_1", lambda peer: say(peer, pdv(STORAGE, 0, b"", 1)), LENGTH),
    ("pdv_over_the_pdu", lambda peer: say(peer, pdv(STORAGE, 0, b"abc", 6)), LENGTH),
    ("pdv_of_length_ffffffff", lambda peer: say(peer, pdv(STORAGE, 0, b"abc", 0xFFFFFFFF)), LENGTH),
    ("pdv_header_cut", lambda peer: say(peer, b"\0\0\0"), "a presentation data value without its header"),
    ("a_associate_rq", lambda peer: peer.send_pdu(1, peer.proposal()), "PDU of type 01 in an established association"),
    ("a_associate_ac", lambda peer: peer.send_pdu(2, bytes(68)), "PDU of type 02 in an established association"),
    ("a_associate_rj", lambda peer: peer.send_pdu(3, bytes(4)), "PDU of type 03 in an established association"),
    ("a_release_rp", lambda peer: peer.send_pdu(6, bytes(4)), "PDU of type 06 in an established association"),
    ("unknown_pdu", lambda peer: peer.send_pdu(8, bytes(4)), PDU),
    ("a_release_rq_of_8_mb", lambda peer: peer.send_pdu(5, b"", 8_000_000), PDU),
)

OF_COMMANDS: Final = (
    Abuse(
        "data_before_command", before_anything(lambda peer: say(peer, pdv(STORAGE, LAST, b"abc"))),
        "a Data Set without a command",
    ),
    Abuse(
        "command_in_mid_data_set", in_mid_data_set(lambda peer: say(peer, command(request(ct())))),
        "a command before the end of a Data Set", ("aborted",),
    ),
    Abuse(
        "data_on_another_context", in_mid_data_set(lambda peer: say(peer, pdv(ECHO, LAST, b"abc"))),
        "a Data Set on another Presentation Context than its command", ("aborted",),
    ),
    Abuse(
        "command_on_two_contexts",
        lambda peer, one: say(peer, pdv(STORAGE, COMMAND, request(one)[:20]), pdv(ECHO, COMMAND, b"")),
        "a command on two Presentation Contexts",
    ),
    Abuse("rejected_context", lambda peer, one: say(peer, command(request(one), REFUSED)), NOT_ACCEPTED, ("aborted",)),
    Abuse("unknown_context", lambda peer, one: say(peer, command(request(one), NEVER)), NOT_ACCEPTED, ("aborted",)),
    Abuse("even_context", lambda peer, one: say(peer, command(request(one), 2)), NOT_ACCEPTED, ("aborted",)),
    Abuse("context_0", lambda peer, one: say(peer, command(request(one), 0)), NOT_ACCEPTED, ("aborted",)),
    Abuse(
        "command_set_over_64_kb",
        before_anything(lambda peer: peer.send_raw(5 * p_data(pdv(STORAGE, COMMAND, bytes(16_000))))),
        "a command set that is too long",
    ),
    Abuse(
        "command_set_cut", lambda peer, one: say(peer, command(request(one)[:-3])), "a command set that cannot be read"
    ),
    Abuse("command_set_empty", before_anything(lambda p: say(p, command(b""))), "a command set that cannot be read"),
    Abuse(
        "other_groups", before_anything(lambda peer: say(peer, command(struct.pack("<HHI", 8, 0x16, 0)))),
        "a command set that cannot be read",
    ),
    Abuse("no_command_field", with_command(field=None), "a command set that cannot be read"),
    Abuse("command_field_of_3_bytes", with_command(field=b"\1\0\0"), "a command set that cannot be read"),
    Abuse("no_message_id", with_command(message_id=None), "a request without Message ID", ("aborted",)),
    Abuse(
        "no_command_data_set_type", with_command(data_set_type=None),
        "a command set without Command Data Set Type", ("aborted",),
    ),
    Abuse("unsolicited_response", with_command(field=short(0x8001)), "a response, though nothing was asked"),
)  # fmt: skip

ABUSES: Final = (
    *(Abuse(name, before_anything(what), fault) for name, what, fault in ANYWHERE),
    *(Abuse(f"{name}_in_mid_data_set", in_mid_data_set(what), fault, ("aborted",)) for name, what, fault in ANYWHERE),
    *OF_COMMANDS,
)


@pytest.mark.parametrize("abuse", ABUSES, ids=[abuse.name for abuse in ABUSES])
def test_what_cannot_be_answered_is_aborted_and_told(target: NodeProcess, study: int, abuse: Abuse) -> None:
    instance = ct(1, study)
    peer = peer_for(target, instance).associate()
    abuse.act(peer, instance)
    assert peer.hung_up().aborted
    closed = closed_line(target, peer)
    assert (closed["ending"], closed["fault"]) == ("fault", abuse.fault)
    assert outcomes(target, closed) == list(abuse.outcomes)


class TestOperationsThatAreNotOffered:
    @pytest.mark.parametrize("has_data_set", [True, False], ids=["with_data_set", "without"])
    @pytest.mark.parametrize(
        "field", [N_EVENT_REPORT_RQ, N_CREATE_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, 0x0030, 0x0777],
        ids=["n_event_report", "n_create", "c_find", "c_get", "c_move", "c_echo", "unknown"],
    )  # fmt: skip
    def test_are_answered_0211_and_the_association_goes_on(
        self, target: NodeProcess, study: int, field: int, has_data_set: bool
    ) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            data_set_type = short(0 if has_data_set else NO_DATA_SET)
            say(peer, command(request(instance, field=short(field), data_set_type=data_set_type)))
            if has_data_set:
                peer.send_data(instance.data, context=STORAGE)
            answer = peer.response()
            assert (answer.status, answer.message_id) == (UNRECOGNISED_OPERATION, 1)
            assert answer.command[FIELD] == short(field | 0x8000)
            assert peer.store(instance).status == "0000"
        assert outcomes(target, closed_line(target, peer)) == ["accept"]


class TestVerification:
    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({}, "0000"),
            ({0x00000600: b"\x1b\0\n" * 10, 0x00005555: b"ab", 0x00001000: b"../../x\0"}, "0000"),
            ({0x00000002: b"1.2.3\0"}, "0122"),
            ({0x00000002: b"../../x\0"}, "0122"),
            ({0x00000002: b"\xff\xfe"}, "0122"),
            ({0x00000002: b""}, "0122"),
        ],
        ids=["good", "with_more_than_belongs_there", "another_class", "a_path", "8_bit", "none"],
    )
    def test_is_answered_whatever_the_request_says(
        self, target: NodeProcess, study: int, changes: dict[int, bytes], status: str
    ) -> None:
        instance = ct(1, study)
        echo = {
            0x00000002: VERIFICATION.encode() + b"\0",
            FIELD: short(C_ECHO_RQ),
            MESSAGE_ID: short(7),
            DATA_SET_TYPE: short(NO_DATA_SET),
        }
        with peer_for(target, instance) as peer:
            say(peer, command(command_set(echo | changes), ECHO))
            answer = peer.response()
            assert (answer.status, answer.message_id, answer.command[FIELD]) == (status, 7, short(0x8030))
            assert peer.store(instance).status == "0000"
        assert outcomes(target, closed_line(target, peer)) == ["accept"]


class TestRequestsThatAreNotOnesToStore:
    def test_c_store_for_verification_is_refused(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            say(peer, command(request(instance, sop_class=VERIFICATION.encode() + b"\0"), ECHO))
            peer.send_data(instance.data, context=ECHO)
            assert peer.response().status == "0122"
            say(peer, command(request(instance), ECHO), pdv(ECHO, LAST, instance.data))
            assert peer.response().status == "A903"
        assert outcomes(target, closed_line(target, peer)) == ["refuse", "refuse"]

    def test_c_store_that_announces_no_data_set_is_refused(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            say(peer, command(request(instance, data_set_type=short(NO_DATA_SET))))
            answer = peer.response()
            assert (answer.status, answer.offending) == ("0212", (DATA_SET_TYPE,))
            assert peer.store(instance).status == "0000"
        closed = closed_line(target, peer)
        assert outcomes(target, closed) == ["refuse", "accept"]
        assert closed["refused_by_code"] == {"0212": 1}

    def test_an_empty_data_set_is_refused(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            say(peer, command(request(instance)), pdv(STORAGE, LAST))
            assert peer.response().status == "A910"
        assert outcomes(target, closed_line(target, peer)) == ["refuse"]

    @pytest.mark.parametrize("uid", [None, b""], ids=["missing", "empty"])
    @pytest.mark.parametrize("name", ["sop_class", "sop"])
    def test_missing_or_empty_affected_uids_are_refused_and_not_repeated(
        self, target: NodeProcess, study: int, name: str, uid: bytes | None
    ) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            say(peer, command(request(instance, **{name: uid})))
            peer.send_data(instance.data, context=STORAGE)
            answer = peer.response()
        assert answer.status == {"sop_class": "A901", "sop": "A902"}[name]
        assert (answer.sop_class_uid if name == "sop_class" else answer.sop_instance_uid) is None
        assert outcomes(target, closed_line(target, peer)) == ["refuse"]


class TestWhatIsLegalThoughUnusual:
    def test_a_command_set_in_fragments_of_one_byte_is_understood(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            raw = request(instance)
            for position in range(len(raw)):
                say(peer, pdv(STORAGE, COMMAND, raw[position : position + 1]))
            say(peer, pdv(STORAGE, COMMAND | LAST))
            peer.send_data(instance.data, context=STORAGE)
            assert peer.response().status == "0000"

    def test_a_data_set_in_fragments_of_two_bytes_is_received(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            halves = [pdv(STORAGE, 0, instance.data[at : at + 2]) for at in range(0, len(instance.data), 2)]
            say(peer, command(request(instance)), *halves, pdv(STORAGE, LAST))
            assert peer.response().status == "0000"

    def test_many_requests_in_one_pdu_are_answered_in_their_order(self, target: NodeProcess, study: int) -> None:
        instances = [ct(number, study) for number in range(1, 11)]
        with peer_for(target, instances[0]) as peer:
            values = [(command(request(one)), pdv(STORAGE, LAST, one.data)) for one in instances]
            say(peer, *(value for pair in values for value in pair))
            assert [peer.response().status for _ in instances] == ["0000"] * 10

    @pytest.mark.parametrize("group_length", [0, 1, 0xFFFFFFFF])
    def test_a_wrong_group_length_is_not_believed(self, target: NodeProcess, study: int, group_length: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            say(peer, command(command_set(c_store_rq(instance), group_length)), pdv(STORAGE, LAST, instance.data))
            assert peer.response().status == "0000"

    def test_a_missing_group_length_is_not_missed(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with peer_for(target, instance) as peer:
            say(peer, command(request(instance)[12:]), pdv(STORAGE, LAST, instance.data))
            assert peer.response().status == "0000"

    def test_a_flood_of_c_cancel_is_ignored(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        cancel = {FIELD: short(0x0FFF), RESPONDED_TO: short(1), DATA_SET_TYPE: short(NO_DATA_SET)}
        with peer_for(target, instance) as peer:
            for _ in range(2_000):
                say(peer, command(command_set(cancel)))
            assert peer.store(instance).status == "0000"
        assert outcomes(target, closed_line(target, peer)) == ["accept"]


def test_a_data_set_whose_last_bit_never_comes_is_given_up_after_the_timeout(target: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    peer = peer_for(target, instance).associate()
    context = peer.request(instance)
    peer.send_data(instance.data, context=context, last=False)
    serve_good_peer(target)
    assert peer.hung_up().aborted
    closed = closed_line(target, peer)
    assert closed["ending"] == "timeout"
    assert outcomes(target, closed) == ["aborted"]


def test_600_requests_that_do_not_wait_are_answered_in_bounded_memory(target: NodeProcess, study: int) -> None:
    """600 objects of half a megabyte: what the node does not work on waits in the connection, not in its memory."""
    instance, count = large_ct(1, study), 600
    peer = peer_for(target, instance).associate()
    before = target.memory()
    raw = b"".join((p_data(command(request(instance))), *(p_data(part) for part in fragments(instance.data, 131_000))))
    with peer.sending(raw, count, PATIENCE):
        answers = [peer.response() for _ in range(count)]
        grown = target.memory() - before
    peer.release()
    assert [answer.status for answer in answers] == ["0000", *["0111"] * (count - 1)]
    assert grown < 16 * 2**20
    assert outcomes(target, closed_line(target, peer)) == ["accept", *["refuse"] * (count - 1)]


def test_a_peer_that_never_reads_is_given_up_after_the_timeout(target: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    peer = peer_for(target, instance).associate()
    peer.keep_from_reading()
    raw = p_data(command(request(instance))) + p_data(pdv(STORAGE, LAST, instance.data))
    with peer.sending(raw, 30_000):
        serve_good_peer(target)
        closed = closed_line(target, peer)
    assert closed["ending"] in ("timeout", "lost")
    assert len(outcomes(target, closed)) == closed["received"]
    peer.close()


def test_a_peer_that_reads_a_byte_at_a_time_is_given_up_after_the_timeout(target: NodeProcess, study: int) -> None:
    instance = ct(1, study)
    peer = peer_for(target, instance).associate()
    peer.keep_from_reading()
    raw = p_data(command(request(instance))) + p_data(pdv(STORAGE, LAST, instance.data))
    with peer.sending(raw, 30_000), peer.sipping(0.3):
        serve_good_peer(target)
        closed = closed_line(target, peer)
    assert closed["ending"] in ("timeout", "lost")
    assert len(outcomes(target, closed)) == closed["received"]
    peer.close()


def fragments(data: bytes, size: int) -> list[bytes]:
    """Cut a Data Set into Presentation Data Values."""
    starts = range(0, len(data), size)
    return [pdv(STORAGE, LAST if at + size >= len(data) else 0, data[at : at + size]) for at in starts]


def p_data(values: bytes) -> bytes:
    """Encode a P-DATA-TF."""
    return struct.pack(">BxI", P_DATA, len(values)) + values
