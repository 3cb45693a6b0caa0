"""What is old leaves, whole and for good; what is not, or is in doubt, stays; a crash leaves one or the other."""

import errno
import os
import re
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scp.audit.series.result import SeriesAudit, SeriesVerdict
from scp.config import Retention
from scp.errors import LedgerFault, StoreFault
from scp.layout import ARCHIVE, LEDGER, TRASH, Place, Placement
from scp.ledger import notices, removal
from scp.ledger.reading import open_reader
from scp.ledger.reports import report
from scp.ledger.schema import SCHEMA
from scp.ledger.series import read_series, write_audit
from scp.store import trash
from scp.store.trash import settle
from scp.upkeep import retention
from scp.upkeep.retention import DAY_US, Expiry, Removed, preview
from tests.unit.nodes import Scratch, open_node
from tests.unit.system import system_error
from tests.unit.upkeep.folders import CONFLICT, OTHER_PATIENT, slice_of, table
from tests.unit.upkeep.test_verify import flaws

STUDY_1, STUDY_2 = "1.2.826.0.1.1", "1.2.826.0.1.2"
BOTH = Retention(archive_days=30, quarantine_days=10)
OF_A_SERIES = ("instance", "series", "study", "stack", "variant")


def now(node: Scratch, days: float) -> int:
    """So many days after the newest receipt."""
    return max(one.received for one in node.receipts()) + int(days * DAY_US)


def expire(node: Scratch, days: float, settings: Retention = BOTH, **parts: Any) -> Removed:
    moment = now(node, days)
    return Expiry(node.store, node.ledger, settings, sync=True, now=lambda: moment, **parts).run()


def rows(node: Scratch, name: str) -> int:
    ((number,),) = table(node.folder, f"SELECT count(*) FROM {name}")
    return int(number)


def counted(removed: Removed) -> tuple[int, int, int, int]:
    return removed.studies, removed.instances, removed.objects, removed.kept


def test_nothing_leaves_before_its_time(node: Scratch) -> None:
    before = node.files("")
    assert counted(expire(node, 9.9)) == (0, 0, 0, 0)
    assert node.files("") == sorted([*before, ".acts"])
    node.close()


def test_nothing_leaves_unless_it_is_said(node: Scratch) -> None:
    assert counted(expire(node, 30_000, Retention())) == (0, 0, 0, 0)
    node.close()


def test_refused_objects_leave_with_their_cases_and_their_receipts_say_so(node: Scratch) -> None:
    quarantined = [one for one in node.receipts() if one.placement.place is Place.QUARANTINE]
    assert counted(expire(node, 11)) == (0, 0, 3, 0)
    assert node.files("quarantine") == node.files("trash") == []
    assert len(node.files("archive")) == 4
    for one in quarantined:
        left = node.ledger.receipt(one.id)
        assert left is not None
        assert (left.placement, left.status, left.digest) == (
            Placement(Place.NOWHERE, "", one.placement.original), one.status, one.digest,
        )  # fmt: skip
    acts = table(node.folder, "SELECT receipt, kind, who, reason, former FROM act ORDER BY receipt")
    assert acts == [(one.id, "expire", "retention", "quarantine_days = 10", one.placement.path) for one in quarantined]
    assert flaws(node.folder) == []
    node.close()


def test_a_report_counts_what_has_left_quarantine_and_not_what_has_left_the_archive(node: Scratch) -> None:
    assert counted(expire(node, 31)) == (2, 4, 3, 0)
    with closing(open_reader(node.folder / LEDGER)) as db:
        assert report(db, now(node, 31)).acts == {"expired": 3}
    node.close()


def test_a_refused_object_that_comes_again_after_that_is_kept_again(node: Scratch) -> None:
    expire(node, 11)
    assert node.send(CONFLICT).verdict.status == 0xC111
    assert len(node.files("quarantine")) == 2
    assert flaws(node.folder) == []
    node.close()


