"""What holds for every request and every response."""

import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from urllib.parse import urlsplit

import httpx
import pytest
import structlog

from scp.console.guard import CONTENT_SECURITY_POLICY, host_of
from tests.unit.console.consoles import PASSWORD, Consoled, consoled, sign_in

FORM = {"content-type": "application/x-www-form-urlencoded"}


def port_of(one: Consoled) -> int:
    port = urlsplit(one.url).port
    assert port
    return port


def raw(one: Consoled, request: bytes) -> bytes:
    """Say some bytes, and return what comes back until the console hangs up."""
    with socket.create_connection(("127.0.0.1", port_of(one)), 30) as sock:
        sock.sendall(request)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    "path", ["/", "/series", "/quarantine", "/senders", "/rules", "/login", "/none", "/api/v1/now", "/healthz"]
)
def test_every_response_forbids_what_it_does_not_need(local: Consoled, path: str) -> None:
    with local.client() as client:
        headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8112", "127.0.0.1.evil.example", "192.0.2.1", "", "[", "0.0.0.0"]
)
def test_a_name_that_is_not_ours_gets_nothing(local: Consoled, host: str) -> None:
    with local.client() as client:
        response = client.get("/api/v1/now", headers={"host": host})
    assert response.status_code in (400, 421)
    assert "ae_title" not in response.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:8112", "127.5.5.5"])
def test_names_of_this_machine_are_ours(local: Consoled, host: str) -> None:
    with local.client() as client:
        assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_names_of_the_configuration_are_ours_and_no_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    users = {"viewers": {"vera": "scrypt:14:" + "00" * 16 + ":" + "00" * 32}}
    with consoled(tmp_path_factory.mktemp("named"), names=["PACS.example"], **users) as one, one.client() as client:
        assert client.get("/healthz", headers={"host": "pacs.example:8112"}).status_code == 200
        assert client.get("/healthz", headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout", "/quarantine", "/api/v1/quarantine/0000000000000/act"])
def test_what_comes_from_another_site_changes_nothing(
    local: Consoled, guarded: Consoled, headers: dict[str, str], path: str
) -> None:
    for one in (local, guarded):
        with one.client() as client:
            response = client.post(path, headers=headers | FORM, content="name=anna&password=" + PASSWORD)
        assert response.status_code == 403
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize("origin", ["null", "http://[", "http://evil.example"])
def test_an_origin_that_is_not_ours_is_refused_as_any_other_request(local: Consoled, origin: str) -> None:
    with local.client() as client:
        response = client.post("/quarantine", headers={"origin": origin})
    assert response.status_code == 403
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_our_own_pages_may_act(guarded: Consoled) -> None:
    with guarded.client(headers={"origin": guarded.url, "sec-fetch-site": "same-origin"}) as client:
        assert sign_in(client).status_code == 303


@pytest.mark.parametrize("length", ["65537", "99999999999999999999"])
def test_a_body_that_says_it_is_large_is_not_read(local: Consoled, length: str) -> None:
    answer = raw(
        local,
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + length.encode() + b"\r\n\r\n",
    )
    assert answer.split(b"\r\n")[0].split()[1] == b"413"


def test_a_body_that_becomes_large_is_not_read_on(local: Consoled) -> None:
    def pieces() -> object:
        for _ in range(20):
            yield b"x" * 8192

    with local.client() as client:
        assert client.post("/login", headers=FORM, content=pieces()).status_code == 413  # type: ignore[arg-type]  # it is
        assert client.post("/api/v1/quarantine/0000000000000/act", json={"act": "x" * 70_000}).status_code == 413


def test_a_body_that_never_ends_is_given_up(local: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.guard._BODY_SECONDS", 0.1)
    answer = raw(
        local,
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nnam",
    )
    assert answer.split(b"\r\n")[0].split()[1] == b"408"


def test_a_body_that_trickles_is_given_up(local: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.guard._BODY_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", port_of(local)), 0.05) as sock:
        sock.sendall(
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 60000\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        answer = b""
        for _ in range(500):
            with suppress(TimeoutError):
                answer = sock.recv(65536)
                break
            with suppress(ConnectionError):  # it may have hung up just now; what it said is still to be read
                sock.sendall(b"x")
    assert answer.startswith(b"HTTP/1.1 408")


def comes_true(holds: Callable[[], bool]) -> bool:
    """Look again and again, for a long time, whether something in another thread holds."""
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_who_leaves_in_mid_body_is_no_page_that_failed(local: Consoled) -> None:
    assert local.console._server
    pages = local.console._server.server_state.tasks
    with structlog.testing.capture_logs() as logged:
        with socket.create_connection(("127.0.0.1", port_of(local)), 30) as sock:
            sock.sendall(
                b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nx"
            )
            assert comes_true(lambda: bool(pages))
        assert comes_true(lambda: not pages)
    assert logged == []


ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED = b"POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "after_the_answer"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: local", b"", id="part of a request"),
        pytest.param(ASKED, b"", id="nothing more"),
        pytest.param(ASKED, b"G", id="part of a second request"),
        pytest.param(ASKED + ASKED, b"G", id="part of a third request, after two at once"),
        pytest.param(REFUSED, b"x", id="part of a body that was answered unread"),
    ],
)
def test_a_connection_that_asks_nothing_or_nothing_more_ends(
    local: Consoled, monkeypatch: pytest.MonkeyPatch, said: bytes, after_the_answer: bytes
) -> None:
    # Who is to be answered first must not be too slow for that.
    monkeypatch.setattr("scp.console.server._REQUEST_SECONDS", 2.0 if after_the_answer else 0.5)
    with socket.create_connection(("127.0.0.1", port_of(local)), 60) as sock:
        sock.sendall(said)
        if after_the_answer:
            answers = b""
            while answers.count(b"}") < said.count(b"\r\n\r\n"):
                piece = sock.recv(65536)
                assert piece, answers
                answers += piece
            sock.sendall(after_the_answer)
        while sock.recv(65536):
            pass
    with local.client() as client:
        assert client.get("/healthz").status_code == 200


def test_a_connection_that_does_not_read_its_answers_ends(local: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.server._UNREAD_SECONDS", 0.5)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", port_of(local)))
        sock.settimeout(60)
        asking = repeat(b"GET /rules HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        with pytest.raises(ConnectionError):
            deque(map(sock.sendall, asking), maxlen=0)


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50), b"A-ASSOCIATE\r\n\r\n", b"\0" * 100]
)
def test_what_is_not_http_is_answered_or_hung_up(local: Consoled, junk: bytes) -> None:
    answer = raw(local, junk + b"\r\n\r\n")
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    with local.client() as client:
        assert client.get("/healthz").status_code == 200


