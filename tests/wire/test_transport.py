"""Connections and negotiation from peers that mean harm, or are broken; everybody else must not notice."""

import resource
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Final, NamedTuple, cast

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tests.wire.conftest import StartNode
from tests.wire.hostility import closed_line, outcomes, serve_good_peer
from tests.wire.node import PATIENCE, NodeProcess
from tests.wire.objects import ct, large_ct
from tests.wire.peer import ASSOCIATE_AC, ASSOCIATE_RQ, P_DATA, HungUpError, Peer, RejectedError, item, pdv

AT_ONCE: Final = 200
WAITING_ROOM: Final = 64
STANDING_ROOM: Final = 256
"""With those that have only just come."""
"""Connections without an association that a node has at most: written out again, because users are told."""

APPLICATION_CONTEXT: Final = item(0x10, b"1.2.840.10008.3.1.1.1")
USER_INFORMATION: Final = item(0x50, item(0x51, struct.pack(">I", 16_384)) + item(0x52, b"1.2.826.0.1.99"))
RELEASE: Final = b"\5\0\0\0\0\4\0\0\0\0"
NO_REQUEST: Final = "no A-ASSOCIATE-RQ in time"
NOT_A_REQUEST: Final = "no A-ASSOCIATE-RQ, or one that is too long"
NUMBER: Final = "a Presentation Context without an odd number of its own"


def fixed(*, version: int = 1, called: bytes = b"AUDITSCP", calling: bytes = b"PEER") -> bytes:
    """Encode what stands before the items of an A-ASSOCIATE-RQ (PS3.8 Table 9-11)."""
    return struct.pack(">H2x16s16s32x", version, called.ljust(16), calling.ljust(16))


def context(number: int = 1, *syntaxes: bytes) -> bytes:
    """Encode a Presentation Context item for CT images."""
    transfer = b"".join(item(0x40, one) for one in syntaxes or (ExplicitVRLittleEndian.encode(),))
    return item(0x20, bytes((number, 0, 0, 0)) + item(0x30, CTImageStorage.encode()) + transfer)


def request(*items: bytes, head: bytes = b"") -> bytes:
    """Encode an A-ASSOCIATE-RQ from behind its length on; it proposes one context unless ``items`` are given."""
    return (head or fixed()) + (b"".join(items) or APPLICATION_CONTEXT + context() + USER_INFORMATION)


def turned_away(node: NodeProcess, peer: Peer) -> str:
    """Wait for the line about a peer that was not let in, and return its reason."""
    line = node.wait_for("association_rejected", port=peer.local_port)[-1]  # the system gives ports again
    return str(line["reason"])


def rejection(node: NodeProcess, body: bytes) -> tuple[int, int, int]:
    """Return the reason with which an A-ASSOCIATE-RQ is rejected."""
    peer = Peer(node.port)
    with pytest.raises(RejectedError) as rejected:
        peer.propose(body)
    peer.close()
    return rejected.value.reason


def accepted(node: NodeProcess, body: bytes) -> None:
    """Associate with an A-ASSOCIATE-RQ of one's own, and release."""
    peer = Peer(node.port)
    peer.propose(body)
    assert peer.results == {1: 0}
    peer.release()


