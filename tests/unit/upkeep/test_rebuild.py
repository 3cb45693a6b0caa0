"""A ledger that is made anew from the objects gives the verdicts that the old one gave."""

import errno
import itertools
import os
import shutil
from contextlib import closing, suppress
from pathlib import Path

import apsw
import orjson
import pytest
from pydicom.uid import MRImageStorage

from scp.audit.catalogue import RULES
from scp.audit.policy import Profile, make_policy
from scp.cases import Cases
from scp.errors import LedgerFault, LedgerGone, StoreFault
from scp.ids import as_text
from scp.layout import case_path
from scp.ledger.key import NAME
from scp.ledger.sqlite import SqliteLedger
from scp.quarantine.acts import Quarantine
from scp.quarantine.moving import Mover
from scp.store.recover import recover
from scp.store.store import Store
from scp.upkeep.reading import read_object
from scp.upkeep.rebuild import Rebuilder, Rebuilt
from scp.upkeep.swap import require_ledger, resume
from tests.unit.nodes import LIMITS, Scratch, open_node
from tests.unit.quarantine.test_acts import OBSERVE, acting
from tests.unit.quarantine.test_moving import ACTS, PowerCut, cut_at, prepared
from tests.unit.store.objects import header
from tests.unit.system import system_error
from tests.unit.upkeep.folders import CONFLICT, OTHER_PATIENT, UNPLACED, policies, slice_of, table
from tests.wire.objects import data_set_in

KEPT = "FROM receipt WHERE kept <> 'nowhere' ORDER BY id"
SAME: tuple[str, ...] = (
    "SELECT uid, reference, tracked FROM study ORDER BY uid",
    "SELECT series.uid, study.uid, series.reference, series.tracked FROM series JOIN study ON study.id = study",
    'SELECT key, reference, "rows", "columns", pixel_spacing, orientation FROM stack ORDER BY key, reference',
    "SELECT series.uid, variant.tracked FROM variant JOIN series ON series.id = series ORDER BY 1, 2",
    "SELECT id, uid, sop_class_uid, transfer_syntax, number, slot, place, patient, digest FROM instance ORDER BY id",
    f"SELECT * {KEPT}",
    f"""SELECT receipt, position, code, severity, status, message, tags, other FROM finding
        WHERE receipt IN (SELECT id {KEPT}) ORDER BY 1, 2""",
    f"""SELECT id, address, port, calling_ae_title, called_ae_title, implementation_class_uid FROM association
        WHERE id IN (SELECT association {KEPT}) ORDER BY id""",
)


def rebuild(folder: Path) -> Rebuilt:
    store = Store(folder)
    try:
        return Rebuilder(folder, policies, LIMITS).run()
    finally:
        store.close()


def answers(node: Scratch) -> list[str]:
    """What a node that holds :func:`filled` answers to what it had, and to what contradicts it."""
    sent = [
        *(slice_of(number) for number in (1, 2, 3)), CONFLICT, OTHER_PATIENT, UNPLACED,
        slice_of(2, InstanceNumber="1"), slice_of(20, InstanceNumber="2"), slice_of(21, StudyInstanceUID="1.2.9"),
        slice_of(22, Rows=2, Columns=8), slice_of(23, PixelSpacing=["3", "3"]), slice_of(24, Manufacturer="OTHER"),
        slice_of(25, PatientID="SOMEBODY"), slice_of(26),
    ]  # fmt: skip
    found = []
    for data in sent:
        verdict = node.send(data).verdict
        found.append(f"{verdict.status:04X} {verdict.comment} {[one.code for one in verdict.findings]}")
    return found


def test_every_table_is_what_it_was(folder: Path) -> None:
    before = [table(folder, statement) for statement in SAME]
    done = rebuild(folder)
    assert (done.archived, done.quarantined, done.left_out) == (4, 3, [])
    for statement, rows in zip(SAME, before, strict=True):
        assert table(folder, statement) == rows, statement
        assert rows, statement


def test_the_same_is_answered_to_all_that_may_come(folder: Path, template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "twin")
    confirm(tmp_path / "twin" / "ledger.sqlite3")
    twin = open_node(tmp_path / "twin")
    expected = answers(twin)
    twin.close()
    rebuild(folder)
    node = open_node(folder)
    assert answers(node) == expected
    node.close()
    assert {one[:4] for one in expected} > {"0000", "0111", "C111", "C132", "C131", "C141"}


def confirm(path: Path) -> None:
    """Let every sender have read its response, as a rebuilt ledger takes it."""
    db = apsw.Connection(str(path))
    db.execute("UPDATE instance SET confirmed = 1")
    db.close()


