"""The console of a node in a process of its own: it starts with the node, says where it is, and stops with it."""

import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.certificates import Authority
from tests.wire.clients import pynetdicom_association
from tests.wire.node import NodeProcess
from tests.wire.objects import ct

ON = "[console]\nenabled = true\nport = 0\n"


def url_of(node: NodeProcess, scheme: str = "http", host: str = "127.0.0.1") -> str:
    (ready,) = node.wait_for("console_ready")
    assert ready["host"] == "127.0.0.1"
    return f"{scheme}://{host}:{ready['port']}"


def test_it_shows_associations_in_progress_and_ends_with_the_node(tmp_path: Path) -> None:
    with NodeProcess(tmp_path / "data", ON) as node:
        url = url_of(node)
        instance = ct()
        with pynetdicom_association(node.port, [instance]) as sender:
            sender.store(instance)
            (live,) = httpx.get(f"{url}/api/v1/now", trust_env=False).json()["associations"]
            assert (live["calling_ae_title"], live["received"]) == ("PYNETDICOM", 1)
        assert node.stop() == 0
        assert (node.complaints(), node.stderr) == ([], "")
        with pytest.raises(httpx.TransportError):
            httpx.get(url, trust_env=False)


def test_there_is_none_unless_it_is_enabled(tmp_path: Path) -> None:
    with NodeProcess(tmp_path / "data") as node:
        assert node.lines("console_ready") == []


def test_a_port_that_is_taken_keeps_the_node_from_starting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        node = NodeProcess(tmp_path / "data", f"[console]\nenabled = true\nport = {port}\n")
        node.launch()
        assert node.exit_code() == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in node.stderr


def test_it_is_not_opened_to_others_without_users(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path / "data", ON + 'host = "0.0.0.0"\n')
    node.launch()
    assert node.exit_code() == 2
    assert "[console] host: others can reach 0.0.0.0, and nobody would have to sign in" in node.stderr


def test_a_reload_renews_its_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second = authority.issue("first"), authority.issue("second")
    tls = f'tls = true\n[tls]\ncertificate = "{first.certificate}"\nkey = "{first.key}"\n'
    with NodeProcess(tmp_path / "data", ON + tls) as node:
        url = url_of(node, "https", "localhost")
        assert httpx.get(f"{url}/healthz", verify=authority.client(), trust_env=False).status_code == 200
        first.certificate.write_bytes(second.certificate.read_bytes())
        first.key.write_bytes(second.key.read_bytes())
        node.signal(signal.SIGHUP)
        node.wait_for("certificates_loaded", certificate_subject="second")
        third = authority.issue("third")
        node.configure(f'{ON}tls = true\n[tls]\ncertificate = "{third.certificate}"\nkey = "{third.key}"\n')
        node.signal(signal.SIGHUP)
        node.wait_for("certificates_loaded", certificate_subject="third")
        assert httpx.get(f"{url}/healthz", verify=authority.client(), trust_env=False).status_code == 200
