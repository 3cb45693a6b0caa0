"""A node that is looked after: its disk, its ledger, and the tools that work beside it while senders send."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import apsw
import pytest
from pydicom import dcmread

from tests.corpus import SERIES
from tests.wire.clients import storescu
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess, environment
from tests.wire.objects import Instance, ct, instance_of, write_file
from tests.wire.peer import Peer
from tests.wire.soundness import assert_files_match

GIB = 1 << 30
PROJECT = Path(__file__).parents[2]


def auditscp(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own."""
    command = [sys.executable, "-m", "scp", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment(), cwd=PROJECT, check=False
    )


def store(node: NodeProcess, *instances: Instance) -> list[str]:
    """Send instances over one association and return the statuses."""
    with Peer.of(node.port, *instances) as peer:
        return [peer.store(instance).status for instance in instances]


@contextmanager
def sending(node: NodeProcess, study: int) -> Iterator[list[str]]:
    """Send slice after slice meanwhile; some are refused. Gives the statuses."""
    statuses: list[str] = []
    stopped = threading.Event()

    def send() -> None:
        with Peer.of(node.port, ct(study=study)) as peer:
            for number in count(1):
                if stopped.is_set():
                    return
                changes = {"Rows": 2, "Columns": 8} if number % 10 == 0 else {}
                statuses.append(peer.store(ct(number, study, **changes)).status)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert node.until(lambda: len(statuses) > 20)
        yield statuses
    finally:
        stopped.set()
        thread.join()


def test_a_running_node_can_be_verified_and_nothing_on_its_way_is_taken_for_a_flaw(node: NodeProcess) -> None:
    with sending(node, 1) as statuses:
        for _ in range(2):
            before = len(statuses)
            done = auditscp("verify", "--data", node.folder)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout
            assert len(statuses) > before
    assert {"0000", "C141"} == set(statuses)