def test_what_is_in_quarantine_already_is_not_kept_twice(folder: Path) -> None:
    rebuild(folder)
    node = open_node(folder)
    before = node.files("quarantine")
    assert node.send(CONFLICT).verdict.status == 0xC111
    assert node.files("quarantine") == before
    node.close()


def test_the_ledger_that_was_there_is_kept_beside(folder: Path) -> None:
    old = (folder / "ledger.sqlite3").read_bytes()
    done = rebuild(folder)
    assert (folder / done.old).read_bytes() == old
    assert [path.name for path in folder.glob("*rebuilding*")] == []


def test_a_ledger_that_is_gone_or_garbage_is_made_anew(folder: Path) -> None:
    before = table(folder, SAME[4])
    (folder / "ledger.sqlite3").write_bytes(b"no ledger at all")
    (folder / "ledger.sqlite3-wal").write_bytes(b"nor this")
    done = rebuild(folder)
    assert table(folder, SAME[4]) == before
    assert (folder / f"{done.old}-wal").read_bytes() == b"nor this"
    for path in folder.glob("ledger.sqlite3*"):
        path.unlink()
    assert rebuild(folder).old == ""
    assert table(folder, SAME[4]) == before


@pytest.mark.parametrize("damage", [None, b"short"])
def test_a_key_that_is_lost_is_made_anew_durably_and_all_are_who_they_were(
    folder: Path, damage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    key = (folder / NAME).read_bytes()
    (folder / NAME).unlink()
    if damage:
        (folder / NAME).write_bytes(damage)
    with monkeypatch.context() as watched:
        watched.setattr(os, "fsync", fsync)
        rebuild(folder)
    assert {(folder / NAME).stat().st_ino, folder.stat().st_ino} <= synced
    assert (folder / NAME).read_bytes() != key
    assert len((folder / NAME).read_bytes()) == 32
    node = open_node(folder)
    assert node.send(OTHER_PATIENT).verdict.status == 0xC132
    assert node.send(slice_of(4)).verdict.status == 0
    node.close()


def test_files_that_do_not_fit_are_left_out_and_named(folder: Path) -> None:
    (archived, *_) = sorted((folder / "archive").rglob("*.dcm"))
    (archived.parent / "notes.dcm").write_bytes(b"no DICOM")
    (archived.parent / "1.2.3.dcm").write_bytes(archived.read_bytes())
    elsewhere = folder / "archive" / "1.2.826.0.1.7" / "1.2.826.0.1.7.1"
    elsewhere.mkdir(parents=True)
    (elsewhere / archived.name).write_bytes(archived.read_bytes())
    done = rebuild(folder)
    assert done.archived == 4
    reasons = {str(Path(path).relative_to("archive")): reason for path, reason in done.left_out}
    series = archived.parent.relative_to(folder / "archive")
    assert reasons == {
        f"{series}/notes.dcm": "it is not a DICOM file",
        f"{series}/1.2.3.dcm": "its UIDs belong to another place",
        str((elsewhere / archived.name).relative_to(folder / "archive")): "there is another object of the same receipt",
    }


def test_an_object_that_does_not_say_how_it_came_is_taken_by_the_time_of_its_file(folder: Path) -> None:
    files = sorted((folder / "archive").rglob("*.dcm")) + sorted((folder / "quarantine").rglob("*.dcm"))
    for file in files:
        file.write_bytes(header() + data_set_in(file))
        os.utime(file, (1_600_000_000, 1_600_000_000))
    done = rebuild(folder)
    assert (done.archived, done.quarantined, done.left_out) == (4, 3, [])
    assert table(folder, "SELECT DISTINCT received FROM receipt") == [(1_600_000_000_000_000,)]
    assert len(table(folder, "SELECT DISTINCT id FROM receipt")) == 7
    names = {path.stem for path in (folder / "quarantine").rglob("*.dcm")}
    assert {as_text(row[0]) for row in table(folder, "SELECT id FROM receipt WHERE kept = 'quarantine'")} == names


def test_a_refused_object_without_its_case_is_still_known_as_refused(folder: Path) -> None:
    quarantined = table(folder, "SELECT id, path, status FROM receipt WHERE kept = 'quarantine' ORDER BY id")
    (folder / case_path(quarantined[0][1])).write_bytes(b"{")
    (folder / case_path(quarantined[1][1])).unlink()
    done = rebuild(folder)
    assert (done.quarantined, done.left_out) == (3, [])
    assert done.lacking == [
        (case_path(quarantined[0][1]), "line 1, column 2: expected JSON in UTF-8"),
        (case_path(quarantined[1][1]), "there is no such file"),
    ]
    again = table(folder, "SELECT id, path, status FROM receipt WHERE kept = 'quarantine' ORDER BY id")
    assert again == [(*quarantined[0][:2], None), (*quarantined[1][:2], None), quarantined[2]]


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("association", "port", "x"), ("association", "address", None), ("receipt", "size", -1),
        ("receipt", "message_id", 1 << 63), ("receipt", "comment", None), ("receipt", "blake3", ""),
    ],
)  # fmt: skip
def test_a_damaged_case_costs_what_was_decided_about_its_object_and_no_other(
    folder: Path, place: str, key: str, value: object
) -> None:
    path, *others = [row[0] for row in table(folder, "SELECT path FROM receipt WHERE kept = 'quarantine' ORDER BY id")]
    case = orjson.loads((folder / case_path(path)).read_bytes())
    case[place][key] = value
    (folder / case_path(path)).write_bytes(orjson.dumps(case))
    statement = f"SELECT * FROM receipt WHERE path IN ('{others[0]}', '{others[1]}') ORDER BY id"
    before = table(folder, statement)
    done = rebuild(folder)
    assert (done.archived, done.quarantined, done.left_out) == (4, 3, [])
    ((name, problem),) = done.lacking
    assert (name, problem.partition(": ")[0]) == (case_path(path), f"{place}.{key}")
    assert table(folder, statement) == before


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(b'"port":40000', b'"port":"000"'), (b'"message_id":1,', b'"message_id":{,'), (b'"received":1', b'"received":-')],
)
def test_a_header_that_is_damaged_is_told_and_its_object_taken_in(folder: Path, ours: bytes, theirs: bytes) -> None:
    file = min((folder / "archive").rglob("*.dcm"))
    content = file.read_bytes()
    assert content.count(ours) == 1
    file.write_bytes(content.replace(ours, theirs))
    done = rebuild(folder)
    assert (done.archived, done.quarantined, done.left_out) == (4, 3, [])
    assert done.lacking == [
        (file.relative_to(folder).as_posix(), "its header does not say how it came: what is there is damaged")
    ]


