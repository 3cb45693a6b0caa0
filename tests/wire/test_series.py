"""Whole series: audited when they have become quiet, again when more comes, and after a restart."""

import json
import signal
import subprocess
import sys
from typing import Any

from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess, environment
from tests.wire.objects import ct
from tests.wire.peer import Peer

QUICK = "[series]\nquiet_seconds = 0.3\n"


def store(node: NodeProcess, *numbers: int, **changes: Any) -> None:
    """Send slices of a series over an association of their own."""
    instances = [ct(number, **changes) for number in numbers]
    with Peer.of(node.port, *instances) as peer:
        for instance in instances:
            peer.store(instance)


def test_a_hole_is_told_of_when_a_series_is_quiet_and_forgotten_when_it_is_filled(start_node: StartNode) -> None:
    node = start_node(QUICK)
    store(node, 1, 2, 3, 6, 7)
    (line,) = node.wait_for("series", instances=5)
    assert (line["verdict"], line["codes"]) == ("attention", {"SER-305": 1})
    assert line["series_instance_uid"] == "1.2.826.0.1.1.1"
    holes = node.rows("SELECT message FROM series_finding WHERE code = 'SER-305' AND closed IS NULL")
    assert [row["message"] for row in holes] == [
        "2 slices missing between Instance Number 3 (z 7.5) and 6 (z 15), step 2.5 mm"
    ]
    store(node, 4, 5)
    (line,) = node.wait_for("series", instances=7)
    assert (line["verdict"], line["codes"]) == ("consistent", {})
    told = node.lines("series")
    assert sum(line["opened"] for line in told) == sum(line["closed"] for line in told) > 0
    assert node.rows("SELECT message FROM series_finding WHERE closed IS NULL") == []


def test_a_refused_instance_makes_its_series_contradictory(start_node: StartNode) -> None:
    node = start_node(QUICK)
    store(node, 1, 2, 3)
    store(node, 4, Modality="MR")
    (line,) = node.wait_for("series", verdict="contradictory")
    assert line["refused"] == {"ENT-203": 1}


def test_what_was_not_quiet_before_a_crash_is_audited_after_it(start_node: StartNode) -> None:
    node = start_node("[series]\nquiet_seconds = 3600\n")
    store(node, 1, 2, 4, 5)
    node.kill()
    node.configure(QUICK)
    node.start()
    (line,) = node.wait_for("series")
    assert (line["verdict"], line["codes"]) == ("attention", {"SER-305": 1})


def test_the_verb_audits_beside_a_running_node(start_node: StartNode) -> None:
    node = start_node("[series]\nquiet_seconds = 3600\n")
    store(node, 1, 2, 4, 5)
    command = [sys.executable, "-m", "scp", "series", "audit", "1.2.826.0.1.1.1", "--format", "json", "--data"]
    done = subprocess.run([*command, str(node.folder)], capture_output=True, text=True, env=environment(), check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["verdict"] == "attention"
    assert [row["verdict"] for row in node.rows("SELECT verdict FROM series_audit")] == ["attention"]
    store(node, 3)


def test_quiet_seconds_change_with_a_reload(start_node: StartNode) -> None:
    node = start_node("[series]\nquiet_seconds = 3600\n")
    node.configure(QUICK)
    node.signal(signal.SIGHUP)
    node.wait_for("settings_renewed")
    store(node, 1, 2, 3)
    node.wait_for("series", verdict="consistent")