def test_studies_leave_whole_and_only_their_receipts_remember_them(node: Scratch) -> None:
    before = rows(node, "receipt")
    done = expire(node, 31, Retention(archive_days=30))
    assert counted(done) == (2, 4, 0, 0)
    assert sorted(done.uids) == [STUDY_1, STUDY_2]
    assert node.files("archive") == node.files("trash") == []
    assert list((node.folder / ARCHIVE).iterdir()) == []
    assert {name: rows(node, name) for name in OF_A_SERIES} == dict.fromkeys(OF_A_SERIES, 0)
    assert rows(node, "receipt") == before
    assert rows(node, "act") == 4
    assert flaws(node.folder) == []
    node.close()


def test_the_same_instance_sent_again_after_that_is_a_new_one_and_is_stored(node: Scratch) -> None:
    expire(node, 31)
    for number in (1, 2):
        assert node.send(slice_of(number)).verdict.status == 0
    assert node.send(slice_of(1, PatientID="NOBODY")).verdict.status != 0
    assert node.send(slice_of(3, study=2, PatientID="NOBODY")).verdict.status == 0
    assert len(node.files("archive")) == 3
    assert flaws(node.folder) == []
    node.close()


def test_what_was_remembered_of_a_study_is_forgotten_with_it(node: Scratch) -> None:
    assert node.send(slice_of(4)).verdict.status == 0  # now the references of the series have been read
    assert node.send(OTHER_PATIENT).verdict.status == 0xC132
    expire(node, 31)
    assert node.send(OTHER_PATIENT).verdict.status == 0
    node.close()


@pytest.mark.parametrize(
    "again",
    [slice_of(1), slice_of(5), OTHER_PATIENT, slice_of(9, SeriesInstanceUID=f"{STUDY_1}.9", PatientID="SOMEBODY")],
    ids=["duplicate", "new", "refused", "refused of a new series"],
)
def test_a_study_that_was_spoken_of_lately_stays(node: Scratch, again: bytes, set_clock: Callable[[int], None]) -> None:
    set_clock(now(node, 29))
    node.send(again)
    done = expire(node, 2, Retention(archive_days=30))
    assert done.uids == [STUDY_2]
    assert flaws(node.folder) == []
    node.close()


def test_a_study_of_which_refused_objects_of_a_new_series_came_again_lately_stays(
    node: Scratch, set_clock: Callable[[int], None]
) -> None:
    refused = slice_of(9, SeriesInstanceUID=f"{STUDY_1}.9", PatientID="SOMEBODY")
    assert node.send(refused).verdict.status == 0xC132
    set_clock(now(node, 29))
    assert node.send(refused).verdict.status == 0xC132
    assert expire(node, 2, Retention(archive_days=30)).uids == [STUDY_2]
    node.close()


def test_audits_after_the_newest_ones_have_left_are_told_of_all_the_same(node: Scratch) -> None:
    def audit(study: int) -> int:
        uid = f"1.2.826.0.1.{study}.1"
        with closing(open_reader(node.folder / LEDGER)) as db:
            kept = read_series(db, uid)
        assert kept is not None
        found = SeriesAudit(uid, f"1.2.826.0.1.{study}", "CT", SeriesVerdict.ATTENTION, (), (), instances=1, images=1)
        return int(node.ledger.transact(lambda db: write_audit(db, kept, found, made=study)).audit)

    told = max(audit(1), audit(2))
    expire(node, 31, Retention(archive_days=30))
    assert rows(node, "series_audit") == 0
    assert node.send(slice_of(1)).verdict.status == 0
    new = audit(1)
    with closing(open_reader(node.folder / LEDGER)) as db:
        assert [one.audit for one in notices.audits(db, told, 10)] == [new]
    node.close()


def test_an_object_of_quarantine_that_just_came_again_stays_until_its_sender_is_gone(
    node: Scratch, set_clock: Callable[[int], None]
) -> None:
    set_clock(now(node, 11))
    assert node.send(CONFLICT).verdict.status == 0xC111
    assert expire(node, 0.01).objects == 2
    assert len(node.files("quarantine")) == 2
    assert expire(node, 0.1).objects == 1
    assert node.files("quarantine") == []
    node.close()


def test_a_study_whose_folder_holds_a_strange_file_stays(node: Scratch) -> None:
    stranger = node.folder / ARCHIVE / STUDY_1 / "notes.txt"
    stranger.write_text("not ours")
    done = expire(node, 31, Retention(archive_days=30))
    assert (done.uids, done.kept) == ([STUDY_2], 1)
    assert stranger.exists()
    assert len(node.files("archive")) == 4
    node.close()


