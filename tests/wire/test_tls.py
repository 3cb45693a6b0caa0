"""TLS against the real node: who gets in, by which certificate, and what a failed handshake costs others."""

import signal
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority, Holder
from tests.wire.clients import dcmtk, storescu
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, large_ct, write_file
from tests.wire.peer import VERIFICATION, HungUpError, Peer, RejectedError

ECHO = [(VERIFICATION, ["1.2.840.10008.1.2"])]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def node_certificate(authority: Authority) -> Holder:
    return authority.issue("node.example")


@pytest.fixture(scope="module")
def modality(authority: Authority) -> Holder:
    return authority.issue("ct1.example")


@pytest.fixture
def start(start_node: StartNode, authority: Authority, node_certificate: Holder) -> Any:
    """Give what starts a node with TLS; ``tls`` is the rest of its section, ``more`` of the file."""

    def start(tls: str = "", more: str = "", holder: Holder = node_certificate) -> NodeProcess:
        return start_node(settings(holder, authority, tls) + more)

    return start


def settings(holder: Holder, authority: Authority, tls: str = "") -> str:
    return (
        f'[tls]\nenabled = true\ncertificate = "{holder.certificate}"\nkey = "{holder.key}"\n'
        f'client_ca = "{authority.certificate}"\n{tls}\n'
    )


def store(node: NodeProcess, instance: Instance, client: ssl.SSLContext, **options: Any) -> str:
    with Peer.of(node.port, instance, tls=client, **options) as peer:
        return peer.store(instance).status


def dcmtk_options(authority: Authority, holder: Holder) -> tuple[str | Path, ...]:
    return ("--enable-tls", holder.key, holder.certificate, "--add-cert-file", authority.certificate)


def test_storescu_stores_over_tls_and_the_log_says_how(
    start: Any, authority: Authority, modality: Holder, tmp_path: Path
) -> None:
    node = start('client_certificates = "required"')
    (tmp_path / "files").mkdir()
    files = [write_file(tmp_path / "files", one) for one in (ct(1), ct(2), large_ct(1, study=2))]
    run = storescu(node.port, files, *map(str, dcmtk_options(authority, modality)))
    assert (run.exit_code, run.statuses) == (0, ["0000", "0000", "0000"])
    (opened,) = node.wait_for("association_opened")
    assert opened["tls_version"] == "TLSv1.3"
    assert opened["tls_cipher"].startswith("TLS_")
    assert opened["certificate_subject"] == "ct1.example"
    assert opened["certificate_fingerprint"] == modality.fingerprint
    (closed,) = node.wait_for("association_closed")
    assert (closed["ending"], closed["accepted"]) == ("released", 3)


def test_echoscu_without_a_certificate_is_welcome_where_none_is_asked_for(start: Any, authority: Authority) -> None:
    node = start()
    run = dcmtk("echoscu", node.port, "--anonymous-tls", "--add-cert-file", authority.certificate)
    assert run.exit_code == 0, run.output
    (opened,) = node.wait_for("association_opened")
    assert opened["certificate_subject"] is None
    assert opened["certificate_fingerprint"] is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_large_objects_arrive_over_either_version(start: Any, authority: Authority, version: ssl.TLSVersion) -> None:
    node, client = start(), authority.client()
    client.minimum_version = client.maximum_version = version
    one, two = large_ct(1), large_ct(2)
    with Peer.of(node.port, one, two, tls=client, max_pdu=131_072) as peer:
        assert [peer.store(one).status, peer.store(two).status] == ["0000", "0000"]


def test_nothing_of_tls_is_in_the_log_of_a_node_in_the_clear(node: NodeProcess) -> None:
    with Peer(node.port, ECHO) as peer:
        peer.echo()
    (opened,) = node.wait_for("association_opened")
    assert not [name for name in opened if name.startswith(("tls", "certificate"))]


def test_a_client_in_the_clear_is_turned_away(start: Any, authority: Authority) -> None:
    node = start()
    with pytest.raises(HungUpError), Peer(node.port, ECHO):
        pass
    (failed,) = node.wait_for("tls_failed")
    assert (failed["address"], failed["reason"]) == ("127.0.0.1", "not TLS")
    assert store(node, ct(), authority.client()) == "0000"


