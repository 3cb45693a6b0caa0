"""From P-DATA-TF to the intake and back: whatever the fragments, one answer and one receipt for each request."""

import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from scp import turn
from scp.dicom.request import Association
from scp.net.channel import A_ABORT, A_RELEASE_RQ, P_DATA_TF, Channel
from scp.net.contexts import VERIFICATION, Context
from scp.net.receive import Receiver
from scp.observe.lines import Tally
from scp.observe.meter import Meter
from scp.outcomes import Ending
from tests.rules.builders import INSTANCE
from tests.unit.nodes import Scratch, association, data_set, open_node
from tests.unit.system import descriptors, system_error
from tests.wire.objects import Instance
from tests.wire.peer import COMMAND, LAST, c_store_rq, command_set, pdv, responses_in

STORAGE, ECHO, NEVER = 1, 3, 5
CONTEXTS: Final = {
    STORAGE: Context(CTImageStorage, ExplicitVRLittleEndian, {}),
    ECHO: Context(VERIFICATION, ImplicitVRLittleEndian, {}),
}
MAX_PDU: Final = 16_384
IMAGE: Final = data_set()
SLICE: Final = Instance(CTImageStorage, INSTANCE, ExplicitVRLittleEndian, IMAGE)
FIELD, MESSAGE_ID, DATA_SET_TYPE = 0x00000100, 0x00000110, 0x00000800
C_ECHO_RQ, C_FIND_RQ, C_STORE_RSP, C_CANCEL_RQ = b"\x30\0", b"\x20\0", b"\1\x80", b"\xff\x0f"
NO_DATA_SET: Final = b"\1\1"

Values = Sequence[bytes]
Outcomes = list[tuple[str, int | None]]


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxI", kind, len(body)) + body


def command(context: int = STORAGE, without: int = 0, **changes: bytes) -> bytes:
    """A C-STORE-RQ as one Presentation Data Value; ``changes`` are values of field, message_id and data_set_type."""
    tags = {"field": FIELD, "message_id": MESSAGE_ID, "data_set_type": DATA_SET_TYPE, "sop_class": 2}
    elements = c_store_rq(SLICE) | {tags[name]: value for name, value in changes.items()}
    elements.pop(without, None)
    return pdv(context, COMMAND | LAST, command_set(elements))


STORE: Final = (command(), pdv(STORAGE, LAST, IMAGE))
HALF: Final = (command(), pdv(STORAGE, 0, IMAGE[:100]))


@dataclass
class Served:
    """What became of an association."""

    ending: Ending
    statuses: list[str]
    tally: Tally
    meter: Meter


