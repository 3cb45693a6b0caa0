"""The console's listening socket, and uvicorn in a thread of its own beside the node."""

import asyncio
import json
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter
from typing import Any, Final, NamedTuple

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from scp.config import Console
from scp.console.access import Access
from scp.console.app import make_app
from scp.console.certificates import console_endpoint, console_tls
from scp.console.desk import Desk, NodeParts
from scp.console.guard import response_headers
from scp.console.rates import Lately
from scp.console.readers import Readers
from scp.console.thumbnails import Thumbnails
from scp.layout import LEDGER
from scp.net.tls import Endpoint

_REQUEST_SECONDS: Final = 15.0
"""Seconds for a request to arrive with its headers, on a new connection and after each response."""
_UNREAD_SECONDS: Final = 30.0
"""Seconds after which a connection ends whose peer does not take the response."""
_CONNECTIONS: Final = 128
_HANDSHAKE_SECONDS: Final = 10.0
_TURNS: Final = 4
"""Turns of the event loop after which a connection that was aborted is gone, even with TLS."""
_PAUSE, _STARTING, _STOPPING = 0.1, 10.0, 3.0
"""Seconds to pause after an accept that failed, and the longest for starting and for stopping."""


class ConsoleServer:
    """The console of a node. To be made before the node starts, started when it listens, stopped before it ends."""

    def __init__(self, node: NodeParts) -> None:
        """Raises ConfigurationError if others could use it without signing in, or the certificate cannot be used."""
        settings = node.settings()
        access = Access(settings.console)
        self._settings = settings.console
        self._endpoint = console_endpoint(settings)
        self._node = node
        self._access = access
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> tuple[str, int]:
        """Listen, and return the address and port. Raises OSError if that is not possible."""
        listener = _listen(self._settings)
        readers = Readers(self._node.store.folder / LEDGER)
        desk = Desk(
            self._node,
            self._access,
            readers,
            Lately(self._node.meters),
            Thumbnails(self._node.store, self._node.limits),
        )
        config = uvicorn.Config(
            make_app(desk),
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=bool(self._settings.proxies),
            forwarded_allow_ips=_as_seen(self._settings.proxies),
            server_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=32 * 1024,
        )
        config.load()
        _quiet()
        self._server = _Server(config, self._endpoint)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="console", daemon=True)
        self._thread.start()
        self._server.began.wait(_STARTING)
        host, port = listener.getsockname()[:2]
        return str(host), int(port)

    def renew(self) -> None:
        """Read the certificate again, for new connections; if anything is wrong with it, nothing changes."""
        if self._endpoint:
            self._endpoint.reload(console_tls(self._node.settings()))

    def stop(self) -> None:
        """Finish the responses in progress, for some seconds, and close."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(_STOPPING)


class _Server(uvicorn.Server):
    """uvicorn without handling of signals, and with a bound on connections.

    uvicorn accepts any number of connections, and the node needs file descriptors too. A connection above the bound
    takes the place of one that waits for its visitor, of the address that has most of these; if there is none, it is
    closed at once. A connection counts from before its TLS handshake, which has a deadline.
    """

    def __init__(self, config: uvicorn.Config, endpoint: Endpoint | None) -> None:
        super().__init__(config)
        self._endpoint = endpoint
        self.began = threading.Event()
        self._beginning: dict[asyncio.Task[None], _Waiting] = {}
        self._accepting: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the node."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections on the sockets that are given, and set ``began``."""
        asyncio.get_running_loop().set_exception_handler(_loop_failed)
        await self.lifespan.startup()
        self.servers = []
        self._accepting = asyncio.create_task(self._accept(*sockets or ()))
        self.started = True
        self.began.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, finish the responses in progress, and close."""
        if self._accepting:
            self._accepting.cancel()
        await super().shutdown(sockets)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listener)
            except OSError:  # out of descriptors, or gone before it was accepted
                await asyncio.sleep(_PAUSE)
                continue
            if self._is_full():
                await self._make_room()
                if self._is_full():
                    sock.close()
                    continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A visitor that does not read the response would keep its connection for ever.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(_UNREAD_SECONDS * 1000))
            task = asyncio.create_task(self._begin(sock))
            self._beginning[task] = _Waiting(address[0], loop.time(), task.cancel)
            task.add_done_callback(partial(self._begun, sock))

    def _begun(self, sock: socket.socket, task: asyncio.Task[None]) -> None:
        self._beginning.pop(task, None)
        if task.cancelled():
            sock.close()

    def _is_full(self) -> bool:
        return len(self._beginning) + len(self.server_state.connections) >= _CONNECTIONS

    async def _make_room(self) -> None:
        """Abort a connection that waits for its visitor, if any: the oldest of the address that has most of them."""
        protocols = (one for one in self.server_state.connections if isinstance(one, _Protocol))
        waiting = [*self._beginning.values(), *(found for one in protocols if (found := one.waiting()))]
        if waiting:
            ((crowd, _),) = Counter(one.address for one in waiting).most_common(1)
            min((one for one in waiting if one.address == crowd), key=attrgetter("since")).let_go()
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def _begin(self, sock: socket.socket) -> None:
        loop, config, endpoint = asyncio.get_running_loop(), self.config, self._endpoint
        try:
            await loop.connect_accepted_socket(
                lambda: _Protocol(config, self.server_state, self.lifespan.state, loop), sock,
                ssl=endpoint.context if endpoint else None,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if endpoint else None,
            )  # fmt: skip
        except OSError:  # among them ssl.SSLError, and a handshake that takes too long
            sock.close()


class _Waiting(NamedTuple):
    """A connection that waits for its visitor: its address, since when (in the loop's time), and how to end it."""

    address: str
    since: float
    let_go: Callable[[], object]


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, but with a deadline for each request.

    uvicorn waits without end for the rest of a request, or for the rest of a body that was answered without reading it.
    """

    _deadline: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Handle a new connection: wait for its first request."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._wait()

    def waiting(self) -> _Waiting | None:
        """Return this connection if it waits for a request or the rest of one; None if a response is in progress."""
        is_asked = self.cycle and not self.cycle.response_complete and not self.cycle.more_body
        if is_asked or self.transport.is_closing():
            return None
        return _Waiting(self.client[0] if self.client else "", self._since, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not valid HTTP, with the headers that every response has.

        It may be found in the body of a request whose response has begun: then the connection is only closed.
        """
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"detail": msg}).encode()
            is_head = self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] == "HEAD"
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "connection": "close",
                **response_headers(tls=self.scheme == "https"),
            }
            events: tuple[h11.Event, ...] = (
                h11.Response(status_code=HTTPStatus.BAD_REQUEST, headers=list(headers.items()), reason=b"Bad Request"),
                h11.Data(data=b"" if is_head else body),
                h11.EndOfMessage(),
            )
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have arrived already."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of a connection."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """Set the deadline for a request other than the one just answered (None at first)."""
        self._wait_no_more()
        self._deadline = self.loop.call_later(_REQUEST_SECONDS, self._nothing_came, self.cycle)

    def _wait_no_more(self) -> None:
        if self._deadline:
            self._deadline.cancel()

    def _nothing_came(self, answered: object) -> None:
        if self.cycle is answered:
            self.transport.close()


def _as_seen(proxies: Collection[IPv4Network | IPv6Network]) -> list[str]:
    """Write networks as uvicorn compares them: a socket on ``::`` shows IPv4 peers as ``::ffff:192.0.2.7``."""
    mapped = (one for one in proxies if isinstance(one, IPv4Network))
    return [*map(str, proxies), *(f"::ffff:{one.network_address}/{one.prefixlen + 96}" for one in mapped)]


def _listen(settings: Console) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _quiet() -> None:
    """Keep libraries from logging: their messages hold what a browser sent."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)


def _loop_failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors of the event loop, but not broken connections and failed TLS handshakes, which are not ours."""
    error = context.get("exception")
    if error is not None and not isinstance(error, OSError):
        structlog.get_logger().error("console_loop_failed", error=type(error).__name__)
