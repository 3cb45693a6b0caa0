"""The console's listening socket, and uvicorn in a thread of its own beside the node."""

import asyncio
import json
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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
"""Until a request is there with its headers: the first of a connection, and each after an answer."""
_UNREAD_SECONDS: Final = 30.0
"""Without anybody reading what was answered."""
_CONNECTIONS: Final = 128
_HANDSHAKE_SECONDS: Final = 10.0
_TURNS: Final = 4
"""Turns of the loop after which a connection that is let go of is gone, TLS and all."""
_PAUSE, _STARTING, _STOPPING = 0.1, 10.0, 3.0
"""Seconds after an accept that failed, and at most for starting and for stopping."""


class ConsoleServer:
    """Make it before the node starts, :meth:`start` it when the node listens, :meth:`stop` it before the node ends."""

    def __init__(self, node: NodeParts) -> None:
        """Raises ConfigurationError if the settings would let in whoever comes, or certificates cannot be used."""
        settings = node.settings()
        access = Access(settings.console)
        self._settings = settings.console
        self._endpoint = console_endpoint(settings)
        self._node = node
        self._access = access
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> tuple[str, int]:
        """Listen, and return the address and port. Raises OSError if that cannot be had."""
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
        """Read the certificates of now, for connections from now on; if anything is wrong, nothing changes."""
        if self._endpoint:
            self._endpoint.reload(console_tls(self._node.settings()))

    def stop(self) -> None:
        """Finish the pages that are being made, for some seconds, and close."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(_STOPPING)


class _Server(uvicorn.Server):
    """uvicorn without its hand on the process's signals, and with a bound on connections.

    uvicorn would accept without end, and the descriptors are those of the node too. What comes above the bound takes
    the place of a connection that waits for its visitor, of the address that has most of them; if none does, it is
    closed at once. A TLS handshake counts from its beginning, and has a deadline.
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
        """Accept connections on the socket that is given, and say that this has begun."""
        asyncio.get_running_loop().set_exception_handler(_loop_failed)
        await self.lifespan.startup()
        self.servers = []
        self._accepting = asyncio.create_task(self._accept(*sockets or ()))
        self.started = True
        self.began.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, let what is being answered end, and close."""
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
            # Who asks and does not read the answer would keep its connection for ever.
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
        """Let go of one that waits for its visitor, the oldest of the address that has most; nothing if none does."""
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
        except OSError:  # ssl.SSLError is one, and so is a handshake that takes too long
            sock.close()


class _Waiting(NamedTuple):
    """A connection that waits for its visitor: from where it came, since when of the loop's time, and how to end it."""

    address: str
    since: float
    let_go: Callable[[], object]


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, for which a connection that asks nothing, or nothing more, ends by itself.

    uvicorn would wait for ever for the rest of a request that has begun, and for a body that was answered unread.
    """

    _deadline: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin a connection."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._wait()

    def waiting(self) -> _Waiting | None:
        """Return this one if it waits for a request, or the rest of one; None if something is being answered."""
        is_asked = self.cycle and not self.cycle.response_complete and not self.cycle.more_body
        if is_asked or self.transport.is_closing():
            return None
        return _Waiting(self.client[0] if self.client else "", self._since, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, with the headers that every response has.

        It may come in the body of a request that is worked on, or was answered already: nothing more is said to that.
        """
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"detail": msg}).encode()
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "connection": "close",
                **response_headers(tls=self.scheme == "https"),
            }
            events: tuple[h11.Event, ...] = (
                h11.Response(status_code=HTTPStatus.BAD_REQUEST, headers=list(headers.items()), reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """Turn to the next request, which may be here already."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """Wait for a request other than the one that was answered, which is None at first."""
        self._wait_no_more()
        self._deadline = self.loop.call_later(_REQUEST_SECONDS, self._nothing_came, self.cycle)

    def _wait_no_more(self) -> None:
        if self._deadline:
            self._deadline.cancel()

    def _nothing_came(self, answered: object) -> None:
        if self.cycle is answered:
            self.transport.close()


def _as_seen(proxies: Iterable[IPv4Network | IPv6Network]) -> list[str]:
    """Write networks as uvicorn compares them: what listens on ``::`` sees IPv4 peers as ``::ffff:192.0.2.7``."""
    return [
        text
        for network in proxies
        for text in (str(network), f"::ffff:{network.network_address}/{network.prefixlen + 96}")[: 6 - network.version]
    ]


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
    """Let libraries say nothing by themselves: what they tell of requests holds what a browser sent."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)


def _loop_failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A connection that breaks, or a TLS handshake that fails, is the browser's matter."""
    error = context.get("exception")
    if error is not None and not isinstance(error, OSError):
        structlog.get_logger().error("console_loop_failed", error=type(error).__name__)