@dataclass
class Line:
    """A connection to a receiver: the peer's bytes are all there when it begins."""

    node: Scratch
    sender: Association = field(default_factory=association)

    def serve(self, *pdus: bytes, timeout: float = 5, receive: Callable[[Receiver], Ending] = Receiver.run) -> Served:
        """Serve what a peer sends who hangs up afterwards."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            peer = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        with peer, ours:
            peer.sendall(b"".join(pdus))
            if timeout == 5:
                peer.shutdown(socket.SHUT_WR)
            tally, meter = Tally(), Meter(self.sender)
            channel = Channel(ours, MAX_PDU, 1024, timeout, 1024)
            ending = receive(Receiver(channel, self.sender, CONTEXTS, self.node.intake, tally, meter))
            ours.close()
            said = b"".join(iter(lambda: peer.recv(65_536), b""))
            return Served(ending, [answer.status for answer in responses_in(said)], tally, meter)

    def say(self, *values: bytes) -> Served:
        """Serve Presentation Data Values, one to a PDU."""
        return self.serve(*(pdu(P_DATA_TF, value) for value in values))

    def outcomes(self) -> Outcomes:
        """The receipts, oldest first."""
        return [(receipt.outcome.value, receipt.status) for receipt in self.node.receipts()]


@pytest.fixture
def line(tmp_path: Any, told: list[Mapping[str, Any]]) -> Iterator[Line]:
    one = Line(open_node(tmp_path))
    yield one
    one.node.close()


class TestRequests:
    def test_an_instance_is_stored_and_answered(self, line: Line) -> None:
        served = line.say(*STORE)
        assert served.statuses == ["0000"]
        assert (served.tally.received, served.tally.bytes, dict(served.tally.outcomes)) == (
            1,
            len(IMAGE),
            {"accept": 1},
        )
        assert (served.meter.outcomes, served.meter.bytes) == ({"accept": 1}, len(IMAGE))
        assert list(served.meter.steps) == ["receive", "sync", "judge", "admit", "place", "respond"]
        assert line.outcomes() == [("accept", 0)]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.integers(0, 250), max_size=6), st.lists(st.integers(0, len(IMAGE)), max_size=6), st.data())
    def test_fragments_and_pdus_may_be_cut_anywhere(
        self, line: Line, in_command: list[int], in_data: list[int], data: st.DataObject
    ) -> None:
        values = [*cut(command_set(c_store_rq(SLICE)), COMMAND, in_command), *cut(IMAGE, 0, in_data)]
        pdus: list[bytes] = []
        while values:
            many = data.draw(st.integers(1, len(values)))
            pdus.append(pdu(P_DATA_TF, b"".join(values[:many])))
            del values[:many]
        before = len(line.node.receipts())
        served = line.serve(*pdus)
        assert served.statuses in (["0000"], ["0111"])
        assert len(line.node.receipts()) == before + 1
        assert line.node.files("spool") == []

    def test_several_in_one_pdu_are_answered_in_their_order(self, line: Line) -> None:
        second = command(message_id=b"\2\0"), pdv(STORAGE, LAST, IMAGE)
        assert line.serve(pdu(P_DATA_TF, b"".join((*STORE, *second)))).statuses == ["0000", "0111"]

    @pytest.mark.parametrize("at_once", [True, False])
    def test_in_the_middle_of_many_values_in_one_pdu_or_many_others_have_their_turn(
        self, line: Line, monkeypatch: pytest.MonkeyPatch, at_once: bool
    ) -> None:
        offers: list[int] = []
        monkeypatch.setattr(turn, "offer", lambda: offers.append(len(line.node.receipts())))
        values = [pdv(STORAGE, 0, IMAGE[at : at + 1]) for at in range(len(IMAGE) - 1)]
        values = [command(), *values, pdv(STORAGE, LAST, IMAGE[-1:])]
        served = line.serve(*(pdu(P_DATA_TF, one) for one in ([b"".join(values)] if at_once else values)))
        assert served.statuses == ["0000"]
        assert offers.count(0) > 5

    def test_verification_is_answered(self, line: Line) -> None:
        echo = command(ECHO, field=C_ECHO_RQ, data_set_type=NO_DATA_SET, sop_class=VERIFICATION.encode() + b"\0")
        other = command(ECHO, field=C_ECHO_RQ, data_set_type=NO_DATA_SET, sop_class=b"1.2\0")
        assert line.say(echo, other).statuses == ["0000", "0122"]
        assert line.outcomes() == []

    @pytest.mark.parametrize("has_data_set", [True, False])
    def test_what_is_not_offered_is_answered_0211(self, line: Line, has_data_set: bool) -> None:
        find = command(field=C_FIND_RQ, data_set_type=b"\0\0" if has_data_set else NO_DATA_SET)
        assert line.say(find, *[pdv(STORAGE, LAST, b"abc")] * has_data_set, *STORE).statuses == ["0211", "0000"]
        assert line.outcomes() == [("accept", 0)]

    def test_a_request_without_a_data_set_is_answered_0212_and_has_its_receipt(self, line: Line) -> None:
        served = line.say(command(data_set_type=NO_DATA_SET), *STORE)
        assert served.statuses == ["0212", "0000"]
        assert line.outcomes() == [("refuse", 0x0212), ("accept", 0)]
        assert dict(served.tally.codes) == {"0212": 1}
        assert line.node.files("spool") == line.node.files("quarantine") == []

    def test_cancelling_is_not_answered(self, line: Line) -> None:
        assert line.say(command(field=C_CANCEL_RQ, data_set_type=NO_DATA_SET), *STORE).statuses == ["0000"]


def cut(data: bytes, control: int, places: Sequence[int]) -> list[bytes]:
    """Cut what is one value into fragments; the last is marked."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(edges)]
    return [pdv(STORAGE, control, piece) for piece in pieces[:-1]] + [pdv(STORAGE, control | LAST, pieces[-1])]


ABORTED: Final[Outcomes] = [("aborted", None)]
LENGTH: Final = "a presentation data value of impossible length"
FAULTS: Final[Mapping[str, tuple[Values, str, Outcomes]]] = {
    "empty_pdu": ([b""], "a P-DATA-TF without a presentation data value", []),
    "header_cut": ([b"\0\0\0\4\1"], "a presentation data value without its header", []),
    "length_0": ([pdv(STORAGE, 0, b"", 0)], LENGTH, []),
    "length_1": ([pdv(STORAGE, 0, b"", 1)], LENGTH, []),
    "over_the_pdu": ([*HALF, pdv(STORAGE, 0, b"a", 4)], LENGTH, ABORTED),
    "data_first": ([pdv(STORAGE, LAST, b"a")], "a Data Set without a command", []),
    "command_in_data": ([*HALF, command()], "a command before the end of a Data Set", ABORTED),
    "data_elsewhere": (
        [*HALF, pdv(ECHO, LAST, b"a")], "a Data Set on another Presentation Context than its command", ABORTED,
    ),
    "command_elsewhere": (
        [pdv(STORAGE, COMMAND, b"a"), pdv(ECHO, COMMAND, b"a")], "a command on two Presentation Contexts", [],
    ),
    "command_begun_elsewhere": (
        [pdv(STORAGE, COMMAND, b""), pdv(ECHO, COMMAND, b"a")], "a command on two Presentation Contexts", [],
    ),
    "command_too_long": ([pdv(STORAGE, COMMAND, bytes(16_000))] * 5, "a command set that is too long", []),
    "command_unreadable": ([pdv(STORAGE, COMMAND | LAST, b"abc")], "a command set that cannot be read", []),
    "no_field": ([command(without=FIELD)], "a command set that cannot be read", []),
    "response": ([command(field=C_STORE_RSP)], "a response, though nothing was asked", []),
    "no_message_id": ([command(without=MESSAGE_ID)], "a request without Message ID", ABORTED),
    "no_data_set_type": (
        [command(without=DATA_SET_TYPE)], "a command set without Command Data Set Type", ABORTED,
    ),
    "never_accepted": ([command(NEVER)], "a Presentation Context that was not accepted", ABORTED),
    "find_never_accepted": ([command(NEVER, field=C_FIND_RQ)], "a Presentation Context that was not accepted", []),
}  # fmt: skip


