"""PDUs from real connections: whole, in pieces, too long, too slow, or never."""

import socket
import struct
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scp.net.channel import A_RELEASE_RQ, P_DATA_TF, Channel, Closed, Oversized, Silent

MAX_PDU, LONGEST = 4096, 8192
RATE = 1_000_000

Pair = tuple[Channel, socket.socket]
Timing = tuple[Channel, socket.socket, "Clock"]


def connection() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a TCP connection, ours first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    return ours, peer


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Give a channel that is soon out of patience, and the peer's end of it."""
    ours, peer = connection()
    with ours, peer:
        yield Channel(ours, MAX_PDU, LONGEST, 0.2, RATE), peer


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BxI", kind, len(body) if length is None else length) + body


class Clock:
    """The time that passes for a channel, in seconds, and what comes from its peer whenever it waits."""

    def __init__(self, peer: socket.socket) -> None:
        self.now = 0.0
        self.said: list[bytes] = []
        self.took = self.turn_took = 0.0
        """How long each wait takes for the peer, and then for the turn."""
        self._peer = peer

    def monotonic(self) -> float:
        return self.now

    def aside(self, wait: Callable[..., int], *arguments: Any) -> int:
        count = wait(*arguments)
        self.now += self.turn_took
        return count

    def recv_into(self, receive: Callable[..., int], *arguments: Any) -> int:
        if len(arguments) == 1:  # it may wait
            self.now += self.took
            self._peer.sendall(self.said.pop(0))
        return receive(*arguments)


class Timed(socket.socket):
    """A connection of which each wait takes as long as its clock says."""

    clock: Clock

    def recv_into(self, *arguments: Any) -> int:
        return self.clock.recv_into(super().recv_into, *arguments)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Timing]:
    """Give a channel, the peer's end of it, and the clock that it goes by."""
    ours, peer = connection()
    with Timed(fileno=ours.detach()) as sock, peer:
        sock.clock = clock = Clock(peer)
        monkeypatch.setattr("scp.net.channel.time", clock)
        monkeypatch.setattr("scp.net.channel.aside", clock.aside)
        yield Channel(sock, MAX_PDU, LONGEST, 0.2, RATE), peer, clock