def test_bytes_that_changed_in_quarantine_do_not_change_what_was_received(folder: Path) -> None:
    ((path, digest),) = table(folder, "SELECT path, digest FROM receipt WHERE kept = 'quarantine' ORDER BY id LIMIT 1")
    content = bytearray((folder / path).read_bytes())
    content[-1] ^= 1
    (folder / path).write_bytes(content)
    rebuild(folder)
    assert table(folder, f"SELECT digest FROM receipt WHERE path = '{path}'") == [(digest,)]


def test_no_value_of_a_case_gets_into_the_ledger(folder: Path) -> None:
    cases = [orjson.loads(path.read_bytes()) for path in (folder / "quarantine").rglob("*.json")]
    assert "SOMEBODY" in str(cases)
    rebuild(folder)
    assert b"SOMEBODY" not in (folder / "ledger.sqlite3").read_bytes()


def test_a_folder_that_a_node_holds_is_left_alone(folder: Path) -> None:
    node = open_node(folder)
    with pytest.raises(StoreFault, match="another node"):
        rebuild(folder)
    node.close()


def test_what_was_accepted_stays_accepted_whatever_the_settings_are_today(folder: Path) -> None:
    strict = make_policy(RULES, Profile.STRICT, warning_status=0xB007)
    store = Store(folder)
    done = Rebuilder(folder, lambda _: strict, LIMITS).run()
    store.close()
    assert (done.archived, done.left_out) == (4, [])
    ((outcome, status, comment, severest),) = table(
        folder,
        "SELECT outcome, receipt.status, comment, max(severity) FROM receipt JOIN finding ON finding.receipt = id"
        " WHERE path LIKE 'archive/1.2.826.0.1.2/%' GROUP BY id",
    )
    assert (outcome, status, severest) == ("warn", 0xB007, 2)
    assert comment.startswith("GEO-10")


def test_what_was_refused_by_settings_of_today_alone_is_kept_and_answered_with_0000(folder: Path) -> None:
    strict = make_policy(RULES, Profile.STRICT)
    store = Store(folder)
    Rebuilder(folder, lambda _: strict, LIMITS).run()
    store.close()
    statement = "SELECT outcome, status, comment FROM receipt WHERE path LIKE 'archive/1.2.826.0.1.2/%'"
    assert table(folder, statement) == [("warn", 0, "")]


