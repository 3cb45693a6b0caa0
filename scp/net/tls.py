"""TLS as PS3.15 Annex B requires it (the BCP 195 profiles, RFC 9325), with certificates of the node and of peers.

What is wrong with certificates and keys is found before anything listens, by a handshake with ourselves in memory. A
handshake with a peer runs in the thread of its association and has a deadline. What fails there is described in words
from a table, because a peer's own bytes may be anything.
"""

import hashlib
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from scp.config import TLS, ConfigurationError, Problem
from scp.observe.lines import certificates_kept, certificates_loaded

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CLIENTS: Final = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
"""For TLS 1.2: forward secrecy and authenticated encryption. RFC 9325 §4.1 advises against finite-field DHE."""
_OPTIONS: Final = (
    ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
    # Sessions are kept in the context, and lost with it, not in tickets that peers keep; see also _SESSIONS.
    | ssl.OP_NO_TICKET
    # A peer may close without close_notify, and can still be answered; A-RELEASE says that nothing is missing.
    | ssl.OP_IGNORE_UNEXPECTED_EOF
)  # fmt: skip
_SESSIONS: Final = 200
"""How many sessions of TLS 1.2 a context may keep. OpenSSL would keep 20,000 for hours, each with the certificate of
its client (11 kB), and the ssl module cannot set fewer; so a context that is full is replaced by a new one."""
_IGNORE_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, for which the ssl module has no name

_REASONS: Final = {
    "UNSUPPORTED_PROTOCOL": "no version of TLS in common",
    "NO_SHARED_CIPHER": "no cipher suite in common",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no client certificate",
    "CERTIFICATE_VERIFY_FAILED": "client certificate not trusted",
    "HTTP_REQUEST": "not TLS",
    "HTTPS_PROXY_REQUEST": "not TLS",
    "WRONG_VERSION_NUMBER": "not TLS",
    "UNEXPECTED_EOF_WHILE_READING": "connection closed",
}
_ALERTS: Final = ("TLSV1_ALERT_", "SSLV3_ALERT_", "TLSV13_ALERT_")


class HandshakeFailed(Exception):
    """The handshake failed; ``reason`` is one of a few texts, ``detail`` is OpenSSL's own name of the error, if any."""

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Secured:
    """The result of a handshake. ``subject`` is the common name of the client certificate, ``fingerprint`` its SHA-256.

    The fingerprint is in hexadecimal digits. Without a client certificate, both are None.
    """

    version: str
    cipher: str
    subject: str | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class _Files:
    """The contents of the PEM files. Without ``client_ca``, peers are not asked for a certificate."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


@dataclass(slots=True)
class _Loaded:
    """Certificates in use; ``ends`` is when that of the node expires, in seconds since 1970.

    A full ``context`` is replaced in this object, not in a new one, which could displace what a reload loads meanwhile.
    """

    files: _Files
    context: ssl.SSLContext
    subject: str | None
    ends: float


class Endpoint:
    """The node's end of every TLS connection, with certificates that can be renewed while it runs."""

    def __init__(self, settings: TLS) -> None:
        """Read the certificates. Raises ConfigurationError with everything that is wrong with them."""
        self.settings = settings
        self._loaded = _load(settings)

    def tell(self) -> None:
        """Log which certificate is in use, and when it expires."""
        certificates_loaded(self._loaded.subject, self._loaded.ends, is_over=self._loaded.ends < time.time())

    @property
    def context(self) -> ssl.SSLContext:
        """The context for new connections. Sessions of contexts from before a reload cannot be resumed with it."""
        loaded = self._loaded
        if loaded.context.session_stats()["number"] >= _SESSIONS:
            with suppress(OSError):  # no descriptor is free: the next connection tries again
                loaded.context = _context(self.settings, loaded.files)
        return loaded.context

    def reload(self, settings: TLS | None = None) -> None:
        """Read the certificates again, with other ``settings`` if they are given, for new connections.

        If anything is wrong, nothing changes, and the problems are logged.
        """
        wanted = settings or self.settings
        try:
            loaded = _load(wanted)
        except ConfigurationError as error:
            certificates_kept([str(problem) for problem in error.problems])
        else:
            self.settings, self._loaded = wanted, loaded
            self.tell()

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """Put TLS around an accepted connection; use only the returned socket from then on. Raises HandshakeFailed."""
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError):
            raise HandshakeFailed("connection closed") from None

    def handshake(self, sock: ssl.SSLSocket, seconds: float) -> Secured:
        """Shake hands with the peer, in so many ``seconds`` altogether. Raises HandshakeFailed."""
        try:
            sock.settimeout(seconds)
            sock.do_handshake()
            return _secured(sock)
        except (OSError, ValueError) as error:
            raise _failure(error) from None


def close_notify(sock: socket.socket) -> None:
    """Tell the peer that nothing more will be sent (RFC 8446 §6.1), without waiting for the same from it."""
    if isinstance(sock, ssl.SSLSocket):
        seconds = sock.gettimeout()
        with suppress(OSError, ValueError):
            sock.settimeout(0)
            sock.unwrap()
        with suppress(OSError):
            sock.settimeout(seconds)


def shut(sock: socket.socket, how: int) -> None:
    """Shut down one or both directions of the TCP connection, and leave TLS in place.

    SSLSocket's own method would drop TLS at once, even while another thread uses it.
    """
    with suppress(OSError):
        socket.socket.shutdown(sock, how)