class TestConnectionsThatSayNothing:
    def test_beyond_their_limit_the_oldest_gives_way_and_nobody_is_shut_out(self, start_node: StartNode) -> None:
        needs_descriptors(1_024)
        node = start_node("[association]\nmax_associations = 2\nmax_associations_per_peer = 2\n")
        idle = node.threads()
        silent = [Peer(node.port) for _ in range(STANDING_ROOM + 20)]
        serve_good_peer(node)
        for peer in silent[:20]:
            assert not peer.hung_up().aborted
        assert node.until(lambda: node.threads() <= idle + STANDING_ROOM)
        silent[-1].propose(request())
        for peer in silent:
            peer.close()
        assert node.until(lambda: node.threads() == idle)

    @pytest.mark.parametrize("count", range(6))
    def test_end_after_the_timeout_whatever_part_of_a_header_they_sent(self, target: NodeProcess, count: int) -> None:
        peer = Peer(target.port)
        peer.send_raw(b"\1\0\0\0\1\0"[:count])
        serve_good_peer(target)
        assert not peer.hung_up().aborted
        assert turned_away(target, peer) == NO_REQUEST

    def test_a_truncated_request_ends_after_the_timeout(self, target: NodeProcess) -> None:
        peer = Peer(target.port)
        peer.send_pdu(ASSOCIATE_RQ, request()[:-1], len(request()))
        assert not peer.hung_up().aborted
        assert turned_away(target, peer) == NO_REQUEST

    def test_a_request_that_comes_byte_by_byte_is_not_waited_for(self, target: NodeProcess) -> None:
        peer = Peer(target.port)
        assert not peer.trickle(b"\1\0\0\0\4\0" + request(), 0.3).aborted
        assert turned_away(target, peer) == NO_REQUEST

    def test_a_request_that_keeps_coming_is_not_waited_for_either(self, target: NodeProcess) -> None:
        peer = Peer(target.port)
        body = request(APPLICATION_CONTEXT, context(), USER_INFORMATION, item(0x99, bytes(60_000)))
        raw = struct.pack(">BxI", ASSOCIATE_RQ, len(body)) + body
        assert not peer.trickle(raw, 0.05, size=100).aborted  # in 30 s, faster than the minimum rate
        assert turned_away(target, peer) == NO_REQUEST

    def test_a_connection_that_only_looks_whether_the_port_is_open_is_not_worth_a_line(
        self, target: NodeProcess
    ) -> None:
        peer = Peer(target.port)
        peer.finish()
        assert target.lines("association_rejected", port=peer.local_port) == []


def test_more_connections_in_one_instant_than_the_system_keeps_waiting_are_all_accepted(start_node: StartNode) -> None:
    """The kernel keeps 128; whoever finds no room there knocks again by itself after a second."""
    needs_descriptors(1_024)
    node = start_node("[association]\nmax_associations = 1000\nmax_associations_per_peer = 1000\n")
    answers, proposal = Counter[int](), struct.pack(">BxI", ASSOCIATE_RQ, len(request())) + request()
    with ExitStack() as stack, DefaultSelector() as selector:
        for _ in range(AT_ONCE):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", node.port))
            selector.register(one, EVENT_WRITE)
        while answers.total() < AT_ONCE:
            ready = selector.select(PATIENCE)
            assert ready, f"{AT_ONCE - answers.total()} are not answered"
            for key, event in ready:
                one = cast("socket.socket", key.fileobj)
                if event & EVENT_WRITE:
                    one.sendall(proposal)
                    selector.modify(one, EVENT_READ)
                else:
                    answers[one.recv(1)[0]] += 1
                    selector.unregister(one)
        serve_good_peer(node)
    assert answers == {ASSOCIATE_AC: AT_ONCE}
    node.wait_for("association_closed", AT_ONCE + 1)


class TestAssociationsThatSayNothing:
    def test_end_after_the_timeout(self, target: NodeProcess) -> None:
        peer = Peer.of(target.port, ct()).associate()
        serve_good_peer(target)
        assert peer.hung_up().aborted
        assert closed_line(target, peer)["ending"] == "timeout"

    def test_a_pdu_that_comes_byte_by_byte_is_under_the_minimum_rate(self, target: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        peer = Peer.of(target.port, instance).associate()
        peer.request(instance)
        peer.send_raw(struct.pack(">BxI", P_DATA, len(instance.data) + 6))
        assert peer.trickle(pdv(1, 2, instance.data), 0.3).aborted
        closed = closed_line(target, peer)
        assert closed["ending"] == "timeout"
        assert outcomes(target, closed) == ["aborted"]


GARBAGE: Final = {
    "http": b"GET / HTTP/1.1\r\nHost: node\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zeros": bytes(64),
    "p_data": struct.pack(">BxI", P_DATA, 6) + pdv(1, 3),
    "release": RELEASE,
    "abort": b"\7\0\0\0\0\4\0\0\0\0",
    "request_of_ffffffff": struct.pack(">BxI", ASSOCIATE_RQ, 0xFFFFFFFF),
    "request_of_8_mb": struct.pack(">BxI", ASSOCIATE_RQ, 8_000_000) + bytes(100_000),
    "request_over_the_limit": struct.pack(">BxI", ASSOCIATE_RQ, 262_145),
}


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE)
def test_what_is_not_a_request_is_aborted_at_once(target: NodeProcess, raw: bytes) -> None:
    peer = Peer(target.port)
    peer.send_raw(raw)
    serve_good_peer(target)
    assert peer.hung_up().aborted
    assert turned_away(target, peer) == NOT_A_REQUEST


