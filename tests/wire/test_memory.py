"""The memory of a node does not grow with the objects it receives, whatever they are made of, and however many come."""

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from scp.dicom.readers import WANTED
from tests.unit.dicom.encode import explicit, implicit, item, sequence_end
from tests.wire.conftest import StartNode
from tests.wire.hostility import serve_good_peer
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct
from tests.wire.peer import Peer
from tests.wire.soundness import assert_sound

MIB: Final = 2**20
AT_ONCE: Final = 4
SIZE: Final = 96
"""MiB of Pixel Data: those of one object in memory would show."""
MOST: Final = 24 * MIB
"""How much larger a node may become: what it takes for each of the associations, and for what it does first of all."""
UNSYNCED: Final = '[storage]\ndurability = "none"\n'
PDU: Final = 131_072
PATIENCE: Final = 120.0

Parts = Callable[[int], Iterable[bytes]]
"""What a Data Set consists of after its head; ``last`` is a byte in which two of them differ."""


@pytest.fixture
def node(start_node: StartNode) -> Iterator[NodeProcess]:
    """Give a node that syncs nothing, and whose objects are gone afterwards: folders of tests are kept for a while."""
    one = start_node(UNSYNCED)
    yield one
    assert_sound(one)
    assert one.stop() == 0
    for path in (*one.archived(), *one.quarantined()):
        path.unlink()


def head(number: int, transfer_syntax: str) -> Instance:
    """Return the slice of a study without its Pixel Data."""
    good = ct(1, number, PixelData=None, Rows=4096, Columns=SIZE * 128)
    return Instance(good.sop_class_uid, good.sop_instance_uid, transfer_syntax, good.data)


def native(last: int) -> Iterator[bytes]:
    yield explicit(0x7FE00010, "OW", length=SIZE * MIB)
    yield from [bytes(MIB)] * (SIZE - 1)
    yield bytes([last]) * MIB


def encapsulated(last: int) -> Iterator[bytes]:
    fragments = item(bytes(32_768)) * 32
    yield explicit(0x7FE00010, "OB", length=0xFFFFFFFF) + item()
    yield from [fragments] * SIZE
    yield item(bytes([last, 0])) + sequence_end()


def send(node: NodeProcess, one: Instance, *parts: Iterable[bytes]) -> list[str]:
    """Send an instance, once with each of the parts after its head; return the statuses."""
    statuses = []
    with Peer.of(node.port, one, max_pdu=PDU, patience=PATIENCE) as peer:
        for rest in parts:
            context = peer.request(one)
            peer.send_data(one.data, context=context, last=False)
            for part in rest:
                peer.send_data(part, context=context, last=False)
            peer.send_data(b"", context=context)
            statuses.append(peer.response().status)
    return statuses


def growth(node: NodeProcess, sending: Callable[[int], list[str]]) -> tuple[int, list[list[str]]]:
    """Let so many senders send at once; return by how many bytes the node became larger, and what they were told."""
    serve_good_peer(node)
    before, told = node.peak_memory(), list[list[str]]()
    senders = [
        threading.Thread(target=lambda number=number: told.append(sending(number))) for number in range(1, AT_ONCE + 1)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return node.peak_memory() - before, told


def test_not_with_pixel_data_in_fragments(node: NodeProcess) -> None:
    grown, told = growth(node, lambda number: send(node, head(number, JPEGBaseline8Bit), encapsulated(1)))
    assert told == [["0000"]] * AT_ONCE
    assert grown < MOST


def test_not_with_what_a_deflated_object_inflates_to(node: NodeProcess) -> None:
    def sending(number: int) -> list[str]:
        one = head(number, DeflatedExplicitVRLittleEndian)
        deflate = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
        data = b"".join([*map(deflate.compress, (one.data, *native(1))), deflate.flush()])
        return send(node, Instance(one.sop_class_uid, one.sop_instance_uid, one.transfer_syntax, data), ())

    grown, told = growth(node, sending)
    assert told == [["0000"]] * AT_ONCE
    assert grown < MOST
    assert node.spooled() == []


def test_not_with_values_that_are_longer_than_can_be_right(node: NodeProcess) -> None:
    good = ct(1, 1, PixelData=None)

    def sending(number: int) -> list[str]:
        one = Instance(good.sop_class_uid, ct(number).sop_instance_uid, ImplicitVRLittleEndian, b"")
        return send(node, one, [implicit(tag, b"1.2\\" * (MIB // 4)) for tag in sorted(WANTED)[:32]])

    grown, told = growth(node, sending)
    assert [len(statuses) for statuses in told] == [1] * AT_ONCE
    assert grown < MOST


def test_not_with_another_image_under_the_same_uid(node: NodeProcess) -> None:
    sent = native, encapsulated, native, encapsulated

    def sending(number: int) -> list[str]:
        parts = sent[number - 1]
        syntax = ExplicitVRLittleEndian if parts is native else JPEGBaseline8Bit
        return send(node, head(number, syntax), parts(1), parts(2))

    grown, told = growth(node, sending)
    assert told == [["0000", "C115"]] * AT_ONCE
    assert grown < MOST
    assert len(node.cases()) == AT_ONCE