class TestEndings:
    @pytest.mark.parametrize("name", FAULTS)
    def test_what_cannot_be_answered_is_told(self, line: Line, name: str) -> None:
        values, why, outcomes = FAULTS[name]
        served = line.say(*values)
        assert (served.ending, served.tally.fault, served.statuses) == (Ending.FAULT, why, [])
        assert line.outcomes() == outcomes
        assert served.tally.outcomes["aborted"] == served.meter.outcomes.get("aborted", 0) == len(outcomes)
        assert line.node.files("spool") == []

    @pytest.mark.parametrize("values", [(), HALF], ids=["between_requests", "in_mid_data_set"])
    @pytest.mark.parametrize(
        ("last", "ending"),
        [
            (b"", Ending.LOST),
            (pdu(A_RELEASE_RQ, bytes(4)), Ending.RELEASED),
            (pdu(A_ABORT, bytes(4)), Ending.ABORTED),
            (pdu(6, bytes(4)), Ending.FAULT),
            (pdu(9, bytes(4)), Ending.FAULT),
            (b"\4\0\xff\xff\xff\xff", Ending.FAULT),
        ],
        ids=["closed", "release", "abort", "release_response", "unknown", "too_long"],
    )
    def test_an_association_ends_as_its_peer_ends_it(
        self, line: Line, values: Values, last: bytes, ending: Ending
    ) -> None:
        served = line.serve(*(pdu(P_DATA_TF, value) for value in values), last)
        assert served.ending is ending
        assert line.outcomes() == ABORTED[: len(values)]

    def test_a_silent_peer_is_not_waited_for(self, line: Line) -> None:
        assert line.serve(pdu(P_DATA_TF, HALF[0]), timeout=0.1).ending is Ending.TIMEOUT
        assert line.outcomes() == ABORTED

    def test_a_receiver_is_busy_from_the_first_fragment_to_the_answer(self, line: Line) -> None:
        def watched(receiver: Receiver) -> Ending:
            busy = [receiver.is_busy]
            for value in (pdv(STORAGE, COMMAND, b"abc"), *HALF, STORE[1]):
                if value == HALF[0]:
                    receiver._command.clear()
                receiver._take(memoryview(value))
                busy.append(receiver.is_busy)
            assert busy == [False, True, True, True, False]
            return Ending.LOST

        line.serve(receive=watched)


class TestFaultsOfOurOwn:
    def test_where_no_object_can_be_begun_the_answer_is_a700_and_the_data_set_is_dropped(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            failing_spool(patch)
            served = line.say(*STORE)
        assert served.statuses == ["A700"]
        assert served.tally.bytes == served.meter.bytes == len(IMAGE), "they came, although they could not be kept"
        assert line.say(*STORE).statuses == ["0000"]
        assert line.outcomes() == [("retry", 0xA700), ("accept", 0)]

    def test_where_a_part_cannot_be_written_the_rest_is_dropped_and_the_answer_is_a700(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", fail)
            served = line.say(*HALF, pdv(STORAGE, 0, IMAGE[100:200]), pdv(STORAGE, LAST, IMAGE[200:]))
        assert served.statuses == ["A700"]
        assert served.tally.bytes == served.meter.bytes == len(IMAGE)
        assert line.outcomes() == [("retry", 0xA700)]
        assert line.node.files("spool") == []

    def test_a_mistake_of_ours_leaves_a_receipt_and_nothing_in_the_spool(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = descriptors()
        with monkeypatch.context() as patch:
            patch.setattr("scp.store.spool.Incoming.write", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                line.say(*STORE)
        assert line.outcomes() == [("aborted", None)]
        assert line.node.files("spool") == []
        assert descriptors() == before
        assert line.say(*STORE).statuses == ["0000"]

    def test_a_peer_that_leaves_before_it_hears_of_it_has_one_receipt(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failing_spool(monkeypatch)
        served = line.say(*HALF)
        assert served.ending is Ending.LOST
        assert line.outcomes() == [("retry", 0xA700)]
        assert served.tally.outcomes == served.meter.outcomes == {"retry": 1}, "they say what the receipt says"
        assert served.tally.bytes == served.meter.bytes == 100


def failing_spool(patch: pytest.MonkeyPatch) -> None:
    """Let no file be made in the spool."""
    real = os.open

    def opened(path: Any, *others: Any, **named: Any) -> int:
        if "/spool/" in str(path):
            fail()
        return real(path, *others, **named)

    patch.setattr(os, "open", opened)


def fail(*_: Any) -> None:
    raise system_error(28)