class Broken(NamedTuple):
    """An A-ASSOCIATE-RQ that cannot be read, and what the log says of it."""

    name: str
    body: bytes
    reason: str


LONGER: Final = "an item that is longer than its place"
MORE: Final = "more items than anybody needs"
SYNTAX: Final = "a Presentation Context without one Abstract Syntax and a Transfer Syntax"

BROKEN: Final = (
    Broken("empty", b"", "an A-ASSOCIATE-RQ that is too short"),
    Broken("cut_in_the_titles", fixed()[:40], "an A-ASSOCIATE-RQ that is too short"),
    Broken("item_header_cut", request(APPLICATION_CONTEXT, b"\x20\0"), "an item without its header"),
    Broken("item_overruns", request(APPLICATION_CONTEXT, b"\x20\0\xff\xff\1\0\0\0"), LONGER),
    Broken(
        "sub_item_overruns",
        request(APPLICATION_CONTEXT, item(0x20, b"\1\0\0\0\x30\0\0\xff1.2")),
        LONGER,
    ),
    Broken("user_item_overruns", request(APPLICATION_CONTEXT, context(), item(0x50, b"\x51\0\0\x40")), LONGER),
    Broken("context_without_number", request(APPLICATION_CONTEXT, item(0x20, b"")), NUMBER),
    Broken("even_number", request(APPLICATION_CONTEXT, context(2)), NUMBER),
    Broken("number_0", request(APPLICATION_CONTEXT, context(0)), NUMBER),
    Broken("number_twice", request(APPLICATION_CONTEXT, context(1), context(1)), NUMBER),
    Broken("no_abstract_syntax", request(APPLICATION_CONTEXT, item(0x20, b"\1\0\0\0" + item(0x40, b"1.2"))), SYNTAX),
    Broken("no_transfer_syntax", request(APPLICATION_CONTEXT, item(0x20, b"\1\0\0\0" + item(0x30, b"1.2"))), SYNTAX),
    Broken("two_application_contexts", request(APPLICATION_CONTEXT * 2), "a second Application Context item"),
    Broken("two_user_informations", request(USER_INFORMATION * 2), "a second User Information item"),
    Broken("a_million_user_items", request(item(0x50, item(0x55, b"") * 16_000)), MORE),
    Broken(
        "128_contexts_of_400_transfer_syntaxes",
        request(APPLICATION_CONTEXT, *(context(number, *[b"1"] * 400) for number in range(1, 256, 2))),
        MORE,
    ),
    Broken(
        "transfer_syntaxes_of_one_context_to_the_limit",
        request(APPLICATION_CONTEXT, context(1, *[b"1.2.3.4.5.6.7.8.9.10.11"] * 2_400), context(3, *[b""] * 15_000)),
        MORE,
    ),
)


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.name for broken in BROKEN])
def test_a_request_that_cannot_be_read_is_aborted(target: NodeProcess, broken: Broken) -> None:
    peer = Peer(target.port)
    peer.send_pdu(ASSOCIATE_RQ, broken.body)
    assert peer.hung_up().aborted
    assert turned_away(target, peer) == broken.reason