def test_objects_of_no_patient_and_studies_that_share_a_series_stay(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    node = open_node(tmp_path / "data")
    assert node.send(slice_of(1, StudyInstanceUID=None, SeriesInstanceUID=None)).verdict.status >= 0xA000
    assert node.send(slice_of(1)).verdict.status == 0
    node.ledger.transact(lambda db: db.execute("UPDATE instance SET study = study + 1"))
    done = expire(node, 31, Retention(archive_days=30))
    assert counted(done) == (0, 0, 0, 1)
    assert len(node.files("archive")) == 1
    node.close()


def test_a_study_whose_files_are_gone_leaves_the_ledger(node: Scratch) -> None:
    for path in (node.folder / ARCHIVE / STUDY_2).rglob("*.dcm"):
        path.unlink()
    for folder in ("1.2.826.0.1.2/1.2.826.0.1.2.1", "1.2.826.0.1.2"):
        (node.folder / ARCHIVE / folder).rmdir()
    assert expire(node, 31, Retention(archive_days=30)).studies == 2
    node.close()


def test_many_objects_leave_in_handfuls(node: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    assert expire(node, 11).objects == 3
    assert rows(node, "act") == 3
    node.close()


def test_it_comes_to_its_end_where_the_node_does(node: Scratch) -> None:
    assert counted(expire(node, 31, is_stopped=lambda: True)) == (0, 0, 0, 0)
    node.close()


def test_after_the_clock_was_set_it_waits_once(node: Scratch) -> None:
    moment = now(node, 0)
    clock = [moment]
    expiry = Expiry(node.store, node.ledger, BOTH, sync=True, now=lambda: clock[0])
    clock[0] = moment + 5000 * DAY_US
    assert counted(expiry.run()) == (0, 0, 0, 0)
    assert counted(expiry.run()) == (2, 4, 3, 0)
    node.close()


def test_what_would_leave_can_be_seen_before(node: Scratch) -> None:
    before = node.files("")
    with closing(open_reader(node.folder / "ledger.sqlite3")) as db:
        assert counted(preview(db, node.folder, BOTH, now(node, 31))) == (2, 4, 3, 0)
        assert counted(preview(db, node.folder, BOTH, now(node, 11))) == (0, 0, 3, 0)
        assert counted(preview(db, node.folder, Retention(), now(node, 31))) == (0, 0, 0, 0)
    assert node.files("") == before
    node.close()


# Crashes and faults


def settled(node: Scratch) -> tuple[int, int, int]:
    def placement(number: int) -> Placement | None:
        receipt = node.ledger.receipt(number)
        return None if receipt is None else receipt.placement

    return settle(node.folder, placement, sync=True)


@pytest.mark.parametrize("settings", [Retention(archive_days=1), Retention(quarantine_days=1)], ids=["study", "object"])
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "fault"])
def test_what_was_moved_but_not_committed_goes_back_to_its_place(
    node: Scratch, settings: Retention, crash: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {place: node.files(place) for place in ("archive", "quarantine")}

    def failing(*_: Any) -> None:
        raise LedgerFault("the ledger cannot be written")

    monkeypatch.setattr("scp.ledger.removal.move", failing)
    if crash:  # nobody looks after it
        monkeypatch.setattr(retention, "settle", lambda *_, **__: (0, 0, 0))
    with pytest.raises(LedgerFault):
        expire(node, 2, settings)
    if crash:
        assert node.files("trash") != []
        removed, restored, failed = settled(node)
        assert (removed, failed) == (0, 0)
        assert restored > 0
    assert {place: node.files(place) for place in ("archive", "quarantine")} == before
    assert node.files("trash") == []
    assert flaws(node.folder) == []
    node.close()


@pytest.mark.parametrize("settings", [Retention(archive_days=1), Retention(quarantine_days=1)], ids=["study", "object"])
def test_what_was_committed_but_not_removed_is_removed(
    node: Scratch, settings: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "settle", lambda *_, **__: (0, 0, 0))
    expire(node, 2, settings)
    assert node.files("trash") != []
    removed, restored, failed = settled(node)
    assert (restored, failed) == (0, 0)
    assert removed > 0
    assert node.files("trash") == []
    assert flaws(node.folder) == []
    node.close()


def test_what_goes_back_takes_nobody_elses_place(node: Scratch) -> None:
    ((number, path),) = table(node.folder, "SELECT id, path FROM receipt WHERE kept = 'archive' ORDER BY id LIMIT 1")
    trash.throw_study(node.folder, node.folder / ARCHIVE / STUDY_1, number, sync=False)
    (node.folder / path).parent.mkdir(parents=True)
    (node.folder / path).write_bytes(b"came meanwhile")
    assert settled(node) == (0, 1, 0)
    assert (node.folder / path).read_bytes() == b"came meanwhile"
    assert len(node.files("archive")) == 4
    node.close()


@pytest.mark.parametrize("name", ["notes.txt", "0000000000007", "0000000000007.dcm"])
def test_what_nobody_knows_stays_in_the_trash(node: Scratch, name: str) -> None:
    (node.folder / TRASH).mkdir()
    (node.folder / TRASH / name).write_bytes(b"")
    assert settled(node) == (0, 0, 1)
    assert node.files("trash") == [name]
    node.close()


@pytest.mark.parametrize("settings", [Retention(archive_days=1), Retention(quarantine_days=1)], ids=["study", "object"])
@pytest.mark.parametrize("call", ["rename", "fsync"])
def test_where_the_disk_fails_everything_stays(
    node: Scratch, settings: Retention, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {place: node.files(place) for place in ("archive", "quarantine")}

    def failing(*_: Any) -> None:
        raise system_error(errno.EIO)

    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing)
        with pytest.raises(StoreFault):
            expire(node, 2, settings)
    settled(node)
    assert {place: node.files(place) for place in ("archive", "quarantine")} == before
    assert rows(node, "act") == 0
    assert flaws(node.folder) == []
    node.close()


def test_while_it_takes_a_study_out_nothing_of_it_can_be_admitted(
    node: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance that comes in the middle waits, and is a new one then."""
    answers: list[int] = []
    threads: list[threading.Thread] = []

    def throwing(*arguments: Any, **named: Any) -> Path:
        thread = threading.Thread(target=lambda: answers.append(node.send(slice_of(1)).verdict.status))
        threads.append(thread)
        thread.start()
        thread.join(0.2)
        assert answers == []
        return trash.throw_study(*arguments, **named)

    monkeypatch.setattr(retention, "throw_study", throwing)
    monkeypatch.setattr("scp.ledger.removal.old_studies", lambda db, before: [(1, STUDY_1)])
    expire(node, 31, Retention(archive_days=30))
    for one in threads:
        one.join()
    assert answers == [0]
    assert len(node.files("archive")) == 2
    assert flaws(node.folder) == []
    node.close()


def test_a_ledger_that_cannot_be_read_is_a_fault(node: Scratch) -> None:
    expiry = Expiry(node.store, node.ledger, BOTH, sync=True, now=lambda: 10**18)
    node.ledger.transact(lambda db: db.execute("DROP TABLE study"))
    with pytest.raises(LedgerFault, match="cannot be read"):
        expiry.run()
    node.close()


def test_between_two_studies_others_may_act_on_quarantine(node: Scratch) -> None:
    acted = []

    class Other(threading.Thread):
        def run(self) -> None:
            with node.store.acting():
                acted.append(rows(node, "study"))

    other, settled = Other(), settle

    def seen(*arguments: Any, **options: Any) -> tuple[int, int, int]:
        done = settled(*arguments, **options)
        if not other.ident:
            other.start()
        return done

    class Store:
        folder = node.folder

        def acting(self) -> Any:
            if other.ident:
                other.join(30)
            return node.store.acting()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "settle", seen)
        moment = now(node, 31)
        Expiry(Store(), node.ledger, BOTH, sync=True, now=lambda: moment).run()  # type: ignore[arg-type] # all it uses
    assert acted == [1]
    node.close()


def test_nothing_that_belongs_to_a_series_outlives_it() -> None:
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", SCHEMA, re.DOTALL)
    assert {name for name, columns in tables if "REFERENCES series (id)" in columns} == set(removal._OF_SERIES)
