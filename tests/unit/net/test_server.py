"""Who connects is let in by either family of addresses, and counted as long as there is something to count."""

import socket
import struct
from collections.abc import Callable, MutableSequence
from pathlib import Path
from typing import Any

import pytest

from scp.config import Associations, Node
from scp.net.acceptor import Acceptor
from scp.net.contexts import Offer
from scp.net.negotiation import Negotiator
from scp.net.server import Drained, Server
from scp.outcomes import Ending
from tests.unit.net.test_admission import GOOD
from tests.unit.net.test_proposal import HONEST
from tests.unit.nodes import open_node


def test_a_connection_for_which_there_is_no_thread_is_let_go_and_holds_up_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: Acceptor) -> None:
        raise RuntimeError("can't start new thread")

    scratch = open_node(tmp_path)
    server = Server(Node(host="127.0.0.1", port=0), Associations(), Offer(), scratch.intake)
    address = server.start()
    monkeypatch.setattr(Acceptor, "start", start)
    with socket.create_connection(address, 30) as peer:
        assert peer.recv(1) == b""
    assert server.admission.waiting() == []
    assert server.drain(30) == Drained(0, 0)
    scratch.close()


def test_what_somebody_proposes_who_may_not_come_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: MutableSequence[Any]
) -> None:
    def read(_: Negotiator, __: object) -> None:
        raise AssertionError

    scratch = open_node(tmp_path)
    nobody = Associations.model_validate({"addresses": ["192.0.2.0/24"]})
    server = Server(Node(host="127.0.0.1", port=0), nobody, Offer(), scratch.intake)
    address = server.start()
    monkeypatch.setattr(Negotiator, "read", read)
    with socket.create_connection(address, 30) as peer:
        peer.sendall(struct.pack(">BxI", 1, len(HONEST)) + HONEST)
        assert peer.recv(1) == b"\3", "A-ASSOCIATE-RJ"
    assert server.drain(30).aborted == 0
    assert [line["reason"] for line in told] == ["address not allowed"]
    scratch.close()


class Writing:
    """An association that has something to write before it is gone, which takes ``seconds`` once it was cut off."""

    address, idle_seconds = "192.0.2.1", 0.0

    def __init__(self, server: Server, clock: "Clock", seconds: float) -> None:
        self._server, self._clock, self._seconds = server, clock, seconds
        self.is_cut_off = False
        assert server.admission.admit(self, GOOD) is None

    def hang_up(self) -> None:
        raise NotImplementedError

    def stop(self, ending: Ending) -> bool:
        if self.is_cut_off:
            return False
        self.is_cut_off = True
        self._clock.later.append((self._clock.now + self._seconds, lambda: self._server.admission.gone(self)))
        return True


class Clock:
    """Time that passes only while somebody sleeps, and what happens then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for due, act in self.later:
            if due <= self.now:
                act()


@pytest.mark.parametrize(("seconds", "is_waited_for"), [(0.0, True), (4.0, True), (60.0, False)])
def test_who_is_cut_off_has_seconds_to_write_receipts_on_a_slow_disk_but_no_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, is_waited_for: bool
) -> None:
    scratch, clock = open_node(tmp_path), Clock()
    monkeypatch.setattr("scp.net.server.time", clock)
    server = Server(Node(host="127.0.0.1", port=0), Associations(), Offer(), scratch.intake)
    one = Writing(server, clock, seconds)
    assert server.drain(10) == Drained(0, 1)
    assert one.is_cut_off
    assert (server.admission.associations() == []) is is_waited_for
    assert clock.now < 10 + min(seconds, 10) + 1
    scratch.close()


def test_who_comes_by_ipv6_is_talked_to_as_well(tmp_path: Path, told: MutableSequence[Any]) -> None:
    scratch = open_node(tmp_path)
    server = Server(Node(host="::1", port=0), Associations(), Offer(), scratch.intake)
    try:
        address = server.start()
    except OSError:
        scratch.close()
        pytest.skip("this machine has no IPv6")
    with socket.create_connection(address, 30) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")
        assert peer.recv(1) == b"\7", "A-ABORT"
    assert server.drain(30).aborted == 0
    assert [(line["event"], line["address"]) for line in told] == [("association_rejected", "::1")]
    scratch.close()