CHUNKED = (
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n"
)


@pytest.mark.parametrize("said", [b"\0" * 100 + b"\r\n\r\n", CHUNKED + b"\r\nno length\r\n"])
def test_what_is_not_http_is_refused_as_any_other_request(local: Consoled, said: bytes) -> None:
    head, _, body = raw(local, said).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    assert status == "HTTP/1.1 400 Bad Request"
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["content-type"] == "application/json"
    assert body == b'{"detail": "Invalid HTTP request received."}'


def test_what_asks_for_headers_alone_and_is_not_http_gets_them_alone(local: Consoled) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = raw(local, CHUNKED.replace(b"POST", b"HEAD") + b"\r\nno length\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert logged == []


@pytest.mark.parametrize(
    ("first", "answered"),
    [(CHUNKED + b"\r\n3\r\nabc\r\n", b""), (CHUNKED + b"Origin: http://evil.example\r\n\r\n", b"HTTP/1.1 403")],
    ids=["being read", "answered unread"],
)
def test_a_body_that_stops_being_http_is_no_page_that_failed(local: Consoled, first: bytes, answered: bytes) -> None:
    assert local.console._server
    pages = local.console._server.server_state.tasks
    with structlog.testing.capture_logs() as logged:
        with socket.create_connection(("127.0.0.1", port_of(local)), 30) as sock:
            sock.sendall(first)
            if answered:
                assert sock.recv(65536).startswith(answered)
            else:
                assert comes_true(lambda: bool(pages))
            sock.sendall(b"no length\r\n")
            while sock.recv(65536):
                pass
        assert comes_true(lambda: not pages)
    assert logged == []


def test_a_page_that_fails_says_nothing_of_why(local: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("PATIENT^NAME")

    monkeypatch.setattr("scp.console.views.now.health", fail)
    with local.client() as client:
        response = client.get("/api/v1/now")
    assert response.status_code == 500
    assert "PATIENT" not in response.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_do_nothing(local: Consoled, method: str) -> None:
    with local.client() as client:
        assert client.request(method, "/series").status_code == 405


@pytest.mark.parametrize(
    ("header", "name"),
    [("A.b:80", "a.b"), ("[::1]:80", "::1"), ("a.b.", "a.b"), ("user@host", "host"), ("[::", ""), ("", "")],
)
def test_hosts(header: str, name: str) -> None:
    assert host_of(header) == name


def test_many_at_a_time_are_told_to_wait_not_dropped(local: Consoled) -> None:
    limits = httpx.Limits(max_connections=40)
    with local.client(limits=limits) as client:
        assert {client.get("/healthz").status_code for _ in range(40)} == {200}