@pytest.mark.parametrize(
    "body",
    [
        request(APPLICATION_CONTEXT, *(context(number, *[b"1.2.3"] * 48) for number in range(1, 256, 2))),
        request(APPLICATION_CONTEXT, context(), item(0x99, b"") * 60_000),
        request(APPLICATION_CONTEXT, context(), item(0x50, item(0x57, struct.pack(">H1sH1sH", 1, b"1", 1, b"1", 60_000)
            + b"\0\1\x31" * 20_000))),
    ],
    ids=["transfer_syntaxes", "unknown_items", "related_general_classes"],
)  # fmt: skip
def test_the_largest_request_that_is_read_does_not_keep_good_peers_waiting(target: NodeProcess, body: bytes) -> None:
    """It takes less work than 500 of them do: on any machine, however busy it is."""
    before = target.processor_seconds()
    for _ in range(20):
        serve_good_peer(target)
    usual = target.processor_seconds() - before
    peer = Peer(target.port)
    peer.send_pdu(ASSOCIATE_RQ, body)
    peer.abort()
    assert serve_good_peer(target) == "0000"
    assert closed_line(target, peer)
    assert target.processor_seconds() - before - usual < 25 * max(usual, 0.02)


class TestWhatTheStandardSaysToSkip:
    def test_items_of_unknown_types(self, target: NodeProcess) -> None:
        unknown, user = item(0x99, b"what"), item(0x5F, b"ever")
        information = item(0x50, USER_INFORMATION[4:] + user)
        accepted(target, request(unknown, APPLICATION_CONTEXT, unknown, context(), information, unknown))

    def test_other_bits_of_the_protocol_version(self, target: NodeProcess) -> None:
        accepted(target, request(head=fixed(version=0xFFFF)))

    def test_a_title_that_is_padded_with_nul(self, target: NodeProcess) -> None:
        accepted(target, request(head=fixed(calling=b"CT1".ljust(16, b"\0"))))
        assert target.wait_for("association_opened", calling_ae_title="CT1")


class TestRejections:
    def test_of_another_protocol_version(self, target: NodeProcess) -> None:
        assert rejection(target, request(head=fixed(version=2))) == (1, 2, 2)

    @pytest.mark.parametrize("items", [b"", item(0x10, b"1.2.3")], ids=["none", "another"])
    def test_of_another_application_context(self, target: NodeProcess, items: bytes) -> None:
        assert rejection(target, request(items, context(), USER_INFORMATION)) == (1, 1, 2)

    def test_of_a_user_identity_as_nobody_here_can_check_it(self, target: NodeProcess) -> None:
        identity = item(0x58, b"\1\0" + struct.pack(">H", 4) + b"USER" + struct.pack(">H", 0))
        information = item(0x50, USER_INFORMATION[4:] + identity)
        assert rejection(target, request(APPLICATION_CONTEXT, context(), information)) == (1, 1, 1)

    @pytest.mark.parametrize(
        ("title", "shown"),
        [
            (b"A\nB", "A\\x0aB"),
            (b"A\0B", "A\\x00B"),
            (b"\x1b[31mRED", "\\x1b[31mRED"),
            (b"M\xfcNCHEN", "M\\xfcNCHEN"),
            (b"A\\B", "A\\B"),
            (b"", ""),
            (bytes(16), ""),
        ],
        ids=["newline", "nul", "escape", "8_bit", "backslash", "blank", "only_nul"],
    )
    def test_of_ae_titles_that_are_none_and_they_are_shown_escaped(
        self, target: NodeProcess, title: bytes, shown: str
    ) -> None:
        known = len(target.lines("association_rejected"))
        assert rejection(target, request(head=fixed(calling=title))) == (1, 1, 3)
        assert rejection(target, request(head=fixed(called=title))) == (1, 1, 7)
        calling, called = target.wait_for("association_rejected", known + 2)[known:]
        assert (calling["calling_ae_title"], called["called_ae_title"]) == (shown, shown)

    def test_of_markup_is_not_needed_as_it_is_escaped_where_it_is_shown(self, target: NodeProcess) -> None:
        accepted(target, request(head=fixed(calling=b"<b>x</b>")))


