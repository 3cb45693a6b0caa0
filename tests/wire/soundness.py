"""What holds of every node, whatever was sent to it."""

from collections import Counter
from hashlib import sha256
from typing import Final

from tests.wire.node import NodeProcess
from tests.wire.objects import data_set_in

_STORED: Final = """SELECT instance.id, instance.uid, instance.digest, study.uid AS study, series.uid AS series
    FROM instance JOIN study ON study.id = instance.study JOIN series ON series.id = instance.series"""


def assert_sound(node: NodeProcess) -> None:
    """Hold ledger, archive, quarantine, spool and log of a quiet node against each other."""
    assert node.spooled() == []
    _assert_archive_matches(node)
    _assert_quarantine_matches(node)
    _assert_log_matches(node)


def _assert_archive_matches(node: NodeProcess) -> None:
    """Every stored instance has one file with its bytes, every success one stored instance, and there is no more."""
    stored = node.rows(_STORED)
    archive = node.folder / "archive"
    places = {archive / row["study"] / row["series"] / f"{row['uid']}.dcm": row for row in stored}
    assert sorted(places) == node.archived()
    assert [path for path in archive.rglob("*") if path.is_file() and path not in places] == []
    for path, row in places.items():
        assert sha256(data_set_in(path)).digest() == row["digest"], path
    digests = {(row["uid"], row["digest"]) for row in stored}
    for receipt in node.receipts():
        if receipt["outcome"] in ("accept", "warn"):
            assert (receipt["affected_sop_instance_uid"], receipt["digest"]) in digests


def _assert_quarantine_matches(node: NodeProcess) -> None:
    """Every object that was put into quarantine is there, with its case and its bytes, and there is no more."""
    kept = {node.folder / row["path"]: row for row in node.receipts() if row["kept"] == "quarantine"}
    assert sorted(kept) == node.quarantined()
    assert [case["case"] for case in node.cases()] == [row["name"] for row in kept.values()]
    for path, row in kept.items():
        assert sha256(data_set_in(path)).digest() == row["digest"], path


def _assert_log_matches(node: NodeProcess) -> None:
    """Every receipt has exactly one line, and every association that ended says how many it brought."""
    receipts = node.receipts()
    told = node.wait_for("instance", len(receipts))
    lines = {line["receipt"]: line for line in told}
    assert sorted(lines) == [row["name"] for row in receipts]
    assert len(lines) == len(told)
    for row in receipts:
        line = lines[row["name"]]
        assert line["verdict"] == row["outcome"]
        assert line["status"] == (None if row["status"] is None else f"{row['status']:04X}")
        assert line["bytes"] == row["size"]
    counted = Counter(line["association"] for line in lines.values())
    for closed in node.lines("association_closed"):
        assert closed["received"] == counted[closed["association"]]
