"""The metrics of the real node, fed by real senders: they say what the log and the ledger say."""

import socket
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.wire.clients import storescu
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import ct, write_file
from tests.wire.peer import Peer

CONSOLE = "[console]\nenabled = true\nport = 0\n"


def scrape(node: NodeProcess) -> Mapping[tuple[str, ...], float]:
    """Return every sample, by its name and the values of its labels."""
    (line,) = node.wait_for("console_ready")
    with urllib.request.urlopen(f"http://127.0.0.1:{line['port']}/metrics", timeout=30) as response:
        text = response.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_say_what_was_sent_and_what_became_of_it(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node(CONSOLE)
    started = time.monotonic()
    (tmp_path / "files").mkdir()
    instances = [ct(1), ct(2), ct(2, WindowCenter="77")]
    files = [write_file(tmp_path / "files", one) for one in instances]
    assert storescu(node.port, files, "-aet", "CT7").statuses == ["0000", "0000", "C111"]
    node.wait_for("association_closed")
    with Peer.of(node.port, ct(3), calling="MR1") as peer:
        assert peer.store(ct(3)).status == "0000"
        found = scrape(node)
        assert found["auditscp_associations",] == 1
        assert found["auditscp_associations_opened_total",] == 2
    assert found["auditscp_instances_total", "CT7", "accept"] == 2
    assert found["auditscp_instances_total", "CT7", "refuse"] == 1
    assert found["auditscp_received_bytes_total", "CT7"] == sum(len(one.data) for one in instances)
    assert found["auditscp_findings_total", "DUP-004", "refuse"] == 1
    assert found["auditscp_associations_closed_total", "released"] == 1
    assert found["auditscp_quarantine_objects",] == 1
    assert found["auditscp_healthy",] == 1
    for step in ("receive", "sync", "judge", "admit", "place", "respond"):
        assert found["auditscp_step_seconds_count", step] >= 3
        assert 0 < found["auditscp_step_seconds_sum", step] < time.monotonic() - started, "in seconds"


def test_a_connection_that_was_not_let_in_is_counted_with_its_reason(start_node: StartNode) -> None:
    node = start_node(CONSOLE)
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert peer.recv(1), "it is aborted, and counted before that"
    (told,) = node.wait_for("association_rejected")
    found = scrape(node)
    assert found["auditscp_associations_rejected_total", told["reason"]] == 1
    assert found["auditscp_associations_opened_total",] == 0