def _connect(peer: Peer) -> None:
    """Nothing more."""


def _half_a_request(peer: Peer) -> None:
    peer.send_pdu(ASSOCIATE_RQ, request()[:50], 200)


def _request_unread(peer: Peer) -> None:
    peer.send_pdu(ASSOCIATE_RQ, request())


def _released_unread(peer: Peer) -> None:
    peer.send_raw(struct.pack(">BxI", ASSOCIATE_RQ, len(request())) + request() + RELEASE)


def _associated(peer: Peer) -> None:
    peer.associate()


def _stored(peer: Peer) -> None:
    peer.associate().store(ct(1, 77))


def _commanded(peer: Peer) -> None:
    peer.associate().request(ct(1, 77))


def _in_mid_pdu(peer: Peer) -> None:
    peer.associate().request(ct(1, 77))
    peer.send_pdu(P_DATA, bytes(100), 10_000)


def _in_mid_data_set(peer: Peer) -> None:
    _commanded(peer)
    peer.send_data(large_ct(1, 77).data, context=1, last=False)


def _answer_unread(peer: Peer) -> None:
    _commanded(peer)
    peer.send_data(ct(1, 77).data, context=1)


def _release_unanswered(peer: Peer) -> None:
    _stored(peer)
    peer.send_pdu(5, bytes(4))


def _aborted(peer: Peer) -> None:
    _commanded(peer)
    peer.send_pdu(7, bytes(4))


STATES: Final = (
    _connect, _half_a_request, _request_unread, _released_unread, _associated, _stored, _commanded, _in_mid_pdu,
    _in_mid_data_set, _answer_unread, _release_unanswered, _aborted,
)  # fmt: skip


@pytest.mark.parametrize("hang_up", [Peer.reset, Peer.close], ids=["rst", "fin"])
@pytest.mark.parametrize("state", STATES, ids=[state.__name__.strip("_") for state in STATES])
def test_a_connection_that_breaks_in_any_state_leaves_nothing_behind(
    target: NodeProcess, state: Callable[[Peer], None], hang_up: Callable[[Peer], None]
) -> None:
    """What the ``target`` holds afterwards is what is tested."""
    peer = Peer.of(target.port, ct(1, 77))
    with suppress(HungUpError):
        state(peer)
    hang_up(peer)


def test_more_than_1_024_descriptors_are_served_though_the_soft_limit_was_lower(start_node: StartNode) -> None:
    with soft_limit_of_descriptors(256):
        node = start_node(
            "[association]\nmax_associations = 1000\nmax_associations_per_peer = 1000\n"
            "acse_timeout = 3600\nnetwork_timeout = 3600\n"  # so many take their time to come
        )
    one = ct()
    with ExitStack() as stack:
        for _ in range(985):
            stack.callback(Peer.of(node.port, one).associate().abort)
        for _ in range(WAITING_ROOM - 4):
            stack.callback(Peer(node.port).close)
        assert node.until(lambda: node.descriptors() > 1_040)
        serve_good_peer(node)


def test_where_descriptors_run_out_connections_that_say_nothing_make_room(start_node: StartNode) -> None:
    node = start_node()
    node.allow_descriptors(node.descriptors() + 45)
    silent = [Peer(node.port) for _ in range(WAITING_ROOM)]
    for _ in range(5):
        serve_good_peer(node)
    for peer in silent:
        peer.close()


def needs_descriptors(number: int) -> None:
    """Skip the test where neither this process nor a node may have so many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.skip(f"this machine allows only {hard} descriptors")


@contextmanager
def soft_limit_of_descriptors(number: int) -> Iterator[None]:
    """Let processes that are started meanwhile have so few descriptors, unless they ask for more."""
    needs_descriptors(4_096)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4_096), hard))