def test_a_client_of_tls_is_turned_away_from_a_node_in_the_clear(node: NodeProcess, authority: Authority) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - what the ssl module makes of it is its own affair
        Peer(node.port, ECHO, tls=authority.client())
    with Peer(node.port, ECHO) as peer:
        assert peer.echo().status == "0000"


def test_silent_clients_hold_nobody_up(start: Any, authority: Authority) -> None:
    node = start()
    silent = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(20)]
    begun = socket.create_connection(("127.0.0.1", node.port))
    begun.sendall(b"\x16\x03\x01\x02\x00")  # a ClientHello that does not come
    assert store(node, ct(), authority.client()) == "0000"
    for one in (*silent, begun):
        one.close()
    node.wait_for("tls_failed", 21, reason="connection closed")


def test_a_silent_client_is_turned_away_at_the_deadline(start: Any) -> None:
    node = start(more="[association]\nacse_timeout = 1\n")
    with socket.create_connection(("127.0.0.1", node.port), 30) as silent:
        assert silent.recv(1) == b""
    node.wait_for("tls_failed", reason="no handshake in time")


def test_a_client_of_tls_1_1_is_turned_away(start: Any, authority: Authority) -> None:
    node, client = start(), authority.client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1_1
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        Peer(node.port, ECHO, tls=client)
    node.wait_for("tls_failed", reason="no version of TLS in common")


def test_a_client_without_a_suite_of_the_profile_is_turned_away(start: Any, authority: Authority) -> None:
    node, client = start(), authority.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("ECDHE-ECDSA-AES256-SHA384")
    with pytest.raises(ssl.SSLError):
        Peer(node.port, ECHO, tls=client)
    node.wait_for("tls_failed", reason="no cipher suite in common")


def turned_away(node: NodeProcess, client: ssl.SSLContext) -> None:
    """Try to associate; in TLS 1.3 a client learns only with its first read that its certificate is not good."""
    with pytest.raises((OSError, HungUpError)), Peer(node.port, ECHO, tls=client):
        pass


def test_where_certificates_are_required_only_good_ones_get_in(
    start: Any, authority: Authority, modality: Holder, tmp_path: Path
) -> None:
    node = start('client_certificates = "required"')
    turned_away(node, authority.client())
    node.wait_for("tls_failed", reason="no client certificate")
    stranger = Authority(tmp_path, "stranger").issue("ct1.example")
    turned_away(node, authority.client(stranger))
    (failed,) = node.wait_for("tls_failed", reason="client certificate not trusted")
    assert failed["detail"] == "unable to get local issuer certificate"
    turned_away(node, authority.client(authority.issue("late", days=-1)))
    node.wait_for("tls_failed", reason="client certificate not trusted", detail="certificate has expired")
    turned_away(node, authority.client(authority.issue("server", usage="serverAuth")))
    node.wait_for("tls_failed", reason="client certificate not trusted", detail="unsuitable certificate purpose")
    assert store(node, ct(), authority.client(modality)) == "0000"
    assert len(node.lines("association_opened")) == 1


def test_a_certificate_stands_for_its_ae_titles_only(start: Any, authority: Authority, modality: Holder) -> None:
    other = authority.issue("mr1.example")
    node = start(
        'client_certificates = "required"\n[tls.calling_ae_titles]\n'
        f'"ct1.example" = ["CT1", "CT2"]\n"{other.fingerprint.upper()}" = ["MR1"]'
    )
    assert store(node, ct(1), authority.client(modality), calling="CT1") == "0000"
    assert store(node, ct(2), authority.client(modality), calling="CT2") == "0000"
    assert store(node, ct(3), authority.client(other), calling="MR1") == "0000"
    unknown = authority.issue("us1.example")
    for holder, title in ((modality, "MR1"), (other, "CT1"), (unknown, "CT1"), (unknown, "US1")):
        with pytest.raises(RejectedError) as caught, Peer(node.port, ECHO, calling=title, tls=authority.client(holder)):
            pass
        assert caught.value.reason == (1, 1, 3)
    assert len(node.wait_for("association_rejected", 4, reason="calling AE title is not one of the certificate")) == 4


