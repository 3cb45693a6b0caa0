"""Objects that are larger than they should be, or as large as they may be: memory does not grow with them."""

import os
import struct
import zlib
from collections.abc import Iterator
from typing import Final

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from tests.unit.dicom.encode import explicit
from tests.wire.conftest import StartNode
from tests.wire.hostility import closed_line, outcomes, serve_good_peer
from tests.wire.objects import Instance, ct, large_ct
from tests.wire.peer import LAST, P_DATA, Peer, pdv
from tests.wire.soundness import assert_sound

MIB: Final = 2**20
PDU: Final = 131_072


def bomb(data: bytes, more: int) -> bytes:
    """Deflate a Data Set that goes on with zeros, as many as ``more``."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(MIB)
    parts = [deflate.compress(data), *(deflate.compress(zeros) for _ in range(more // MIB)), deflate.flush()]
    return b"".join(parts)


class TestDeflateBombs:
    def test_are_inflated_as_far_as_the_limit_goes_and_no_further(self, start_node: StartNode) -> None:
        node = start_node('[limits]\ninflated_bytes = "4 MiB"\n')
        serve_good_peer(node)
        good, size = ct(), 256 * MIB
        pixels = explicit(0x7FE10010, "OB", length=size)
        data = bomb(good.data + pixels, size)
        assert len(data) < MIB
        sent = Instance(good.sop_class_uid, good.sop_instance_uid, DeflatedExplicitVRLittleEndian, data)
        before = node.peak_memory()
        with Peer.of(node.port, sent) as peer:
            answer = peer.store(sent)
            assert (answer.status, answer.comment[:7]) == ("C0E3", "ENC-003")
            assert peer.store(sent).status == "C0E3"
        assert node.peak_memory() - before < 32 * MIB

    def test_of_what_fits_are_stored_as_they_came(self, start_node: StartNode) -> None:
        node = start_node('[limits]\ninflated_bytes = "4 MiB"\n')
        good = ct()
        data = bomb(good.data + explicit(0x7FE10010, "OB", length=2 * MIB), 2 * MIB)
        sent = Instance(good.sop_class_uid, good.sop_instance_uid, DeflatedExplicitVRLittleEndian, data)
        with Peer.of(node.port, sent) as peer:
            assert peer.store(sent).status == "0000"


class TestObjectsOverTheLimit:
    def test_are_answered_a700_and_the_rest_of_them_is_dropped_as_it_comes(self, start_node: StartNode) -> None:
        node = start_node('[limits]\nobject_bytes = "64 KiB"\n')
        node.tolerate("fault")
        large, small = large_ct(1), ct(2)
        with Peer.of(node.port, large) as peer:
            context = peer.request(large)
            peer.send_data(large.data[: 2 * PDU], context=context, last=False)
            (line,) = node.wait_for("instance", sop_instance_uid=large.sop_instance_uid)
            assert (line["verdict"], line["status"]) == ("retry", "A700")
            assert node.until(lambda: node.spooled() == [])
            peer.send_data(large.data[2 * PDU :], context=context)
            answer = peer.response()
            assert (answer.status, answer.comment) == ("A700", "the object is larger than this node's limit")
            assert peer.store(small).status == "0000"
        assert outcomes(node, closed_line(node, peer)) == ["retry", "accept"]

    def test_of_exactly_the_limit_is_stored(self, start_node: StartNode) -> None:
        size = len(large_ct(1).data)
        node = start_node(f"[limits]\nobject_bytes = {size}\n")
        with Peer.of(node.port, large_ct(1)) as peer:
            assert peer.store(large_ct(1)).status == "0000"


def without_pixels(rows: int, columns: int) -> tuple[Instance, int]:
    """Return a slice without the bytes of its Pixel Data, and how many those are."""
    size = rows * columns * 2
    good = ct(1, PixelData=None, Rows=rows, Columns=columns)
    head = good.data + explicit(0x7FE00010, "OW", length=size)
    return Instance(good.sop_class_uid, good.sop_instance_uid, ExplicitVRLittleEndian, head), size


def fragments(context: int, size: int) -> Iterator[bytes]:
    """Give that many zeros as P-DATA-TF, each as large as may be."""
    room = PDU - 6
    whole = struct.pack(">BxI", P_DATA, PDU) + pdv(context, 0, bytes(room))
    for _ in range(size // room):
        yield whole
    rest = pdv(context, LAST, bytes(size % room))
    yield struct.pack(">BxI", P_DATA, len(rest)) + rest


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        pytest.param(8_192, 8_192, id="128_mib"),
        pytest.param(
            32_768, 32_770, id="over_2_gib",
            marks=pytest.mark.skipif("SCP_TEST_LARGE" not in os.environ, reason="AUDITSCP_TEST_LARGE=1 runs it"),
        ),
    ],
)  # fmt: skip
def test_a_valid_object_is_stored_in_memory_that_does_not_grow_with_it(
    start_node: StartNode, rows: int, columns: int
) -> None:
    """Nothing is synced here: what counts is that it streams, and that lengths are right beyond 31 bits."""
    node = start_node('[storage]\ndurability = "none"\n')
    serve_good_peer(node)
    one, size = without_pixels(rows, columns)
    before = node.peak_memory()
    with Peer.of(node.port, one, max_pdu=PDU) as peer:
        context = peer.request(one)
        peer.send_data(one.data, context=context, last=False)
        for raw in fragments(context, size):
            peer.send_raw(raw)
        assert peer.response().status == "0000"
    assert node.peak_memory() - before < 24 * MIB
    (row,) = node.rows("SELECT size FROM receipt WHERE affected_sop_instance_uid = ?", one.sop_instance_uid)
    assert row["size"] == len(one.data) + size
    assert_sound(node)
    assert node.stop() == 0
    for path in node.archived():
        path.unlink()  # folders of tests are kept for a while