class TestReading:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
    @given(st.lists(st.binary(max_size=MAX_PDU), max_size=20), st.integers(1, 5_000))
    def test_pdus_come_as_they_were_sent_however_the_bytes_arrive(
        self, pair: Pair, bodies: list[bytes], size: int
    ) -> None:
        channel, peer = pair
        position, stream = 0, b"".join(pdu(P_DATA_TF, body) for body in bodies)
        ends = accumulate(len(body) + 6 for body in bodies)
        for body, end in zip(bodies, ends, strict=True):
            while position < end:
                position += peer.send(stream[position : position + size])
            kind, content = channel.next_pdu()
            assert (kind, bytes(content)) == (P_DATA_TF, body)

    def test_others_have_the_turn_only_while_there_is_nothing_to_read(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel, peer = pair
        waits: list[str] = []

        def aside(wait: Callable[..., int], *arguments: Any) -> int:
            waits.append("for more")
            peer.sendall(b"later")
            return wait(*arguments)

        monkeypatch.setattr("scp.net.channel.aside", aside)
        peer.sendall(pdu(P_DATA_TF, b"now") + pdu(P_DATA_TF, b"", 5))
        assert (bytes(channel.next_pdu().body), waits) == (b"now", [])
        assert (bytes(channel.next_pdu().body), waits) == (b"later", ["for more"])

    def test_a_pdu_that_lies_across_the_end_of_the_buffer_is_whole(self, pair: Pair) -> None:
        channel, peer = pair
        bodies = [bytes([number]) * MAX_PDU for number in range(60)]
        peer.sendall(b"".join(pdu(P_DATA_TF, body) for body in bodies))
        assert [bytes(channel.next_pdu().body) for _ in bodies] == bodies

    @pytest.mark.parametrize(
        "raw",
        [
            pdu(P_DATA_TF, b"", MAX_PDU + 1),
            pdu(P_DATA_TF, b"", 0xFFFFFFFF),
            pdu(A_RELEASE_RQ, b"", 1025),
            pdu(0, b""),
            pdu(8, b""),
            b"GET / HTTP/1.1\r\n",
        ],
    )
    def test_nothing_is_read_of_a_pdu_that_is_too_long_or_none(self, pair: Pair, raw: bytes) -> None:
        channel, peer = pair
        peer.sendall(raw)
        with pytest.raises(Oversized):
            channel.next_pdu()

    def test_the_longest_pdu_is_read_where_it_is_allowed(self, pair: Pair) -> None:
        channel, peer = pair
        peer.sendall(pdu(1, bytes(LONGEST)))
        assert len(channel.next_pdu(most=LONGEST, kinds=(1,)).body) == LONGEST

    def test_only_kinds_that_are_expected_are_read(self, pair: Pair) -> None:
        channel, peer = pair
        peer.sendall(pdu(P_DATA_TF, b"abc"))
        with pytest.raises(Oversized):
            channel.next_pdu(most=LONGEST, kinds=(1,))

    @pytest.mark.parametrize("sent", [b"", b"\4", pdu(P_DATA_TF, b"abc", 10)], ids=["nothing", "a_byte", "a_part"])
    def test_silence_ends_it(self, pair: Pair, sent: bytes) -> None:
        channel, peer = pair
        peer.sendall(sent)
        with pytest.raises(Silent):
            channel.next_pdu()

    def test_what_is_said_in_many_small_pdus_must_not_take_too_long_either(self, timed: Timing) -> None:
        channel, _, clock = timed
        clock.took, clock.said = 0.0625, [pdu(P_DATA_TF, b"abc")] * 6
        for _ in range(4):
            channel.next_pdu()
        with pytest.raises(Silent):
            channel.next_pdu()

    def test_until_a_time_it_must_be_here_however_fast_it_comes(self, timed: Timing) -> None:
        channel, peer, clock = timed
        channel.set_timeout(60)
        peer.sendall(pdu(P_DATA_TF, b"", 2000))
        clock.took, clock.said = 1.0, [bytes(100)] * 10
        with pytest.raises(Silent):
            channel.next_pdu(until=5)
        assert (clock.now, len(clock.said)) == (5.0, 5)

    def test_what_is_here_is_read_however_late_the_node_looks_and_nothing_more_is_waited_for(
        self, timed: Timing
    ) -> None:
        channel, peer, clock = timed
        peer.sendall(pdu(P_DATA_TF, b"abc"))
        clock.now = 10
        assert bytes(channel.next_pdu(until=5).body) == b"abc"
        with pytest.raises(Silent):
            channel.next_pdu(until=5)

    def test_the_time_until_it_is_the_nodes_turn_again_is_no_silence_of_the_peer(self, timed: Timing) -> None:
        channel, _, clock = timed
        clock.turn_took, clock.said = 10.0, [pdu(P_DATA_TF, b"abc")] * 20
        for _ in range(20):
            channel.next_pdu()

    def test_from_now_on_a_peer_may_have_more_time(self, timed: Timing) -> None:
        channel, _, clock = timed
        channel.set_timeout(60)
        clock.took, clock.said = 0.05, [pdu(P_DATA_TF, b"abc")] * 20
        for _ in range(20):
            channel.next_pdu()

    def test_after_an_answer_the_peer_has_its_time_again(self, timed: Timing) -> None:
        channel, _, clock = timed
        clock.took, clock.said = 0.05, [pdu(P_DATA_TF, b"abc")] * 60
        for _ in range(20):
            for _ in range(3):
                channel.next_pdu()
            channel.send(b"answer")

    @pytest.mark.parametrize("sent", [b"", b"\4", pdu(P_DATA_TF, b"abc", 10)], ids=["nothing", "a_byte", "a_part"])
    def test_the_end_of_the_connection_is_told(self, pair: Pair, sent: bytes) -> None:
        channel, peer = pair
        peer.sendall(sent)
        peer.close()
        with pytest.raises(Closed):
            channel.next_pdu()

    def test_a_reset_connection_is_told(self, pair: Pair) -> None:
        channel, peer = pair
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        with pytest.raises(Closed):
            channel.next_pdu()

    def test_who_shuts_reading_wakes_the_reader_and_can_still_write(self, pair: Pair) -> None:
        channel, peer = pair
        channel.set_timeout(60)
        channel.shut_reading()
        with pytest.raises(Closed):
            channel.next_pdu()
        channel.send(b"last word")
        assert peer.recv(100) == b"last word"


class Acknowledging(socket.socket):
    """Notes when it is told to acknowledge at once."""

    times = 0

    def setsockopt(self, *args: Any) -> None:
        self.times += args[:2] == (socket.IPPROTO_TCP, socket.TCP_QUICKACK)
        super().setsockopt(*args)


def test_what_is_read_is_acknowledged_before_more_is_waited_for_unless_an_answer_did() -> None:
    ours, peer = connection()
    with Acknowledging(fileno=ours.detach()) as sock, peer:
        channel = Channel(sock, MAX_PDU, LONGEST, 5, RATE)
        for _ in range(3):
            peer.sendall(pdu(P_DATA_TF, b"command"))
            channel.next_pdu()
            before = sock.times
            peer.sendall(pdu(P_DATA_TF, b"data"))  # held back by Nagle's algorithm, if it is on
            channel.next_pdu()
            assert sock.times == before + 1
            channel.send(b"answer")
            assert peer.recv(100) == b"answer"
        assert sock.times == 3


class TestWriting:
    def test_a_peer_that_does_not_read_is_not_waited_for(self, pair: Pair) -> None:
        channel, _ = pair
        for _ in range(2):  # the first time the kernel takes a part of it, then hardly a byte
            with pytest.raises(Silent):
                channel.send(bytes(64 * 2**20))

    def test_a_peer_that_is_gone_is_told(self, pair: Pair) -> None:
        channel, peer = pair
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        with pytest.raises(Closed):
            channel.send(bytes(1000))


class TestLingering:
    def test_what_the_peer_still_sends_is_dropped_and_it_gets_the_last_word(self, pair: Pair) -> None:
        channel, peer = pair
        peer.sendall(bytes(100_000))
        channel.send(b"last word")
        peer.shutdown(socket.SHUT_WR)
        channel.linger(60)
        assert peer.recv(100) == b"last word"
        assert peer.recv(100) == b""

    def test_a_peer_that_stays_is_left(self, pair: Pair) -> None:
        channel, peer = pair
        channel.linger(0.01)
        assert peer.recv(100) == b""
