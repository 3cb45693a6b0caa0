"""Certificates are checked before anything listens, renewed while it runs, and handshakes have few ends."""

import hashlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from scp.config import TLS, ConfigurationError
from scp.net import tls
from scp.net.tls import Endpoint, HandshakeFailed, Secured, close_notify, shut
from tests.certificates import Authority, Holder, protected, weak


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def node(authority: Authority) -> Holder:
    return authority.issue("node")


def settings(holder: Holder, **changes: Any) -> TLS:
    return TLS.model_validate({"enabled": True, "certificate": holder.certificate, "key": holder.key} | changes)


def problems(settings: TLS) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        Endpoint(settings)
    return [str(problem) for problem in caught.value.problems]


def meet(endpoint: Endpoint, talk: Callable[[socket.socket], object], seconds: float = 30.0) -> Secured:
    """Let a client talk to the endpoint from another thread; return what was settled, or raise why not."""
    here, there = socket.socketpair()

    def client() -> None:
        with there, suppress(OSError):  # what the client sees of a failure is not looked at here
            talk(there)

    thread = threading.Thread(target=client)
    thread.start()
    try:
        with endpoint.wrap(here) as wrapped:
            return endpoint.handshake(wrapped, seconds)
    finally:
        thread.join()


def greeting(context: ssl.SSLContext) -> Callable[[socket.socket], object]:
    def talk(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_hostname="localhost") as wrapped:
            wrapped.recv(1)

    return talk


def test_a_handshake_settles_version_suite_and_certificate(authority: Authority, node: Holder) -> None:
    modality = authority.issue("ct1.example")
    endpoint = Endpoint(settings(node, client_certificates="required", client_ca=authority.certificate))
    secured = meet(endpoint, greeting(authority.client(modality)))
    assert (secured.version, secured.subject) == ("TLSv1.3", "ct1.example")
    assert secured.fingerprint == modality.fingerprint
    assert secured.cipher.startswith("TLS_")


def test_without_client_certificate_nothing_is_known_of_the_peer(authority: Authority, node: Holder) -> None:
    secured = meet(Endpoint(settings(node)), greeting(authority.client()))
    assert (secured.subject, secured.fingerprint) == (None, None)


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"])
def test_the_suites_of_the_profile_are_spoken_in_tls_1_2(authority: Authority, node: Holder, suite: str) -> None:
    client = authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(suite)
    secured = meet(Endpoint(settings(node)), greeting(client))
    assert (secured.version, secured.cipher) == ("TLSv1.2", suite)


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256"])
def test_suites_without_forward_secrecy_or_authenticated_encryption_are_not(
    authority: Authority, node: Holder, suite: str
) -> None:
    client = authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(suite)
    with pytest.raises(HandshakeFailed, match="no cipher suite in common"):
        meet(Endpoint(settings(node)), greeting(client))


def test_an_older_version_than_the_minimum_is_refused(authority: Authority, node: Holder) -> None:
    client = authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(HandshakeFailed, match="no version of TLS in common"):
        meet(Endpoint(settings(node, minimum_version="1.3")), greeting(client))


