"""What holds of every node, whatever was sent to it."""

from collections import Counter
from typing import Final

from tests.wire.node import NodeProcess
from tests.wire.objects import digest_in

_STORED: Final = """SELECT instance.id, instance.uid, instance.digest, study.uid AS study, series.uid AS series
    FROM instance JOIN study ON study.id = instance.study JOIN series ON series.id = instance.series"""


PATIENT: Final = b"Test^Case"
"""Of what these tests send, the Patient's Name; nothing but archive and quarantine may show it."""


def assert_sound(node: NodeProcess) -> None:
    """Hold ledger, archive, quarantine, spool and log of a node against each other, once nobody is at it any more."""
    assert node.until(node.is_quiet), "associations do not end"
    assert node.spooled() == []
    assert_files_match(node)
    _assert_log_matches(node)
    assert PATIENT not in node.output


def assert_files_match(node: NodeProcess) -> None:
    """Hold archive and quarantine against the ledger."""
    _assert_archive_matches(node)
    _assert_quarantine_matches(node)


def _assert_archive_matches(node: NodeProcess) -> None:
    """Every stored instance has one file with its bytes, as every success has, unless replaced; there is no more."""
    stored = node.rows(_STORED)
    archive = node.folder / "archive"
    places = {archive / row["study"] / row["series"] / f"{row['uid']}.dcm": row for row in stored}
    assert sorted(places) == node.archived()
    assert [path for path in archive.rglob("*") if path.is_file() and path not in places] == []
    for path, row in places.items():
        assert digest_in(path) == row["digest"], path
    digests = {(row["uid"], row["digest"]) for row in stored}
    replaced = {row["other"] for row in node.rows("SELECT other FROM act WHERE other IS NOT NULL")}
    for receipt in node.receipts():
        if receipt["outcome"] in ("accept", "warn") and receipt["original"] not in replaced:
            assert (receipt["affected_sop_instance_uid"], receipt["digest"]) in digests


def _assert_quarantine_matches(node: NodeProcess) -> None:
    """Every object that was put into quarantine is there, with its case and its bytes, and there is no more."""
    kept = {node.folder / row["path"]: row for row in node.receipts() if row["kept"] == "quarantine"}
    assert sorted(kept) == node.quarantined()
    assert [case["case"] for case in node.cases()] == [row["name"] for row in kept.values()]
    for path, row in kept.items():
        assert digest_in(path) == row["digest"], path


def _assert_log_matches(node: NodeProcess) -> None:
    """Every receipt has exactly one line, and every association that ended says how many it brought.

    A line is written after the response, so a node that was killed in between did not come to write it.
    """
    receipts = node.receipts()
    told = node.wait_for("instance", 0 if node.was_killed else len(receipts))
    lines = {line["receipt"]: line for line in told}
    written = [row for row in receipts if not node.was_killed or row["name"] in lines]
    assert sorted(lines) == [row["name"] for row in written]
    assert len(lines) == len(told)
    for row in written:
        line = lines[row["name"]]
        assert line["verdict"] == row["outcome"]
        assert line["status"] == (None if row["status"] is None else f"{row['status']:04X}")
        assert line["bytes"] == row["size"]
    counted = Counter(line["association"] for line in lines.values())
    for closed in node.lines("association_closed"):
        assert closed["received"] == counted[closed["association"]]
