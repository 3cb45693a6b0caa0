"""PDUs from a socket, in one reused buffer, with a deadline for every read and write (PS3.8 §9.3).

The socket blocks, and the kernel ends a read after the network timeout: this needs no polling and no ``select``, with
its limit on descriptors. A peer that is silent, sends too slowly or announces too much loses its own association, and
disturbs no other.
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
"""Most bytes of a PDU after negotiation that is not P-DATA-TF: release and abort have four."""
_READ_AHEAD: Final = 64 * 1024
"""Most bytes of following PDUs that are read together with one: a small object and its command take one read."""
_LEAST: Final = 0.001
"""The shortest timeout, in seconds: to the kernel, 0 would mean to wait for ever."""


class ChannelEnd(Exception):
    """No further PDU can be read; subclasses say why."""


class Closed(ChannelEnd):
    """The peer closed or reset the connection, between PDUs or within one."""


class Silent(ChannelEnd):
    """The peer sent nothing for as long as the timeout, or less than the minimum rate."""


class Oversized(ChannelEnd):
    """A PDU is longer than allowed, or of a type that is not allowed."""


class Pdu(NamedTuple):
    """One PDU: its type and its variable part, a view of the channel's buffer that holds until the next is read."""

    type: int
    body: memoryview


class Channel:
    """Reads and writes one connection. For one thread, except for :meth:`shut_reading`."""

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
        """Bytes that arrived since we last sent something, and seconds of waiting for them, for the minimum rate."""
        self._owes_answer = False
        """Whether something was read since we last sent: then TCP may hold back its acknowledgement, as we may send."""
        self.set_timeout(timeout)

    def set_timeout(self, seconds: float) -> None:
        """Set how long a read or write may wait for the peer; the kernel measures it, or with TLS the ssl module."""
        self._timeout = seconds
        self._came, self._waited = 0, 0.0
        self._limit(seconds)

    def _limit(self, seconds: float) -> None:
        if self._is_tls:
            # The ssl module repeats what the kernel gives up, so only its own timeout counts, for each whole read.
            self._socket.settimeout(seconds)
            return
        self._socket.settimeout(None)
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def next_pdu(self, most: int = 0, kinds: Container[int] = PDU_TYPES, until: float = math.inf) -> Pdu:
        """Return the next PDU, waiting for it as long as allowed. Raises a ChannelEnd if there is none.

        ``most`` bounds the length of its variable part in bytes; with 0, the bound depends on its type. ``until``, a
        time of the monotonic clock, is when the whole PDU must have arrived, at whatever rate; with it, the caller has
        to set the timeout anew afterwards.
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
        """Read what has arrived, at least one byte. Raises a ChannelEnd, Silent also below the minimum rate."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + needed > len(self._buffer):
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        may_wait = True
        if until < math.inf:
            left = until - time.monotonic()
            may_wait = left >= _LEAST
            if may_wait:
                self._limit(left)
        try:
            if self._owes_answer:
                # A sender with Nagle's algorithm holds back its next small write until we acknowledge the last one.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            waited = self._waited
            count = self._receive(self._view[self._end :], may_wait=may_wait)
        except (BlockingIOError, TimeoutError):
            raise Silent from None
        except OSError:
            raise Closed from None
        if count == 0:
            raise Closed
        self._owes_answer = True
        self._end += count
        if not self._came:  # before the first byte, the peer may be silent for as long as the timeout
            self._waited = waited
        self._came += count
        if self._waited > self._timeout + self._came / self._minimum_rate:
            raise Silent

    def _receive(self, room: memoryview, *, may_wait: bool) -> int:
        """Read what has arrived, and wait only if that is nothing. Raises Silent if that may not be waited for.

        A Data Set usually has arrived when its command has been read: then this keeps the turn (:mod:`scp.turn`).
        In the clear, what has arrived is read however late it is: then it is this node that took so long to look.
        """
        if not self._is_tls:
            offer()
            with suppress(BlockingIOError):
                return self._socket.recv_into(room, 0, socket.MSG_DONTWAIT)
        if not may_wait:
            raise Silent
        return aside(self._await, room)

    def _await(self, room: memoryview) -> int:
        """Wait for the peer, and count only that as its silence, not what it takes until this thread has the turn."""
        began = time.monotonic()
        try:
            return self._socket.recv_into(room)
        finally:
            self._waited += time.monotonic() - began

    def send(self, data: bytes) -> None:
        """Send all the data. Raises Silent if the peer does not read, Closed if the connection is gone."""
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

        Closing with unread bytes resets the connection, and the peer might never read the last PDU.
        """
        deadline = time.monotonic() + seconds
        with suppress(OSError):
            close_notify(self._socket)
            shut(self._socket, socket.SHUT_WR)
            while self._socket.recv_into(self._view) and time.monotonic() < deadline:
                pass

    def shut_reading(self) -> None:
        """Stop reading, called from another thread; a request that is being worked on can still be answered."""
        shut(self._socket, socket.SHUT_RD)