def test_of_which_presentation_context_an_object_came_is_still_known(folder: Path) -> None:
    node = open_node(folder, lambda _: OBSERVE)
    assert node.send(slice_of(30), abstract_syntax=MRImageStorage).verdict.is_stored
    node.settle()
    node.close()
    statement = "SELECT abstract_syntax FROM receipt ORDER BY id DESC LIMIT 1"
    before = table(folder, statement)
    rebuild(folder)
    assert table(folder, statement) == before


def test_what_cannot_be_read_is_left_out_and_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: Path, *, forget: bool) -> object:
        if path.match("1.2.826.0.1.1.1.2.dcm"):
            raise system_error(errno.EIO)
        return read_object(path, forget=forget)

    monkeypatch.setattr("scp.upkeep.rebuild.read_object", failing)
    done = rebuild(folder)
    assert [reason for _, reason in done.left_out] == ["it cannot be read (Input/output error, errno 5)"]
    assert done.archived == 3


def test_what_cannot_be_read_a_second_time_is_left_out_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> int:
        raise system_error(errno.EIO)

    monkeypatch.setattr(os, "preadv", failing)
    done = rebuild(folder)
    assert {reason for _, reason in done.left_out} == {"a file cannot be read (Input/output error, errno 5)"}
    assert done.archived == 0


@pytest.mark.parametrize("syncs", range(4))
def test_where_the_disk_fails_the_old_ledger_stays(folder: Path, syncs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "ledger.sqlite3").read_bytes()
    (folder / "ledger.sqlite3-wal").write_bytes(b"")
    count = itertools.count()

    def failing(*_: object) -> None:
        if next(count) == syncs:
            raise system_error(errno.EIO)

    with closing(Store(folder, sync=False)), monkeypatch.context() as broken:
        broken.setattr(os, "fsync", failing)
        with pytest.raises(StoreFault, match="errno 5"):
            Rebuilder(folder, policies, LIMITS).run()
    assert next(count) == syncs + 1
    assert (folder / "ledger.sqlite3").read_bytes() == before
    assert [path.name for path in folder.glob("*rebuilding*")] == []


