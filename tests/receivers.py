"""Real receivers of notifications, on this machine: a web server and a mail server, each in a thread."""

import asyncio
import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any, Final

import orjson
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PATIENCE: Final = 120.0
SECRET: Final = "a secret that nobody else has"


@dataclass(frozen=True, slots=True)
class Post:
    """A request that a web server got."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """What it says."""
        return orjson.loads(self.raw)

    def is_signed(self, secret: str = SECRET) -> bool:
        """Whether the signature is that of Standard Webhooks, worked out here once more."""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.raw
        right = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{right}"


class WebReceiver:
    """A web server; ``answer`` decides the status of each request, by how many came before it.

    Until it runs, it has its port, where connections are refused, and which nobody else can get.
    """

    def __init__(self, answer: Callable[[int], int] = lambda _: 204) -> None:
        self.posts: SimpleQueue[Post] = SimpleQueue()
        self.served = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                status = answer(receiver.served)
                receiver.served += 1
                receiver.posts.put(Post(self.path, {name.lower(): text for name, text in self.headers.items()}, raw))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.server_bind()
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def next(self) -> Post:
        """Return the next request, in the order in which they came."""
        return self.posts.get(timeout=PATIENCE)

    def nothing_came(self) -> bool:
        """Whether no request is left."""
        try:
            self.posts.get_nowait()
        except Empty:
            return True
        return False

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @contextmanager
    def running(self) -> Iterator["WebReceiver"]:
        self._server.server_activate()
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Mailbox:
    def __init__(self, refused: tuple[str, ...], *, full: bool) -> None:
        self.mails: SimpleQueue[tuple[EmailMessage, Session, Envelope]] = SimpleQueue()
        self._refused = refused
        self._full = full

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address in self._refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._full:
            return "552 no room"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.put((mail, session, envelope))
        return "250 OK"


class MailReceiver:
    """A mail server: in the clear, with STARTTLS, or with TLS from the first byte; with a login or without."""

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        password: bytes = b"",
        refused: tuple[str, ...] = (),
        full: bool = False,
    ) -> None:
        self._box = _Mailbox(refused, full=full)

        def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
            is_right = isinstance(data, LoginPassword) and data.password == password
            return AuthResult(success=is_right, handled=False)

        self._tls = tls
        self._sessions: list[SMTP] = []

        def make() -> SMTP:
            one = SMTP(
                self._box,
                hostname="mail.example",
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=authenticate,
                auth_required=bool(password),
                auth_require_tls=tls is None,
                loop=self._loop,
            )
            self._sessions.append(one)
            return one

        self._make = make
        self._loop = asyncio.new_event_loop()
        self.port = 0

    def next(self) -> tuple[EmailMessage, Session, Envelope]:
        """Return the next mail, what the session knows, and who it is for."""
        return self._box.mails.get(timeout=PATIENCE)

    @contextmanager
    def running(self) -> Iterator["MailReceiver"]:
        listening = self._loop.create_server(self._make, "127.0.0.1", 0, ssl=self._tls)
        server = self._loop.run_until_complete(listening)
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.run_until_complete(self._close(server))
            self._loop.close()

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for one in self._sessions:
            if one.transport:
                one.transport.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the next turns of the loop
