"""What was recorded, made worse: by bits and lengths, by PDUs, by fragments, and within the Data Set.

All chance comes from one generator: the same seed and recordings give the same inputs in the same order.
"""

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from tests.unit.dicom.encode import UNDEFINED, explicit, item, item_end, sequence_end
from tests.wire.peer import COMMAND, LAST, P_DATA, pdv
from tests.wire.recording import GROUP, SERIAL, Message, Recording, deflate, inflate

NUMBERS: Final = (
    0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x101, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, UNDEFINED,
)  # fmt: skip
PIECES: Final = (
    item(), item_end(), sequence_end(), item(length=UNDEFINED), b"SQ\0\0", b"UN\0\0", b"OB\0\0", b"UT\0\0", b"\\" * 50,
    explicit(0x00081140, "SQ", length=UNDEFINED), explicit(0x00020010, "UI", b"1.2\0"),
    explicit(0x00000002, "UI", b"1"), b"\x1b$B", b"../../", b"\r\n", b"\0", b"\xff" * 8, b"1e400", b"nan", b"-",
    b"^=^=", b"ISO 2022 IR 87",
)  # fmt: skip
_MOST_PIECE: Final = 60
_ROOM: Final = 16_000  # bytes of a fragment that any node takes


class Attack(NamedTuple):
    """Bytes to send over one connection, and how to leave afterwards: ``fin``, ``rst`` or ``wait``."""

    stream: bytes
    leave: str


class Mutator:
    """Makes attacks out of recordings, one after the other."""

    def __init__(self, recordings: Sequence[Recording], seed: int) -> None:
        self._recordings = recordings
        self._random = Random(seed)
        self._made = 0

    def attack(self) -> Attack:
        """Return the next attack."""
        self._made += 1
        recording = self._random.choice(self._recordings)
        kinds: Sequence[tuple[Callable[[Recording], bytes], int]] = (
            (self._data_sets, 6), (self._bytes, 3), (self._pdus, 2), (self._fragments, 2),
        )  # fmt: skip
        (make,) = self._random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        stream = make(recording).replace(SERIAL, b"1%07d" % (self._made % 10_000_000))
        if self._random.random() < 0.8:
            stream = stream.replace(GROUP, b"2%07d" % (self._made % 10_000_000))
        (leave,) = self._random.choices(("fin", "rst", "wait"), (930, 67, 3))
        return Attack(stream, leave)

    def _data_sets(self, recording: Recording) -> bytes:
        """Damage Data Sets that come in good order otherwise."""
        messages = self._some(recording)
        worse = [one._replace(data=self._data_set(one.data)) for one in messages]
        return recording.proposal + b"".join(map(self._message, worse)) + recording.pdus[-1]

    def _data_set(self, data: bytes) -> bytes:
        inflated = inflate(data)
        if inflated is not None and self._random.random() < 0.7:
            return deflate(self._damaged(inflated))
        return self._damaged(data)

    def _bytes(self, recording: Recording) -> bytes:
        """Damage the stream as a whole, mostly near the beginning of PDUs."""
        pdus = [recording.proposal, *map(self._message, self._some(recording)), recording.pdus[-1]]
        for _ in range(self._random.randint(1, 3)):
            chosen = self._random.randrange(len(pdus))
            if self._random.random() < 0.7:
                pdus[chosen] = self._damaged(pdus[chosen][:200]) + pdus[chosen][200:]
            else:
                pdus[chosen] = self._damaged(pdus[chosen])
        return b"".join(pdus)

    def _pdus(self, recording: Recording) -> bytes:
        """Leave PDUs out, send them again, at another place, or those of somebody else."""
        pdus = [*recording.pdus[: self._random.randint(2, 20)], recording.pdus[-1]]
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(pdus))
            match self._random.randrange(4):
                case 0 if len(pdus) > 1:
                    del pdus[at]
                case 1:
                    pdus.insert(at, pdus[at])
                case 2:
                    pdus.append(pdus.pop(at))
                case _:
                    pdus.insert(at, self._random.choice(self._random.choice(self._recordings).pdus))
        stream = b"".join(pdus)
        return stream[: self._random.randrange(len(stream))] if self._random.random() < 0.3 else stream

    def _fragments(self, recording: Recording) -> bytes:
        """Cut messages anywhere, with headers of values that lie now and then, in PDUs of any number of values."""
        values: list[bytes] = []
        for context, command, data in self._some(recording):
            values += self._cut(context, COMMAND, command) + self._cut(context, 0, data)
        pdus = [recording.proposal]
        while values:
            many = self._random.randint(1, 5)
            pdus.append(self._pdu(b"".join(values[:many])))
            del values[:many]
        return b"".join((*pdus, recording.pdus[-1]))

    def _cut(self, context: int, control: int, data: bytes) -> list[bytes]:
        edges = sorted(self._random.randrange(len(data) + 1) for _ in range(self._random.randint(0, 4)))
        pieces = [data[begin:end] for begin, end in zip([0, *edges], [*edges, len(data)], strict=True)]
        values = []
        for position, piece in enumerate(pieces):
            last = LAST * (position == len(pieces) - 1)
            lies = self._random.random() < 0.05
            length = self._random.choice(NUMBERS) if lies else None
            number = self._random.choice((context, 0, 1, 3, 255)) if lies else context
            values += [
                pdv(number, control | (last if at + _ROOM >= len(piece) else 0), piece[at : at + _ROOM], length)
                for at in range(0, len(piece) or 1, _ROOM)
            ]
        return values

    def _some(self, recording: Recording) -> list[Message]:
        """Return a few messages, the small ones more often than the large ones."""
        messages = recording.messages()
        weights = [1 / (len(one.data) + 1_000) for one in messages]
        return self._random.choices(messages, weights, k=self._random.randint(1, 3))

    def _message(self, message: Message) -> bytes:
        """Send a message as decent senders do."""
        context, command, data = message
        *pieces, last = [data[at : at + _ROOM] for at in range(0, len(data), _ROOM)] or [b""]
        values = [
            pdv(context, COMMAND | LAST, command),
            *(pdv(context, 0, piece) for piece in pieces),
            pdv(context, LAST, last),
        ]
        return b"".join(map(self._pdu, values))

    def _pdu(self, body: bytes) -> bytes:
        return struct.pack(">BxI", P_DATA, len(body)) + body

    def _damaged(self, data: bytes) -> bytes:
        """Do a few of the things to bytes that software and cables do."""
        changed = bytearray(data)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3, 6))):
            self._damage(changed)
        return bytes(changed)

    def _damage(self, data: bytearray) -> None:
        chance = self._random
        at = chance.randrange(min(len(data), 2_000) + 1) if chance.random() < 0.8 else chance.randrange(len(data) + 1)
        end = min(at + chance.choice((1, 2, 4, 8, _MOST_PIECE)), len(data))
        match chance.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at:end] = chance.randbytes(end - at)
            case 2:
                layout, size = chance.choice((("<H", 2), ("<I", 4), (">H", 2), (">I", 4)))
                data[at : at + size] = struct.pack(layout, chance.choice(NUMBERS) & (1 << 8 * size) - 1)
            case 3:
                del data[at:end]
            case 4:
                data[at:at] = chance.choice(PIECES)
            case 5:
                data[at:at] = data[at:end] * chance.choice((1, 1, 2, 100))
            case 6 if chance.random() < 0.3:
                del data[at:]
            case _:
                swap = chance.choice(PIECES)
                data[at : at + len(swap)] = swap
