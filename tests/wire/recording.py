"""What real senders put on the wire: recorded between them and a node, and taken apart into PDUs and messages."""

import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pydicom.data import get_testdata_file
from pydicom.uid import ImplicitVRLittleEndian

from scp.dicom.read import read_facts
from scp.dicom.walk import Limits
from tests.rules.builders import mr_image
from tests.wire.clients import dcmsend, pynetdicom_association, storescu
from tests.wire.objects import Instance, ct, ct_image, instance_in, instance_of, large_ct, write_file
from tests.wire.peer import COMMAND, LAST, P_DATA

SERIAL, GROUP = b"10000000", b"20000000"
"""Stand in every SOP Instance UID, and in Study and Series, so that each can be made a new one in place."""

_FILES: Final = (
    "JPEG2000.dcm", "rtdose_1frame.dcm", "image_dfl.dcm", "reportsi.dcm", "rtplan.dcm", "ExplVR_BigEnd.dcm",
)  # fmt: skip
"""Of pydicom's: compressed, deflated, big endian, without pixels, with deep sequences."""


class Message(NamedTuple):
    """A request: its Presentation Context, its command set, and its Data Set."""

    context: int
    command: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """What a sender sent in one association: PDUs, and the same as messages between negotiation and release."""

    name: str
    pdus: tuple[bytes, ...]

    @property
    def proposal(self) -> bytes:
        """The A-ASSOCIATE-RQ."""
        return self.pdus[0]

    def messages(self) -> list[Message]:
        """Put the fragments of P-DATA-TF together (PS3.8 Annex E.2)."""
        found: list[Message] = []
        command, data = b"", b""
        for pdu in self.pdus:
            for context, control, piece in values_in(pdu):
                if control & COMMAND:
                    command += piece
                    continue
                data += piece
                if control & LAST:
                    found.append(Message(context, command, data))
                    command, data = b"", b""
        return found


def values_in(pdu: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give context, message control header and fragment of each Presentation Data Value of a P-DATA-TF."""
    position = 6
    while pdu[0] == P_DATA and position < len(pdu):
        length, context, control = struct.unpack_from(">IBB", pdu, position)
        yield context, control, pdu[position + 6 : position + 4 + length]
        position += 4 + length


def pdus_in(stream: bytes) -> Iterator[bytes]:
    """Take a stream of whole PDUs apart."""
    while stream:
        end = 6 + int.from_bytes(stream[2:6], "big")
        yield stream[:end]
        stream = stream[end:]


@contextmanager
def tapped(port: int) -> Iterator[tuple[int, list[bytearray]]]:
    """Pass connections on to a port; give another port that does so, and what came in over each connection."""
    taps: list[bytearray] = []
    pumps: list[threading.Thread] = []

    def pump(source: socket.socket, target: socket.socket, tap: bytearray) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                tap += piece
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                sender, _ = listener.accept()
                node = socket.create_connection(("127.0.0.1", port))
                for one in (sender, node):
                    stack.enter_context(one)
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                taps.append(bytearray())
                for pair in ((sender, node, taps[-1]), (node, sender, bytearray())):
                    pumps.append(threading.Thread(target=pump, args=pair, daemon=True))
                    pumps[-1].start()

    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], taps
        for one in pumps:
            one.join()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def record(port: int, folder: Path) -> list[Recording]:
    """Let DCMTK's storescu and dcmsend and pynetdicom send to a node, and return what they sent."""
    instances = [numbered(one, index) for index, one in enumerate(_instances(), start=1)]
    folder.mkdir()
    files = [write_file(folder, one) for one in instances]
    senders: Sequence[tuple[str, Callable[[int], object]]] = (
        ("storescu", lambda to: storescu(to, files, "--no-halt")),
        ("dcmsend", lambda to: dcmsend(to, files, "--no-halt")),
        ("pynetdicom", lambda to: _with_pynetdicom(to, instances)),
    )
    recordings = []
    for name, send in senders:
        with tapped(port) as (to, taps):
            send(to)
        recordings += [Recording(name, tuple(pdus_in(bytes(tap)))) for tap in taps if tap]
    return recordings


def _with_pynetdicom(port: int, instances: Sequence[Instance]) -> None:
    with pynetdicom_association(port, instances) as sender:
        for one in instances:
            sender.store(one)


def _instances() -> list[Instance]:
    made = [ct(1), ct(2), instance_of(ct_image(3), ImplicitVRLittleEndian), large_ct(4), instance_of(mr_image())]
    paths = (get_testdata_file(name) for name in _FILES)
    return [*made, *(instance_in(Path(str(path))) for path in paths)]


def numbered(instance: Instance, index: int) -> Instance:
    """Return an instance whose UIDs hold the serial numbers; nothing moves by that."""
    inflated = inflate(instance.data)
    data = instance.data if inflated is None else inflated
    facts = read_facts(instance.data, instance.transfer_syntax, Limits())
    levels = (facts.sop_instance_uid, SERIAL), (facts.series_instance_uid, GROUP), (facts.study_instance_uid, GROUP)
    for uid, serial in levels:
        assert uid, "the object says what it is"
        data = data.replace(uid.encode(), _numbered(index, serial, len(uid)))
    named = _numbered(index, SERIAL, len(facts.sop_instance_uid)).decode()
    data = data if inflated is None else deflate(data)
    return Instance(instance.sop_class_uid, named, instance.transfer_syntax, data)


def _numbered(index: int, serial: bytes, length: int) -> bytes:
    """Return a UID of some length; those of one index and serial, but of different lengths, are different."""
    begin = b"1.%d.%s" % (index, serial)
    room = length - len(begin)
    assert room >= 0, "the UID is too short for a serial number"
    return begin + (b".1" * length)[: room & ~1] + b"1" * (room & 1)


def inflate(data: bytes) -> bytes | None:
    """Return what a deflated Data Set inflates to, None if it is none."""
    try:
        return zlib.decompress(data, -zlib.MAX_WBITS)
    except zlib.error:
        return None


def deflate(data: bytes) -> bytes:
    """Deflate a Data Set (PS3.5 §A.5)."""
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)