def _secured(sock: ssl.SSLSocket) -> Secured:
    der = sock.getpeercert(binary_form=True)
    cipher = sock.cipher()
    return Secured(
        version=sock.version() or "",
        cipher=cipher[0] if cipher else "",
        subject=_common_name(sock.getpeercert()),
        fingerprint=hashlib.sha256(der).hexdigest() if der else None,
    )


def _common_name(certificate: Any) -> str | None:
    """Return the most specific common name of what ``getpeercert`` returned."""
    parts = [part for name in (certificate or {}).get("subject", ()) for part in name]
    return next((value for key, value in reversed(parts) if key == "commonName"), None)


def _failure(error: Exception) -> HandshakeFailed:
    if isinstance(error, TimeoutError):
        return HandshakeFailed("no handshake in time")
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return HandshakeFailed("connection closed")
    word = error.reason or ""
    detail = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else word.lower()
    if word.startswith(_ALERTS):
        return HandshakeFailed("refused by the peer", detail)
    return HandshakeFailed(_REASONS.get(word, "handshake failed"), detail or None)


def _load(settings: TLS) -> _Loaded:
    """Read the files that the settings name. Raises ConfigurationError with everything that is wrong with them."""
    wants_clients = settings.client_certificates != "none"
    problems = [
        *_trouble("certificate", settings.certificate, _certificates_in),
        *_trouble("key", settings.key, Path.read_bytes),
        *(_trouble("client_ca", settings.client_ca, _certificates_in) if wants_clients else ()),
    ]
    if settings.calling_ae_titles and not wants_clients:
        problems.append(Problem("[tls.calling_ae_titles]", 'needs client_certificates = "optional" or "required"'))
    if problems:
        raise ConfigurationError(problems)
    own = _Files(settings.certificate.read_bytes(), settings.key.read_bytes())
    files = replace(own, client_ca=settings.client_ca.read_bytes()) if wants_clients else own
    if problems := [*_trouble("key", settings.key, lambda _: _context(settings, own))]:
        raise ConfigurationError(problems)
    shown = _rehearse(_context(settings, own), own, settings.certificate)
    return _Loaded(files, _context(settings, files), _common_name(shown), ssl.cert_time_to_seconds(shown["notAfter"]))


def _context(settings: TLS, files: _Files) -> ssl.SSLContext:
    """Make the context for the settings and files. Raises ssl.SSLError or _ProtectedKey if the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum_version]
    context.options |= _OPTIONS
    context.num_tickets = 0
    context.set_ciphers(_SUITES)
    with _named(files.certificate) as certificate, _named(files.key) as key:
        context.load_cert_chain(certificate, key, _no_password)
    if files.client_ca is not None:
        with _named(files.client_ca) as client_ca:
            context.load_verify_locations(client_ca)
        context.verify_mode = _CLIENTS[settings.client_certificates]
    return context


@contextmanager
def _named(content: bytes) -> Iterator[str]:
    """Yield a path at which OpenSSL can open the content: in memory, so that a key is not written to a disk."""
    with os.fdopen(os.memfd_create("pem"), "wb", buffering=0) as file:
        file.write(content)
        yield f"/proc/self/fd/{file.fileno()}"


def _trouble(name: str, path: Path, read: Callable[[Path], object]) -> Iterator[Problem]:
    """Yield a problem if ``read`` fails for a file."""
    try:
        read(path)
    except ssl.SSLError as error:
        wanted = "private key" if name == "key" else "certificate"
        fault = _FAULTS.get(error.reason or "", f"holds no {wanted} in PEM form")
        yield Problem(f"[tls] {name}", f"{path} {fault}")
    except _ProtectedKey:
        yield Problem(f"[tls] {name}", f"{path} is protected by a password, which nobody could enter: store it without")
    except OSError as error:
        yield Problem(f"[tls] {name}", f"{path} cannot be read: {error.strerror}")


_FAULTS: Final = {
    "KEY_VALUES_MISMATCH": "is not the key of the certificate",
    "KEY_TYPE_MISMATCH": "is not the key of the certificate",
    "NO_CERTIFICATE_ASSIGNED": "is not the key of the certificate",
    "EE_KEY_TOO_SMALL": "is too short a key to be safe",
    "CA_KEY_TOO_SMALL": "belongs to a chain with a key that is too short to be safe",
    "CA_MD_TOO_WEAK": "belongs to a chain with a signature that is too weak to be safe",
}


class _ProtectedKey(Exception):
    """OpenSSL asks for a password."""


def _certificates_in(path: Path) -> None:
    path.read_bytes()  # raises what OpenSSL does not tell: that it is a folder, or may not be read
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)


def _no_password() -> str:
    raise _ProtectedKey


def _rehearse(context: ssl.SSLContext, files: _Files, path: Path) -> dict[str, Any]:
    """Shake hands with ourselves, and return our certificate as a peer sees it. Raises ConfigurationError."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    with _named(files.certificate) as certificate:
        client.load_verify_locations(certificate)
    # Here our certificate is trusted, whoever issued it, and even if expired, of which log and peers tell.
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _IGNORE_TIME
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there), context.wrap_bio(there, back, server_side=True)
    try:
        for _ in range(3):  # as many flights as TLS 1.2 needs
            for end in ends:
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        return dict(ends[0].getpeercert() or {})
    except (ssl.SSLError, ValueError) as error:
        what = getattr(error, "verify_message", None) or getattr(error, "reason", None) or "handshake failed"
        raise ConfigurationError(
            [Problem("[tls] certificate", f"{path} cannot be used for a server: {what}")]
        ) from None
