"""What an administrator does about refused objects, with the command beside a running node that goes on receiving."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.wire.conftest import StartNode
from tests.wire.node import PATIENCE, NodeProcess, environment
from tests.wire.objects import Instance, ct, data_set_in
from tests.wire.peer import Peer


def store(node: NodeProcess, *instances: Instance, calling: str = "PEER") -> list[str]:
    """Send instances over one association and return the statuses."""
    with Peer.of(node.port, *instances, calling=calling) as peer:
        return [peer.store(instance).status for instance in instances]


def command(node: NodeProcess, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run ``auditscp`` beside a node, and return its exit code and the lines of its result."""
    done = subprocess.run(
        [sys.executable, "-m", "scp", *arguments, "--data", str(node.folder), "--format", "json"],
        capture_output=True, check=False, env=environment(), cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr == b""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_refused_series_is_found_looked_at_replaced_and_what_follows_is_judged_by_it(node: NodeProcess) -> None:
    first, second = [ct(1), ct(2)], [ct(1, PatientID="OTHER"), ct(2, PatientID="OTHER")]
    assert store(node, *first, calling="CT1") == ["0000", "0000"]
    assert store(node, *second, calling="CT2") == ["C116", "C116"]
    code, listed = command(node, "quarantine", "list", "--ae-title", "CT2", "--patient-id", "OTHER", "--since", "1h")
    assert (code, len(listed), {one["codes"][0] for one in listed}) == (0, 2, {"DUP-003"})
    code, results = command(
        node, "quarantine", "replace", "--series", listed[0]["series_instance_uid"], "--reason", "corrected worklist"
    )
    assert (code, [one["outcome"] for one in results]) == (0, ["replaced", "replaced"])
    assert sorted(data_set_in(path) for path in node.archived()) == sorted(one.data for one in second)
    assert sorted(data_set_in(path) for path in node.quarantined()) == sorted(one.data for one in first)
    assert store(node, ct(3)) == ["C132"]
    assert store(node, ct(3, PatientID="OTHER")) == ["0000"]
    assert store(node, *first, *second) == ["C116", "C116", "0000", "0000"]


def test_what_is_released_is_in_the_archive_and_known_after_a_restart(start_node: StartNode) -> None:
    node = start_node()
    refused = ct(1, Modality="")
    assert store(node, refused) == ["A910"]
    (held,) = command(node, "quarantine", "list")[1]
    code, (result,) = command(node, "quarantine", "release", held["receipt"])
    assert (code, result["outcome"], result["codes"]) == (1, "refused", ["REQ-001"])
    code, (result,) = command(node, "quarantine", "release", held["receipt"], "--force", "--reason", "wanted as it is")
    assert (code, result["outcome"]) == (0, "forced")
    assert node.stop() == 0
    node.start()
    assert [line["finished"] + line["failed"] for line in node.lines("recovered")] in ([], [0])
    assert [data_set_in(path) for path in node.archived()] == [refused.data]
    assert store(node, refused) == ["0000"]
    (receipt,) = command(node, "receipts", "--instance", refused.sop_instance_uid, "--outcome", "refuse")[1]
    assert (receipt["receipt"], receipt["state"]) == (held["receipt"], "released")


def test_acts_and_storing_do_not_disturb_each_other(node: NodeProcess) -> None:
    """Nobody is told to try again, and nothing is lost, while a whole study leaves quarantine."""
    bad = [ct(number, study=2, Modality="") for number in range(1, 41)]
    good = [ct(number, study=3) for number in range(1, 121)]
    assert set(store(node, *bad)) == {"A910"}
    statuses: list[str] = []
    sender = threading.Thread(target=lambda: statuses.extend(store(node, *good)), daemon=True)
    sender.start()
    study = command(node, "quarantine", "list", "--limit", "1")[1][0]["study_instance_uid"]
    code, results = command(node, "quarantine", "release", "--study", study, "--force", "--reason", "a phantom")
    sender.join(PATIENCE)
    assert (code, len(results)) == (0, 40)
    assert statuses == ["0000"] * 120
    assert len(node.archived()) == 160
    assert node.quarantined() == []
    assert store(node, *bad[:2], ct(40, study=2, Modality="", PixelData=bytes(32))) == ["0000", "0000", "A910"]


def test_the_report_counts_what_the_node_answered(node: NodeProcess) -> None:
    with Peer.of(node.port, ct(1), calling="CT1") as peer:
        assert [peer.store(one).status for one in (ct(1), ct(1), ct(2, Rows=2, Columns=8))] == ["0000", "0111", "C141"]
    done = subprocess.run(
        [sys.executable, "-m", "scp", "report", "--data", str(node.folder), "--format", "json"],
        capture_output=True, check=True, env=environment(), cwd=Path(__file__).parents[2],
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert (report["totals"]["accept"], report["totals"]["refuse"]) == (1, 2)
    assert {one["code"]: one["refuse"] for one in report["rules"] if one["refuse"]} == {"DUP-001": 1, "STK-251": 1}
    (scanner,) = report["scanners"]
    assert (scanner["manufacturer"], scanner["received"]) == ("Maker", 3)
