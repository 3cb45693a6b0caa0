"""Load from real senders, and a book of what each was answered, to be held against the node afterwards.

Every instance that is sent has a SOP Instance UID of its own, so that attempts, answers and receipts can be counted.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from blake3 import blake3

from tests.wire.clients import Run, dcmsend, pynetdicom_association, storescu
from tests.wire.objects import Instance, ct, write_file
from tests.wire.peer import HungUpError, Peer

STORED: Final = "0000"
_SERIAL, _GROUP = b"70000000", b"60000000"
_ACKNOWLEDGED: Final = re.compile(
    r"Message Type +: C-STORE RSP\n(?:D: .*\n){0,4}?D: Affected SOP Instance UID +: (\S+)\n"
    r"(?:D: .*\n){0,2}?D: DIMSE Status +: 0x([0-9a-f]{4})"
)
_serials: Final = count(70_000_001)
_groups: Final = count(60_000_001)


def _template(**changes: Any) -> Instance:
    root, number = f"1.2.826.0.2.{_GROUP.decode()}", _SERIAL.decode()
    own: dict[str, Any] = {
        "StudyInstanceUID": root,
        "SeriesInstanceUID": f"{root}.1",
        "SOPInstanceUID": f"{root}.1.{number}",
        "InstanceNumber": number,
        "FrameOfReferenceUID": f"{root}.9",
    }
    return ct(**(own | changes))


_GOOD: Final = _template()
_LARGE: Final = _template(Rows=256, Columns=256, PixelData=bytes(2 * 256 * 256))
_BAD: Final = _template(PixelData=bytes(2))


def batch(size: int) -> list[Instance]:
    """Return instances of a new series: good ones, and one that is refused for itself; some series have large ones."""
    group = next(_groups)
    good = _LARGE if group % 5 == 0 else _GOOD
    return [_numbered(_BAD if position == size // 2 else good, group) for position in range(size)]


def _numbered(template: Instance, group: int) -> Instance:
    serial = next(_serials)

    def new(text: bytes) -> bytes:
        return text.replace(_SERIAL, b"%d" % serial).replace(_GROUP, b"%d" % group)

    uid = new(template.sop_instance_uid.encode()).decode()
    return Instance(template.sop_class_uid, uid, template.transfer_syntax, new(template.data))


@dataclass
class Book:
    """What was sent, by SOP Instance UID: its digest, how often, and what was answered."""

    digests: dict[str, bytes] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    answers: dict[str, list[str]] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sending(self, instances: Iterable[Instance]) -> None:
        """Note instances that may reach the node from now on."""
        with self._lock:
            for one in instances:
                uid = one.sop_instance_uid
                self.digests[uid] = blake3(one.data).digest()
                self.instances[uid] = one
                self.attempts[uid] = self.attempts.get(uid, 0) + 1
                self.answers.setdefault(uid, [])

    def answered(self, uid: str, status: str) -> None:
        """Note an answer that a sender has read."""
        with self._lock:
            self.answers[uid].append(status)

    def acknowledged(self) -> int:
        """Return how many answers have been read."""
        with self._lock:
            return sum(map(len, self.answers.values()))

    def unanswered(self) -> list[Instance]:
        """Return what was sent, or may have been, and never answered."""
        with self._lock:
            return [self.instances[uid] for uid, answers in self.answers.items() if not answers]


Send = Callable[[int, Sequence[Instance], Book], None]
"""Sends instances to a port over one association, and notes the answers in the book; a node that goes is no error."""


def send_raw(port: int, instances: Sequence[Instance], book: Book) -> None:
    """Send with sockets of our own: the quickest of all."""
    with suppress(OSError, HungUpError), Peer.of(port, *instances) as peer:
        for one in instances:
            book.answered(one.sop_instance_uid, peer.store(one).status)


def send_with_pynetdicom(port: int, instances: Sequence[Instance], book: Book) -> None:
    """Send with pynetdicom's library; it answers None, or not as a DICOM peer, where the node is gone."""
    gone = suppress(AssertionError, AttributeError, OSError, RuntimeError)
    with gone, pynetdicom_association(port, instances) as sender:
        for one in instances:
            book.answered(one.sop_instance_uid, sender.store(one))


def send_with(program: Callable[..., Run]) -> Send:
    """Send with a program of DCMTK, and read the answers in what it writes."""

    def send(port: int, instances: Sequence[Instance], book: Book) -> None:
        with TemporaryDirectory(prefix="load") as name:
            files = [write_file(Path(name), one) for one in instances]
            for uid, status in _ACKNOWLEDGED.findall(program(port, files, "--no-halt").output):
                book.answered(uid, status.upper())

    return send


SENDERS: Final = (send_raw, send_raw, send_with_pynetdicom, send_with(storescu), send_with(dcmsend))


@contextmanager
def under_load(port: int, book: Book, size: int = 6) -> Iterator[None]:
    """Let every sender send one batch after the other until the block ends, or the node does not answer any more.

    Senders that got no answer from an earlier node send again, and so do some that did.
    """
    enough = threading.Event()
    again = book.unanswered() + list(book.instances.values())[-2:]

    def keep_sending(send: Send) -> None:
        while not enough.is_set():
            instances = batch(size)
            book.sending(instances)
            send(port, instances, book)
            if not all(book.answers[one.sop_instance_uid] for one in instances):
                return

    def send_again() -> None:
        book.sending(again)
        send_raw(port, again, book)

    threads = [threading.Thread(target=keep_sending, args=(send,), daemon=True) for send in SENDERS]
    threads += [threading.Thread(target=send_again, daemon=True)] if again else []
    for one in threads:
        one.start()
    try:
        yield
    finally:
        enough.set()
        for one in threads:
            one.join()