@pytest.mark.parametrize("kind", ["release", "replace"])
def test_an_act_that_was_cut_off_before_costs_no_bytes_and_what_it_was_moving_is_named(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    named = 0
    for step in range(1, 100):
        folder = tmp_path / str(step)
        node, number = prepared(folder, kind)
        node.settle()
        kept = {one.placement.path: (folder / one.placement.path).read_bytes() for one in node.receipts()}
        try:
            with monkeypatch.context() as patch:
                cut_at(step, patch)
                ACTS[kind](acting(node, OBSERVE), number)
        except PowerCut:
            node.close()
        else:
            node.close()
            break
        done = rebuild(folder)
        node = open_node(folder)
        recover(node.store, Mover(node.ledger, node.store, Cases(node.ledger, node.store, LIMITS)).decided)
        node.close()
        assert {path.read_bytes() for path in folder.rglob("*") if path.is_file()} >= set(kept.values())
        assert done.archived + done.quarantined + len({path for path, _ in done.left_out}) >= len(kept)
        named += len(done.left_out)
    assert named > 0


def split(folder: Path) -> bytes:
    """Give the ledger of a folder a log with something in it that is in the log alone; return what it holds."""
    db = apsw.Connection(str(folder / "ledger.sqlite3"))
    db.wal_autocheckpoint(0)
    db.execute("CREATE TABLE proof (word TEXT); INSERT INTO proof VALUES ('in the log alone')")
    log = (folder / "ledger.sqlite3-wal").read_bytes()
    whole = (folder / "ledger.sqlite3").read_bytes()
    db.close()
    (folder / "ledger.sqlite3").write_bytes(whole)
    (folder / "ledger.sqlite3-wal").write_bytes(log)
    return log


def proofs(folder: Path, tmp_path: Path) -> list[str]:
    """Return the names of the ledgers in a folder that have what was in the log alone, as SQLite opens them."""
    copy = tmp_path / "opened"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    found = []
    for path in sorted(copy.glob("ledger.sqlite3*")):
        if path.name.endswith(("-wal", "-shm")):
            continue
        with closing(apsw.Connection(str(path))) as db, suppress(apsw.Error):
            if db.execute("SELECT word FROM proof").get == "in the log alone":
                found.append(path.name)
    return found


@pytest.mark.parametrize("again", ["cut", "whole"])
def test_wherever_a_swap_is_cut_off_the_old_ledger_and_its_log_stay_together(
    template: Path, tmp_path: Path, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = 0
    for step in range(1, 100):
        folder = tmp_path / str(step)
        shutil.copytree(template, folder)
        log = split(folder)
        try:
            with monkeypatch.context() as patch:
                cut_at(step, patch)
                rebuild(folder)
        except PowerCut:
            pass
        else:
            break
        if again == "cut":
            with monkeypatch.context() as patch, suppress(PowerCut):
                cut_at(step % 7 + 1, patch)
                rebuild(folder)
        if not (folder / "ledger.sqlite3").exists():
            without += 1
            with pytest.raises(LedgerFault, match="auditscp rebuild"):
                require_ledger(folder)
        done = rebuild(folder)
        (kept,) = proofs(folder, tmp_path)
        assert kept.endswith(".old"), step
        assert (folder / f"{kept}-wal").read_bytes() == log
        assert {path.name.partition("-")[0] for path in folder.glob("ledger.sqlite3*")} >= {"ledger.sqlite3", kept}
        assert not list(folder.glob("*.aside*"))
        assert (done.archived, done.quarantined) == (4, 3)
        shutil.rmtree(folder)
    assert without > 2


def test_of_two_ledgers_that_swaps_set_aside_the_newer_is_put_back(tmp_path: Path) -> None:
    for name in ("ledger.sqlite3.20260101T000000.000000Z", "ledger.sqlite3.20260102T000000.000000Z"):
        (tmp_path / f"{name}.aside").write_text(name)
    resume(tmp_path)
    assert (tmp_path / "ledger.sqlite3").read_text() == "ledger.sqlite3.20260102T000000.000000Z"
    assert (tmp_path / "ledger.sqlite3.20260101T000000.000000Z.old").exists()


def test_an_object_whose_name_is_no_text_is_left_out_and_named(folder: Path) -> None:
    refused = min((folder / "quarantine").rglob("*.dcm"))
    odd = folder / "quarantine" / os.fsdecode(b"odd\xff")
    odd.mkdir()
    refused.rename(odd / refused.name)
    done = rebuild(folder)
    assert (done.archived, done.quarantined) == (4, 2)
    assert done.left_out == [(f"quarantine/{odd.name}/{refused.name}", "its name is no text in UTF-8")]


def test_an_act_that_waited_for_a_rebuild_does_not_go_by_the_old_ledger(folder: Path) -> None:
    store, ledger = Store(folder, holder=None), SqliteLedger(folder / "ledger.sqlite3")
    quarantine = Quarantine(ledger, store, policies, LIMITS)
    ((number,),) = table(folder, "SELECT id FROM receipt WHERE kept = 'quarantine' ORDER BY id LIMIT 1")
    before = sorted(path for path in folder.rglob("*.*") if path.parent.name != "data")
    rebuild(folder)
    with pytest.raises(LedgerGone, match="nothing was done"):
        quarantine.drop(number, "os:a", "a test")
    assert sorted(path for path in folder.rglob("*.*") if path.parent.name != "data") == before
    ledger.close()
    store.close()


def test_what_is_no_file_is_neither_waited_for_nor_followed(folder: Path) -> None:
    archived = min((folder / "archive").rglob("*.dcm"))
    os.mkfifo(archived.parent / "pipe.dcm")
    (archived.parent / "link.dcm").symlink_to(archived)
    (archived.parent / os.fsdecode(b"odd\xff.dcm")).write_bytes(b"")
    (archived.parent / "folder.dcm").mkdir()
    (archived.parent / "elsewhere").symlink_to(folder / "quarantine")
    done = rebuild(folder)
    assert (done.archived, done.quarantined) == (4, 3)
    reasons = {Path(path).name: reason.partition(" (")[0] for path, reason in done.left_out}
    assert reasons == {
        "pipe.dcm": "it is not a DICOM file", "link.dcm": "it cannot be read",
        os.fsdecode(b"odd\xff.dcm"): "it is not a DICOM file", "elsewhere": "a link to a folder, which is not followed",
    }  # fmt: skip


def test_a_folder_that_cannot_be_read_is_left_out_and_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (series, *_) = sorted(path.parent for path in (folder / "archive").rglob("*.dcm"))
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path) == series:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = rebuild(folder)
    assert done.left_out == [
        (series.relative_to(folder).as_posix(), "the folder cannot be read (Input/output error, errno 5)")
    ]
    assert (done.archived, done.quarantined) == (1, 3)