def test_the_ledger_of_a_running_node_can_be_copied(node: NodeProcess, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"
    with sending(node, 1) as statuses:
        before = len(statuses)
        done = auditscp("backup", target, "--data", node.folder)
        assert (done.returncode, done.stderr) == (0, "")
    db = apsw.Connection(str(target))
    assert db.execute("PRAGMA integrity_check").get == "ok"
    receipts = db.execute("SELECT count(*) FROM receipt").get
    stored = db.execute("SELECT count(*) FROM instance").get
    refused = db.execute("SELECT count(*) FROM receipt WHERE kept = 'quarantine'").get
    db.close()
    assert before <= receipts <= len(statuses)
    assert receipts == stored + refused


def test_a_copy_that_was_put_back_serves_and_what_came_after_it_can_be_sent_again(tmp_path: Path) -> None:
    with NodeProcess(tmp_path / "data") as node:
        assert store(node, ct(1)) == ["0000"]
        assert auditscp("backup", tmp_path / "copy", "--data", node.folder).returncode == 0
        assert store(node, ct(2)) == ["0000"]
        node.stop()
        for path in node.folder.glob("ledger.sqlite3*"):
            path.unlink()
        (tmp_path / "copy").rename(node.folder / "ledger.sqlite3")
        assert auditscp("verify", "--data", node.folder).stdout.startswith("unknown     archive/")
        node.start()
        assert store(node, ct(2), ct(2)) == ["0000", "0111"]
        assert_files_match(node)


def test_a_node_in_use_is_not_rebuilt(node: NodeProcess) -> None:
    store(node, ct())
    done = auditscp("rebuild", "--data", node.folder)
    assert done.returncode == 2
    assert "another node (process " in done.stderr


def test_a_node_without_its_ledger_does_not_start_until_it_is_rebuilt(tmp_path: Path) -> None:
    sent = [ct(1), ct(2), ct(3, Rows=2, Columns=8), ct(1, WindowCenter="77")]
    with NodeProcess(tmp_path / "data") as node:
        assert store(node, *sent) == ["0000", "0000", "C141", "C111"]
        node.stop()
        for path in node.folder.glob("ledger.sqlite3*"):
            path.unlink()
        node.launch()
        assert node.exit_code() == 2
        assert "run auditscp rebuild" in node.stderr
        assert auditscp("rebuild", "--data", node.folder).returncode == 0
        node.start()
        assert store(node, *sent) == ["0111", "0111", "C141", "C111"]
        assert len(node.quarantined()) == 2
        assert_files_match(node)


def test_real_series_get_the_same_verdicts_from_a_rebuilt_ledger(tmp_path: Path) -> None:
    """Each real series is stored, contradicted, and the same again over a ledger that was made from its objects."""
    files = [path for series in SERIES for path in series.paths]
    (tmp_path / "other").mkdir()
    others = [write_file(tmp_path / "other", one) for one in contradictions([series.paths for series in SERIES])]
    with NodeProcess(tmp_path / "data") as node:
        first = storescu(node.port, files, "--no-halt")
        assert set(first.statuses) == {"0000"}
        contradicted = verdicts(node, others)
        assert len(contradicted) == len(others)
        assert {status for status, _ in contradicted} > {"C111", "C132", "C131", "0000"}
        node.stop()
        (node.folder / "ledger.sqlite3").unlink()
        done = auditscp("rebuild", "--data", node.folder)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        node.start()
        assert set(storescu(node.port, files, "--no-halt").statuses) == {"0111"}
        expected = [("0111", "DUP-001") if status == "0000" else (status, codes) for status, codes in contradicted]
        kept = node.quarantined()
        assert verdicts(node, others) == expected
        assert node.quarantined() == kept
        assert_files_match(node)


def verdicts(node: NodeProcess, files: Sequence[Path]) -> list[tuple[str, str]]:
    """Send files; return the status and the codes of each, warnings too."""
    before = {row["id"] for row in node.receipts()}
    storescu(node.port, files, "--no-halt")
    codes = node.rows("SELECT receipt, group_concat(code, ' ') AS codes FROM finding GROUP BY receipt")
    of = {row["receipt"]: row["codes"] for row in codes}
    return [(f"{row['status']:04X}", of.get(row["id"], "")) for row in node.receipts() if row["id"] not in before]


def contradictions(series: Sequence[Sequence[Path]]) -> Iterator[Instance]:
    """Give objects that contradict each series in several ways, and one that fits."""
    for number, paths in enumerate(series):
        ways: tuple[dict[str, str], ...] = (
            {"SeriesDescription": "OTHER", "ProtocolName": "OTHER", "WindowCenter": "77"},
            {"PatientID": "SOMEBODY", "PatientName": "Else"},
            {"StudyInstanceUID": f"1.2.826.0.1.78.{number}"},
            {"Modality": "OT"},
            {"FrameOfReferenceUID": "1.2.826.0.1.79"},
            {"InstanceNumber": "1"},
            {},
        )
        for of, way in enumerate(ways):
            ds = dcmread(paths[0])
            if of:
                ds.SOPInstanceUID = f"1.2.826.0.1.77.{number}.{of}"
                ds.InstanceNumber = str(9000 + of)
            for keyword, value in way.items():
                setattr(ds, keyword, value)
            yield instance_of(ds, str(ds.file_meta.TransferSyntaxUID))


# Faults that pass


def free_bytes(path: Path) -> int:
    """Return how much room there is for whoever is not root."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


@pytest.fixture
def ballast(tmp_path: Path) -> Path:
    """Give a file that takes room and no time: so much that nobody else who works on this disk makes a difference.

    Skips the test where that cannot be had.
    """
    path = tmp_path / "ballast"
    size = free_bytes(tmp_path) // 3
    if size < 2 * GIB:
        pytest.skip("there are no 6 GiB free to take some of")
    with path.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, min(size, 8 * GIB))
        except OSError as error:
            pytest.skip(f"room cannot be taken here without writing ({errno.errorcode.get(error.errno or 0)})")
    return path


def test_below_the_reserve_senders_are_told_to_try_again_until_there_is_room(
    start_node: StartNode, ballast: Path
) -> None:
    reserve = free_bytes(ballast) + ballast.stat().st_size // 3
    node = start_node(f"[storage]\nreserve_bytes = {reserve}")
    node.tolerate("node_unhealthy")
    with Peer.of(node.port, ct()) as peer:
        answers = [peer.store(ct(number)) for number in (1, 2, 3)]
    assert [(one.status, one.comment) for one in answers] == [("A700", "cannot store now, try again")] * 3
    (line,) = node.wait_for("node_unhealthy", trouble="space")
    assert "MiB are free, of which" in line["reason"]
    assert node.archived() == []
    ballast.unlink()
    node.wait_for("trouble_over", trouble="space", healthy=True)
    assert store(node, ct(1)) == ["0000"]
    assert len(node.lines("node_unhealthy")) == 1


def test_a_ledger_that_is_taken_away_stops_everything_until_it_is_back(node: NodeProcess, tmp_path: Path) -> None:
    node.tolerate("node_unhealthy")
    assert store(node, ct(1)) == ["0000"]
    ledger, aside = node.folder / "ledger.sqlite3", tmp_path / "aside"
    ledger.rename(aside)
    node.wait_for("node_unhealthy", trouble="gone")
    assert store(node, ct(2)) == ["A700"]
    aside.rename(ledger)
    node.wait_for("trouble_over", trouble="gone")
    assert store(node, ct(2)) == ["0000"]


def test_a_spool_that_is_taken_away_makes_the_node_unhealthy_and_its_return_is_seen_while_nobody_sends(
    node: NodeProcess,
) -> None:
    node.tolerate("node_unhealthy", "fault")
    spool, aside = node.folder / "spool", node.folder / "aside"
    spool.rename(aside)
    assert store(node, ct(1)) == ["A700"]
    node.wait_for("node_unhealthy", trouble="disk")
    aside.rename(spool)
    node.wait_for("trouble_over", trouble="disk", healthy=True)
    assert store(node, ct(1)) == ["0000"]


def test_what_was_decided_and_had_no_place_is_brought_there_when_it_has_without_a_restart(node: NodeProcess) -> None:
    node.tolerate("node_unhealthy", "fault")
    instance = ct(1)
    obstacle = node.folder / "archive" / "1.2.826.0.1.1"
    obstacle.write_bytes(b"a file where a folder belongs")
    assert store(node, instance) == ["A700"]
    assert len(node.spooled()) == 1
    obstacle.unlink()
    node.wait_for("cleared", finished=1)
    assert node.spooled() == []
    assert [path.stem for path in node.archived()] == [instance.sop_instance_uid]
    assert store(node, instance)[0] in ("0000", "0111")
    assert_files_match(node)
    assert node.stop() == 0  # its log says A700 where the ledger, rightly, says that the instance was accepted