def test_whoever_shows_no_certificate_may_not_use_the_titles_of_those_who_do(start: Any, authority: Authority) -> None:
    node = start('client_certificates = "optional"\n[tls.calling_ae_titles]\n"ct1.example" = ["CT1"]')
    assert store(node, ct(), authority.client(), calling="US1") == "0000"
    with pytest.raises(RejectedError) as caught, Peer(node.port, ECHO, calling="CT1", tls=authority.client()):
        pass
    assert caught.value.reason == (1, 1, 3)


def test_a_peer_that_falls_silent_is_aborted_over_tls(start: Any, authority: Authority) -> None:
    node = start(more="[association]\nnetwork_timeout = 3\n")
    with Peer.of(node.port, ct(), tls=authority.client()) as peer:
        peer.send_data(ct().data[:100], context=peer.request(ct()), last=False)
        assert peer.hung_up().aborted
    (closed,) = node.wait_for("association_closed")
    assert (closed["ending"], closed["aborted"]) == ("timeout", 1)


def test_an_idle_peer_is_told_over_tls_that_the_node_stops(start: Any, authority: Authority) -> None:
    node = start()
    with Peer(node.port, ECHO, tls=authority.client()) as peer, socket.create_connection(("127.0.0.1", node.port)):
        assert peer.echo().status == "0000"
        node.signal(signal.SIGTERM)
        assert peer.hung_up().aborted
        assert node.exit_code() == 0


def test_new_certificates_are_used_after_sighup_and_associations_go_on(
    start: Any, authority: Authority, node_certificate: Holder, tmp_path: Path
) -> None:
    used = Holder(tmp_path / "used.pem", tmp_path / "used.key")
    replace(used, node_certificate)
    node = start(holder=used)
    before = Peer.of(node.port, ct(1), tls=authority.client()).associate()
    new = authority.issue("node.renewed")
    replace(used, new)
    node.signal(signal.SIGHUP)
    node.wait_for("certificates_loaded", certificate_subject="node.renewed")
    assert before.store(ct(1)).status == "0000"
    before.release()
    assert shown(node, authority) == new.certificate.read_text()
    used.key.write_bytes(node_certificate.key.read_bytes())
    node.tolerate("certificates_kept")
    node.signal(signal.SIGHUP)
    (kept,) = node.wait_for("certificates_kept")
    assert kept["problems"] == [f"[tls] key: {used.key} is not the key of the certificate"]
    assert shown(node, authority) == new.certificate.read_text()
    assert b"PRIVATE" not in node.output


def test_sighup_does_nothing_to_a_node_in_the_clear(node: NodeProcess) -> None:
    node.signal(signal.SIGHUP)
    node.wait_for("nothing_to_reload")
    with Peer(node.port, ECHO) as peer:
        assert peer.echo().status == "0000"


def test_a_node_does_not_start_without_its_certificates(tmp_path: Path, authority: Authority) -> None:
    absent = Holder(tmp_path / "absent.pem", tmp_path / "absent.key")
    node = NodeProcess(tmp_path / "data", settings(absent, authority))
    node.launch()
    assert node.exit_code() == 2
    assert node.stderr.splitlines() == [
        f"error: [tls] certificate: {absent.certificate} cannot be read: No such file or directory",
        f"error: [tls] key: {absent.key} cannot be read: No such file or directory",
    ]
    assert not (tmp_path / "data").exists()


def replace(used: Holder, by: Holder) -> None:
    used.certificate.write_bytes(by.certificate.read_bytes())
    used.key.write_bytes(by.key.read_bytes())


def shown(node: NodeProcess, authority: Authority) -> str:
    """Return the certificate that a client gets to see, as PEM."""
    plain = socket.create_connection(("127.0.0.1", node.port), 30)
    with authority.client().wrap_socket(plain, server_hostname="localhost") as wrapped:
        der = wrapped.getpeercert(binary_form=True)
    assert der is not None
    return ssl.DER_cert_to_PEM_cert(der)
