"""PDUs from a socket, in one reused buffer, with a deadline for everything (PS3.8 §9.3).

The socket blocks, and the kernel ends a read after the network timeout: no polling, no ``select``, no limit on
descriptors. A peer that is silent, trickles or announces too much costs its own association and nothing else.
"""

import math
import socket
import ssl
import struct
import time
from collections.abc import Container
from contextlib import suppress
from mmap import MAP_PRIVATE, mmap
from typing import Final, NamedTuple

from scp.net.tls import close_notify, shut
from scp.turn import aside, offer

_HEADER: Final = struct.Struct(">BxI")
_unpack_header = _HEADER.unpack_from

HEADER_LENGTH: Final = 6
P_DATA_TF: Final = 0x04
A_RELEASE_RQ: Final = 0x05
A_ABORT: Final = 0x07
PDU_TYPES: Final = range(0x01, 0x08)

_MOST_CONTROL: Final = 1024
"""Bytes of a PDU after negotiation that is not P-DATA: release and abort have four."""
_READ_AHEAD: Final = 64 * 1024
"""Bytes of the next PDU that may come with the end of one: a small object and its command take one read."""
_LEAST: Final = 0.001
"""Seconds: to the kernel, no time at all would be all the time in the world."""


class ChannelEnd(Exception):
    """No further PDU can be read; subclasses say why."""


class Closed(ChannelEnd):
    """The peer closed or reset the connection, between PDUs or within one."""


class Silent(ChannelEnd):
    """The peer sent nothing for the network timeout, or less than the minimum rate."""


class Oversized(ChannelEnd):
    """A PDU is longer than what was negotiated, or of no known type."""


class Pdu(NamedTuple):
    """One PDU in place: its type and its variable part. The memory is the channel's, and reused for the next."""

    type: int
    body: memoryview


class Channel:
    """Reads and writes one connection. Not for two threads at a time, but for :meth:`shut_reading`."""

    def __init__(self, sock: socket.socket, max_pdu: int, longest: int, timeout: float, minimum_rate: int) -> None:
        """``max_pdu`` bounds P-DATA-TF; ``longest`` is the length of the longest PDU of any type."""
        self._socket = sock
        self._is_tls = isinstance(sock, ssl.SSLSocket)
        self._max_pdu = max_pdu
        self._timeout = timeout
        self._minimum_rate = minimum_rate
        # Pages that were never read into take no memory: idle associations cost next to nothing.
        self._buffer = mmap(-1, max(max_pdu, longest) + HEADER_LENGTH + _READ_AHEAD, flags=MAP_PRIVATE)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._came, self._waited = 0, 0.0
        """Bytes of what the peer is saying, however many PDUs that takes, and seconds that we have waited for them."""
        self._owes_answer = False
        """Whether something was read since we wrote last; what we write acknowledges it along the way."""
        self.set_timeout(timeout)

    def set_timeout(self, seconds: float) -> None:
        """Set how long a read or write may wait for the peer: the kernel keeps it, and for TLS the ssl module."""
        self._timeout = seconds
        self._came, self._waited = 0, 0.0
        self._limit(seconds)

    def _limit(self, seconds: float) -> None:
        if self._is_tls:
            # It tries again whatever the kernel gives up: only its own timeout counts, for each read as a whole.
            self._socket.settimeout(seconds)
            return
        self._socket.settimeout(None)
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def next_pdu(self, most: int = 0, kinds: Container[int] = PDU_TYPES, until: float = math.inf) -> Pdu:
        """Return the next PDU, waiting for it as long as allowed. Raises a ChannelEnd if there is none.

        ``most`` bounds its length in bytes; with 0 its type does. ``until``, a time of the monotonic clock, is when all
        of it must be here, however fast it comes; the timeout has to be set anew then.
        """
        while self._end - self._start < HEADER_LENGTH:
            self._more(HEADER_LENGTH, until)
        kind, length = _unpack_header(self._buffer, self._start)
        if kind not in kinds or length > (most or (self._max_pdu if kind == P_DATA_TF else _MOST_CONTROL)):
            raise Oversized
        whole = HEADER_LENGTH + length
        while self._end - self._start < whole:
            self._more(whole, until)
        begin = self._start + HEADER_LENGTH
        self._start = end = begin + length
        return Pdu(kind, self._view[begin:end])

    def _more(self, needed: int, until: float) -> None:
        """Read what there is, at least one byte; what the peer is saying must not take it too long altogether."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + needed > len(self._buffer):
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        if until < math.inf:
            left = until - time.monotonic()
            if left < _LEAST:
                raise Silent
            self._limit(left)
        try:
            if self._owes_answer:
                # A sender with Nagle's algorithm on holds its next small write back until we acknowledge the last.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            began = time.monotonic()
            count = self._receive(self._view[self._end :])
        except (BlockingIOError, TimeoutError):
            raise Silent from None
        except OSError:
            raise Closed from None
        if count == 0:
            raise Closed
        self._owes_answer = True
        self._end += count
        if self._came:  # it may be silent before it says something
            self._waited += time.monotonic() - began
        self._came += count
        if self._waited > self._timeout + self._came / self._minimum_rate:
            raise Silent

    def _receive(self, room: memoryview) -> int:
        """Read what is there, and wait only if there is nothing.

        A Data Set usually is there when its command has been read: then others need not be waited for in between.
        """
        if not self._is_tls:
            offer()
            with suppress(BlockingIOError):
                return self._socket.recv_into(room, 0, socket.MSG_DONTWAIT)
        return aside(self._socket.recv_into, room)

    def send(self, data: bytes) -> None:
        """Send all of it. Raises a ChannelEnd if the peer does not read."""
        try:
            sent = 0 if self._is_tls else self._send_at_once(data)
            if sent < len(data):
                aside(self._socket.sendall, data[sent:])
            self._owes_answer = False
            self._came, self._waited = 0, 0.0
        except (BlockingIOError, TimeoutError):
            raise Silent from None
        except OSError:
            raise Closed from None

    def _send_at_once(self, data: bytes) -> int:
        """Send what the kernel takes without waiting for the peer; return how much that was."""
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def linger(self, seconds: float) -> None:
        """Wait for the peer to close first (PS3.8 §9.2.3, ARTIM), and drop what it still sends.

        To close over unread bytes is to reset the connection, and our last word may be lost on its way.
        """
        deadline = time.monotonic() + seconds
        with suppress(OSError):
            close_notify(self._socket)
            shut(self._socket, socket.SHUT_WR)
            while self._socket.recv_into(self._view) and time.monotonic() < deadline:
                pass

    def shut_reading(self) -> None:
        """Wake up whoever reads, from another thread; what is being worked on can still be answered."""
        shut(self._socket, socket.SHUT_RD)
