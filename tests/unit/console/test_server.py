"""The console listens where it is told, speaks HTTPS if it is told, and stops."""

import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from scp.config import ConfigurationError, Settings
from scp.console.desk import Desk
from scp.console.views import now as now_view
from scp.wiring import check_console, console_of, make_node
from tests.certificates import Authority
from tests.unit.console.consoles import USERS, consoled, sign_in


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"), consoled(tmp_path, port=taken.getsockname()[1]):
            pass


def test_it_is_gone_when_stopped(tmp_path: Path) -> None:
    with consoled(tmp_path) as one, one.client() as client:
        assert client.get("/healthz").status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(one.url, trust_env=False)
    one.console.stop()


def test_it_listens_on_ipv6(tmp_path: Path) -> None:
    with consoled(tmp_path, host="::1") as one, one.client() as client:
        assert client.get("/healthz").status_code == 200


def test_there_is_none_unless_it_is_enabled(tmp_path: Path) -> None:
    node = make_node(Settings.model_validate({"storage": {"folder": str(tmp_path), "reserve_bytes": 0}}))
    assert console_of(node) is None
    node.close()


@pytest.mark.parametrize(
    "console",
    [{"host": "0.0.0.0"}, {"names": ["pacs.example"]}, {"tls": True}, {"tls": True, "host": "0.0.0.0", **USERS}],
)
def test_what_would_let_in_anybody_or_lacks_a_certificate_is_found_before_the_start(console: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        check_console(Settings.model_validate({"console": {"enabled": True, **console}}))
    check_console(Settings.model_validate({"console": console}))


def test_https_has_a_cookie_of_its_own_and_takes_new_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    holder, newer = authority.issue("first"), authority.issue("second")
    tls = {"certificate": str(holder.certificate), "key": str(holder.key)}
    with consoled(tmp_path / "data", {"tls": tls}, tls=True, **USERS) as one:
        url = one.url.replace("127.0.0.1", "localhost")
        with httpx.Client(base_url=url, verify=authority.client(), trust_env=False) as client:
            assert sign_in(client).status_code == 303
            assert client.get("/").status_code == 200
            (cookie,) = client.cookies.jar
            assert (cookie.name, cookie.secure) == ("__Host-auditscp", True)
            assert client.get("/").headers["strict-transport-security"]
        assert shown(url, authority) == "first"
        holder.certificate.write_bytes(newer.certificate.read_bytes())
        one.console.renew()
        assert shown(url, authority) == "first"
        holder.key.write_bytes(newer.key.read_bytes())
        one.console.renew()
        assert shown(url, authority) == "second"
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert not sock.recv(1000).startswith(b"HTTP")


def answers(url: str, **options: Any) -> bool:
    """Whether a page comes, once the console has noticed that another connection is gone."""
    with httpx.Client(trust_env=False, **options) as client:
        for _ in range(500):
            with suppress(httpx.TransportError):
                return client.get(url).status_code == 200
            time.sleep(0.02)
    return False


def shown(url: str, authority: Authority) -> str:
    """Return the common name of the certificate that is shown."""
    context = authority.client()
    port = int(url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port)) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secured,
    ):
        certificate: Any = secured.getpeercert()
    return next(str(value) for part in certificate["subject"] for key, value in part if key == "commonName")


ASKED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PART_OF_A_FORM = (
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 9\r\n\r\nname="
)


@pytest.mark.parametrize(
    "said", [ASKED, PART_OF_A_FORM, b"", b"GET"], ids=["nothing more", "a body", "nothing", "part"]
)
def test_connections_are_bounded_and_who_waits_for_most_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("scp.console.server._CONNECTIONS", 3)
    with consoled(tmp_path) as one, ExitStack() as open_ones:
        port = int(one.url.rpartition(":")[2])

        def connect(address: str) -> socket.socket:
            return open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 60, (address, 0)))

        def is_served(sock: socket.socket) -> bool:
            sock.sendall(ASKED)
            answer = b""
            while piece := b"" if answer.endswith(b"}") else sock.recv(1000):
                answer += piece
            return answer.startswith(b"HTTP/1.1 200")

        other = connect("127.0.0.9")
        assert is_served(other)
        greedy = [connect("127.0.0.5") for _ in range(2)]
        for sock in greedy:
            if said == ASKED:
                assert is_served(sock)
            else:
                sock.sendall(said)
        assert is_served(connect("127.0.0.7"))
        with suppress(ConnectionResetError):  # over what it said and nobody has read
            assert greedy[0].recv(1000) == b""
        assert is_served(other)


def test_where_all_connections_are_answered_another_one_is_closed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.console.server._CONNECTIONS", 1)
    entered, go_on = threading.Event(), threading.Event()
    health = now_view.health

    def slow(desk: Desk) -> object:
        entered.set()
        go_on.wait(30)
        return health(desk)

    monkeypatch.setattr(now_view, "health", slow)
    with consoled(tmp_path) as one:
        place = "127.0.0.1", int(one.url.rpartition(":")[2])
        with socket.create_connection(place, 30) as asking:
            asking.sendall(ASKED.replace(b"healthz", b"readyz"))
            assert entered.wait(30)
            with socket.create_connection(place, 30) as above:
                assert above.recv(1) == b""
            go_on.set()
            assert asking.recv(1000).startswith(b"HTTP/1.1 200")


def test_silent_tls_handshakes_count_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.server._CONNECTIONS", 2)
    monkeypatch.setattr("scp.console.server._HANDSHAKE_SECONDS", 0.2)
    authority = Authority(tmp_path)
    holder = authority.issue("console")
    tls = {"certificate": str(holder.certificate), "key": str(holder.key)}
    with consoled(tmp_path / "data", {"tls": tls}, tls=True) as one, ExitStack() as open_ones:
        port = int(one.url.rpartition(":")[2])
        silent = [open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(3)]
        assert [sock.recv(1) for sock in silent] == [b""] * 3
        assert answers(f"https://localhost:{port}/healthz", verify=authority.client())