def resumed(context: ssl.SSLContext, client: ssl.SSLContext, last: ssl.SSLSession | None) -> ssl.SSLObject:
    """Return the client's end of a connection that was begun and ended as it should be."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(back, there, server_hostname="localhost", session=last),
        context.wrap_bio(there, back, server_side=True),
    )
    for _ in range(3):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    for end in (*ends, *ends):
        with suppress(ssl.SSLWantReadError, ssl.SSLSyscallError):
            end.unwrap()
    return ends[0]


def test_sessions_are_not_resumed_after_a_reload(authority: Authority, node: Holder) -> None:
    endpoint = Endpoint(settings(node))
    client = authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    first = resumed(endpoint.context, client, None)
    assert resumed(endpoint.context, client, first.session).session_reused
    endpoint.reload()
    assert not resumed(endpoint.context, client, first.session).session_reused


def test_few_sessions_are_remembered_and_whoever_comes_later_is_asked_for_the_same(
    authority: Authority, node: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.net.tls._SESSIONS", 5)
    endpoint = Endpoint(settings(node, client_certificates="required", client_ca=authority.certificate))
    client = authority.client(authority.issue("ct2.example"))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    remembered = []
    for _ in range(12):
        assert meet(endpoint, greeting(client)).subject == "ct2.example"
        resumed(endpoint.context, client, None)
        remembered.append(endpoint.context.session_stats()["number"])
    assert 0 < max(remembered) < 5
    with pytest.raises(HandshakeFailed, match="no client certificate"):
        meet(endpoint, greeting(authority.client()))


def test_what_a_reload_loads_stays_though_the_sessions_were_too_many_just_then(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, newer = authority.issue("first.example"), authority.issue("second.example")
    endpoint = Endpoint(settings(holder))
    client = authority.client()
    client.check_hostname = False
    monkeypatch.setattr("scp.net.tls._SESSIONS", 0)
    make, reloads = tls._context, iter([endpoint.reload])

    def reload_meanwhile(*given: Any) -> ssl.SSLContext:
        made = make(*given)
        for reload in reloads:
            reload()
        return made

    holder.certificate.write_bytes(newer.certificate.read_bytes())
    holder.key.write_bytes(newer.key.read_bytes())
    monkeypatch.setattr("scp.net.tls._context", reload_meanwhile)
    assert endpoint.context
    der = resumed(endpoint.context, client, None).getpeercert(binary_form=True)
    assert der == ssl.PEM_cert_to_DER_cert(newer.certificate.read_text())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not TLS"),
        (struct.pack(">BxI", 1, 68) + bytes(68), "not TLS"),
        (b"", "connection closed"),
        (b"\x16\x03\x01", "connection closed"),
    ],
)
def test_what_is_no_handshake_is_named(node: Holder, said: bytes, reason: str) -> None:
    with pytest.raises(HandshakeFailed) as caught:
        meet(Endpoint(settings(node)), lambda sock: sock.sendall(said))
    assert caught.value.reason == reason


def test_a_client_that_does_not_trust_the_node_is_named(node: Holder) -> None:
    with pytest.raises(HandshakeFailed) as caught:
        meet(Endpoint(settings(node)), greeting(ssl.create_default_context()))
    assert (caught.value.reason, caught.value.detail) == ("refused by the peer", "tlsv1_alert_unknown_ca")


def test_a_silent_client_meets_the_deadline(node: Holder) -> None:
    here, there = socket.socketpair()
    endpoint = Endpoint(settings(node))
    with there, endpoint.wrap(here) as wrapped, pytest.raises(HandshakeFailed, match="no handshake in time"):
        endpoint.handshake(wrapped, 0.05)


def test_a_handshake_can_be_ended_from_another_thread(node: Holder) -> None:
    here, there = socket.socketpair()
    endpoint = Endpoint(settings(node))
    with there, endpoint.wrap(here) as wrapped:
        shut(wrapped, socket.SHUT_RD)
        with pytest.raises(HandshakeFailed, match="connection closed"):
            endpoint.handshake(wrapped, 30)


def test_what_is_said_after_reading_was_shut_is_still_encrypted(authority: Authority, node: Holder) -> None:
    here, there = socket.socketpair()
    endpoint, heard = Endpoint(settings(node)), list[bytes]()

    def client() -> None:
        with authority.client().wrap_socket(there, server_hostname="localhost") as wrapped:
            heard.append(wrapped.recv(100))
            heard.append(wrapped.recv(100))

    thread = threading.Thread(target=client)
    thread.start()
    with endpoint.wrap(here) as wrapped:
        endpoint.handshake(wrapped, 30)
        shut(wrapped, socket.SHUT_RD)
        assert wrapped.recv(1) == b""
        wrapped.sendall(b"the last word")
        close_notify(wrapped)
    thread.join()
    assert heard == [b"the last word", b""]


def test_missing_files_are_all_told(tmp_path: Path) -> None:
    absent = {name: tmp_path / name for name in ("certificate", "key", "client_ca")}
    found = problems(TLS.model_validate({"enabled": True, "client_certificates": "required", **absent}))
    assert found == [f"[tls] {name}: {tmp_path / name} cannot be read: No such file or directory" for name in absent]


def test_a_folder_in_place_of_a_file_is_told(node: Holder, tmp_path: Path) -> None:
    assert problems(settings(node, certificate=tmp_path)) == [
        f"[tls] certificate: {tmp_path} cannot be read: Is a directory"
    ]


def test_files_that_are_something_else_are_told(authority: Authority, node: Holder, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("nothing")
    assert problems(settings(node, certificate=text)) == [f"[tls] certificate: {text} holds no certificate in PEM form"]
    assert problems(settings(node, key=text)) == [f"[tls] key: {text} holds no private key in PEM form"]
    assert problems(settings(node, key=node.certificate)) == [
        f"[tls] key: {node.certificate} holds no private key in PEM form"
    ]
    assert problems(settings(node, client_certificates="optional", client_ca=text)) == [
        f"[tls] client_ca: {text} holds no certificate in PEM form"
    ]


def test_the_key_of_another_certificate_is_told(authority: Authority, node: Holder) -> None:
    other = authority.issue("other")
    assert problems(settings(node, key=other.key)) == [f"[tls] key: {other.key} is not the key of the certificate"]


def test_a_key_with_a_password_is_told_and_nobody_is_asked(node: Holder) -> None:
    (found,) = problems(settings(node, key=protected(node.key)))
    assert "is protected by a password" in found


def test_a_key_that_is_too_short_is_told(tmp_path: Path) -> None:
    (found,) = problems(settings(weak(tmp_path)))
    assert "is too short a key to be safe" in found


def test_a_certificate_that_is_for_clients_only_is_told(authority: Authority) -> None:
    (found,) = problems(settings(authority.issue("clients-only", usage="clientAuth")))
    assert "cannot be used for a server" in found


def test_ae_titles_of_certificates_need_certificates(node: Holder) -> None:
    assert problems(settings(node, calling_ae_titles={"ct1": ["CT1"]})) == [
        '[tls.calling_ae_titles]: needs client_certificates = "optional" or "required"'
    ]


def test_an_expired_certificate_is_told_but_does_not_stop_the_node(authority: Authority) -> None:
    endpoint = Endpoint(settings(authority.issue("expired", days=-1)))
    with capture_logs() as lines:
        endpoint.tell()
    (line,) = lines
    assert (line["event"], line["log_level"], line["certificate_subject"]) == (
        "certificate_expired",
        "warning",
        "expired",
    )


def test_a_new_certificate_is_shown_after_a_reload(authority: Authority, tmp_path: Path) -> None:
    used = Holder(tmp_path / "used.pem", tmp_path / "used.key")
    old, new = authority.issue("old"), authority.issue("new")
    replace(used, old)
    endpoint = Endpoint(settings(used))
    replace(used, new)
    assert shown(endpoint, authority) == old.fingerprint
    with capture_logs() as lines:
        endpoint.reload()
    assert shown(endpoint, authority) == new.fingerprint
    assert [(line["event"], line["certificate_subject"]) for line in lines] == [("certificates_loaded", "new")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", lines[0]["expires"])


def test_a_reload_of_what_cannot_be_used_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    used = Holder(tmp_path / "used.pem", tmp_path / "used.key")
    old = authority.issue("old")
    replace(used, old)
    endpoint = Endpoint(settings(used))
    used.certificate.write_bytes(authority.issue("new").certificate.read_bytes())
    with capture_logs() as lines:
        endpoint.reload()
    assert shown(endpoint, authority) == old.fingerprint
    assert [line["event"] for line in lines] == ["certificates_kept"]
    assert lines[0]["problems"] == [f"[tls] key: {used.key} is not the key of the certificate"]


def replace(used: Holder, by: Holder) -> None:
    used.certificate.write_bytes(by.certificate.read_bytes())
    used.key.write_bytes(by.key.read_bytes())


def shown(endpoint: Endpoint, authority: Authority) -> str:
    """Return the fingerprint of the certificate that a client gets to see."""
    seen = list[bytes | None]()

    def talk(sock: socket.socket) -> None:
        with authority.client().wrap_socket(sock, server_hostname="localhost") as wrapped:
            seen.append(wrapped.getpeercert(binary_form=True))

    meet(endpoint, talk)
    (der,) = seen
    assert der is not None
    return hashlib.sha256(der).hexdigest()
