"""After a crash, what the ledger vouches for is where it belongs, with the bytes that came, whatever the disk kept."""

import errno
import os
import shutil
from collections.abc import Callable, Mapping, MutableSequence
from pathlib import Path
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from scp.audit.finding import Decision
from scp.cases import Cases
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID
from scp.errors import SyncFault, Trouble
from scp.health import Health
from scp.ids import as_text
from scp.layout import spool_path
from scp.quarantine.moving import Mover
from scp.store.files import write_file
from scp.store.store import Store
from scp.upkeep.chores import settling
from scp.upkeep.rebuild import Rebuilder
from scp.upkeep.recovery import Recovered, again, at_start
from scp.upkeep.restoration import restore
from tests.unit.nodes import LIMITS, Scratch, data_set, open_node
from tests.unit.quarantine.test_acts import OBSERVE, acting
from tests.unit.quarantine.test_moving import ACTS, PowerCut, check_sound, cut_at, prepared
from tests.unit.system import system_error
from tests.unit.upkeep.folders import heavy_slice_of, policies, slice_of, table

BAD: Final = data_set(SOPInstanceUID="1.2.826.0.1.1.1.9", Modality=None)
Told = MutableSequence[Any]


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "missing": Path.unlink,
    "empty": lambda path: os.truncate(path, 0),
    "cut off": cut_off,
    "other bytes": overwrite,
    "longer": lambda path: os.truncate(path, path.stat().st_size + 4096),
    "whole": lambda _: None,
}
"""What a power cut may do to a file that was never synced."""
KEPT: Final = {"accepted": slice_of(1), "refused": BAD}


def start(folder: Path) -> tuple[Scratch, Recovered]:
    """Start a node where another one was cut off."""
    node = open_node(folder)
    mover = Mover(node.ledger, node.store, Cases(node.ledger, node.store, LIMITS))
    try:
        return node, at_start(node.store, node.ledger, mover.decided, sync=True)
    except BaseException:
        node.close()
        raise


def crashed(folder: Path, *objects: bytes) -> list[Path]:
    """Let a node take objects and be cut off before they are on the disk; return where they are."""
    node = open_node(folder)
    for data in objects:
        node.send(data)
    receipts = node.receipts()
    assert node.ledger.sealed() == [one.id for one in receipts]
    node.close()
    return [folder / one.placement.path for one in receipts]


def check_settled(node: Scratch) -> None:
    """Nothing is lost, and soon nobody needs to vouch for it."""
    check_sound(node)
    node.settle()
    assert node.ledger.sealed() == []
    check_sound(node)
    node.close()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT)
def test_an_object_is_in_its_place_again_as_it_came(
    tmp_path: Path, data: bytes, damage: Callable[[Path], None], told: Told
) -> None:
    (path,) = crashed(tmp_path, data)
    whole, case = path.read_bytes(), path.with_suffix(".json")
    before = case.read_bytes() if case.exists() else b""
    damage(path)
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.failed, done.missing) == (1, 1, 0, 0)
    assert path.read_bytes() == whole
    assert (case.read_bytes() if case.exists() else b"") == before
    check_settled(node)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT)
def test_an_object_that_was_decided_and_had_no_place_yet_comes_to_it(
    tmp_path: Path, data: bytes, damage: Callable[[Path], None], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise system_error(errno.EIO)

    node = open_node(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(os, "link", fail)
        answer = node.send(data)
    assert answer.verdict.decision is Decision.RETRY
    node.close()
    damage(tmp_path / spool_path(answer.receipt))
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.discarded, done.failed) == (1, 1, 0, 0)
    check_settled(node)


def test_an_object_whose_folder_is_lost_with_it_comes_back(tmp_path: Path, told: Told) -> None:
    first, second, _ = crashed(tmp_path, slice_of(1), slice_of(1, study=2), BAD)
    shutil.rmtree(first.parents[1])
    shutil.rmtree(second.parent)
    node, done = start(tmp_path)
    assert (done.rewritten, done.failed, done.missing) == (3, 0, 0)
    check_settled(node)


def test_an_object_that_two_names_were_kept_of_comes_back_once(tmp_path: Path, told: Told) -> None:
    """The end of the name in the spool did not reach the disk, and neither did the bytes."""
    (path,) = crashed(tmp_path, slice_of(1))
    ((number,),) = table(tmp_path, "SELECT id FROM receipt")
    (tmp_path / spool_path(number)).hardlink_to(path)
    os.truncate(path, 0)
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.failed) == (1, 1, 0)
    check_settled(node)


def test_what_is_on_the_disk_for_good_is_not_touched(tmp_path: Path, told: Told) -> None:
    node = open_node(tmp_path)
    node.send(slice_of(1))
    node.send(heavy_slice_of(1, study=2))
    node.settle()
    before = {path: path.stat().st_ino for path in (tmp_path / "archive").rglob("*.dcm")}
    node.close()
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished) == (0, 0)
    assert {path: path.stat().st_ino for path in before} == before
    node.close()


def test_bytes_that_nobody_asks_for_any_more_are_let_go_of(tmp_path: Path, told: Told) -> None:
    node = open_node(tmp_path)
    dropped = node.send(BAD).receipt
    assert ACTS["drop"](acting(node), dropped).done
    node.ledger.transact(lambda db: db.execute("INSERT INTO sealed VALUES (7, x'00')"))
    assert node.ledger.sealed() == [7, dropped]
    node.close()
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.failed) == (0, 0, 0)
    assert node.files("quarantine") == []
    check_settled(node)


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "missing"])
@pytest.mark.parametrize("kind", ACTS)
def test_an_act_that_was_cut_off_is_done_or_has_never_been_and_its_objects_are_whole(
    tmp_path: Path, kind: str, damage: str, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    """What is moved has two names in turn, all of one file; which of them the disk kept is known, its bytes are not."""
    outcomes = []
    for step in range(1, 100):
        folder = tmp_path / str(step)
        node, number = prepared(folder, kind)
        files = [folder / one.placement.path for one in node.receipts()]
        try:
            with monkeypatch.context() as patch:
                cut_at(step, patch)
                ACTS[kind](acting(node, OBSERVE), number)
        except PowerCut:
            pass
        else:
            node.close()
            break
        spooled = node.store.spooled()
        node.close()
        for inode in {path.stat().st_ino: path for path in [*files, *spooled] if path.exists()}.values():
            DAMAGES[damage](inode)
        node, done = start(folder)
        assert done.failed == 0
        outcomes.append(bool(table(folder, "SELECT id FROM act")))
        check_settled(node)
    assert {True, False} == set(outcomes)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_start_that_is_cut_off_anywhere_is_made_up_for_by_the_next(
    tmp_path: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    for path in crashed(tmp_path / "0", *KEPT.values()):
        damage(path)
    for step in range(1, 100):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "0", folder)
        try:
            with monkeypatch.context() as patch:
                cut_at(step, patch)
                node, _ = start(folder)
        except PowerCut:
            node, done = start(folder)
            assert (done.rewritten, done.failed, done.missing) == (2, 0, 0)
            check_settled(node)
        else:
            check_settled(node)
            break
    assert step > 10


def test_restoring_twice_is_as_good_as_once(tmp_path: Path, told: Told) -> None:
    for path in crashed(tmp_path, *KEPT.values()):
        os.truncate(path, 0)
    node = open_node(tmp_path)
    assert restore(node.store, node.ledger) == (2, 0)
    assert restore(node.store, node.ledger) == (2, 0)
    node.close()
    for expected in ((2, 2, 0), (0, 0, 0)):
        node, done = start(tmp_path)
        assert (done.rewritten, done.finished, done.failed) == expected
        check_sound(node)
        node.close()


def test_nothing_is_removed_before_what_replaces_it_is_on_the_disk(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = crashed(tmp_path, *KEPT.values())
    synced: list[str] = []
    fsync, unlink = os.fsync, Path.unlink

    def note(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    def check(path: Path, **named: Any) -> None:
        if path in paths:
            assert len(synced) == 3
            assert synced[-1] == "spool"
            assert len({name for name in synced if name.endswith(".draft")}) == 2
        unlink(path, **named)

    node = open_node(tmp_path)
    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "unlink", check)
    assert restore(node.store, node.ledger) == (2, 0)
    assert [path for path in paths if path.exists()] == []
    node.close()


# What cannot be restored


def full(monkeypatch: pytest.MonkeyPatch, objects: int = 1) -> None:
    """Let the disk be full when the next so many objects are written, each in part."""
    left = objects

    def written(path: Path, content: bytes, *, sync: bool) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            write_file(path, content, sync=sync)
            return
        write_file(path, content[:100], sync=sync)
        raise system_error(errno.ENOSPC)

    monkeypatch.setattr("scp.upkeep.restoration.write_file", written)


def test_on_a_full_disk_nothing_is_removed_and_the_ledger_goes_on_vouching(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = crashed(tmp_path, slice_of(1), slice_of(2))
    content = first.read_bytes()
    os.truncate(second, 0)
    with monkeypatch.context() as patch:
        full(patch)
        node, done = start(tmp_path)
    assert (done.rewritten, done.failed) == (1, 1)
    assert first.read_bytes() == content
    assert node.files("spool") == []
    vouched = node.ledger.sealed()
    node.settle()
    assert node.ledger.sealed() == vouched[:1]
    node.close()
    os.truncate(first, 0)
    node, done = start(tmp_path)
    assert (done.rewritten, done.failed) == (1, 0)
    check_settled(node)


def test_a_torn_object_that_could_not_be_restored_is_vouched_for_even_where_it_comes_to_its_place(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = crashed(tmp_path, slice_of(1))
    ((number,),) = table(tmp_path, "SELECT id FROM receipt")
    path.rename(tmp_path / spool_path(number))
    cut_off(tmp_path / spool_path(number))
    with monkeypatch.context() as patch:
        full(patch)
        node, done = start(tmp_path)
    assert (done.rewritten, done.failed) == (0, 1)
    node.settle()
    assert node.ledger.sealed() == [number]
    node.close()
    node, done = start(tmp_path)
    assert (done.rewritten, done.failed) == (1, 0)
    check_settled(node)


def test_a_copy_that_is_damaged_costs_the_others_nothing(tmp_path: Path, told: Told) -> None:
    first, second = crashed(tmp_path, slice_of(1), slice_of(2))
    content = first.read_bytes()
    second.unlink()
    node = open_node(tmp_path)
    number, _ = node.ledger.sealed()
    node.ledger.transact(
        lambda db: db.execute("UPDATE sealed SET content = zeroblob(length(content)) WHERE id = ?", (number,))
    )
    node.close()
    draft = tmp_path / (spool_path(number) + ".draft")
    draft.write_bytes(content[:100])  # of an earlier start, which was cut off
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.failed) == (1, 1, 1)
    assert first.read_bytes() == content
    node.settle()
    assert node.ledger.sealed() == [number]
    check_sound(node)
    node.close()


def test_what_an_earlier_start_only_began_to_write_is_never_taken_for_an_object(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = crashed(tmp_path, slice_of(1))
    ((number,),) = table(tmp_path, "SELECT id FROM receipt")
    path.unlink()
    draft = tmp_path / (spool_path(number) + ".draft")
    draft.write_bytes(b"")
    unlink = Path.unlink

    def fail(one: Path, **named: Any) -> None:
        if one == draft:
            raise system_error(errno.EIO)
        unlink(one, **named)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", fail)
        node, done = start(tmp_path)
    assert (done.rewritten, done.finished) == (0, 0)
    assert node.files("archive") == []
    node.settle()
    node.close()
    node, done = start(tmp_path)
    assert (done.rewritten, done.failed) == (1, 0)
    check_settled(node)


def test_what_lies_in_the_way_stays_and_so_does_what_the_ledger_has(tmp_path: Path, told: Told) -> None:
    (path,) = crashed(tmp_path, slice_of(1))
    path.unlink()
    path.mkdir()
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.failed) == (1, 0, 1)
    node.settle()
    assert len(node.ledger.sealed()) == 1
    node.close()
    path.rmdir()
    node, done = start(tmp_path)
    assert (done.rewritten, done.finished, done.failed) == (1, 1, 0)
    check_settled(node)


def of_another_receipt(whole: bytes, _: bytes, number: int) -> bytes:
    """What this node stored under the same SOP Instance UID, of which a ledger from before knows nothing."""
    return whole.replace(as_text(number).encode(), as_text(number + 1).encode())


def of_another_system(whole: bytes, data: bytes, _: int) -> bytes:
    """A file of the same length for every element that was copied here by hand."""
    own = IMPLEMENTATION_CLASS_UID.encode()
    header = whole.removesuffix(data)
    return header[: header.index(b"\2\0\0\1UI")].replace(own, b"1.2.3".ljust(len(own), b"\0")) + data


@pytest.mark.parametrize("other", [of_another_receipt, of_another_system])
@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT)
def test_another_object_that_has_the_place_is_not_removed_for_one_that_the_ledger_vouches_for(
    tmp_path: Path, data: bytes, other: Callable[[bytes, bytes, int], bytes], told: Told
) -> None:
    """A ledger from a backup vouches for what was on its way then; what came since is nowhere but in its file."""
    (path,) = crashed(tmp_path, data)
    ((number,),) = table(tmp_path, "SELECT id FROM receipt")
    stranger = other(path.read_bytes(), data, number).replace(b"ORIGINAL", b"DERIVED\0")
    path.write_bytes(stranger)
    for _ in range(2):
        node, done = start(tmp_path)
        assert (done.rewritten, done.finished, done.failed) == (1, 0, 1)
        assert path.read_bytes() == stranger
        assert (tmp_path / spool_path(number)).read_bytes().endswith(data)
        node.settle()
        assert node.ledger.sealed() == [number]
        node.close()
    store = Store(tmp_path)
    Rebuilder(tmp_path, policies, LIMITS).run()
    store.close()
    assert path.read_bytes() == stranger


def test_an_object_that_was_sent_again_while_it_could_not_be_restored_is_kept_once(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = crashed(tmp_path, slice_of(1))
    path.unlink()
    with monkeypatch.context() as patch:
        full(patch)
        node, done = start(tmp_path)
    assert (done.rewritten, done.failed, done.missing) == (0, 1, 1)
    assert node.send(slice_of(1)).verdict.status in (0x0000, 0x0111)
    check_sound(node)
    node.close()
    node, done = start(tmp_path)
    assert (done.rewritten, done.failed, done.missing) == (1, 0, 0)
    check_settled(node)


# Syncs that fail


def test_after_a_sync_that_failed_objects_are_synced_one_by_one_and_the_next_start_writes_the_lost_ones_anew(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise system_error(errno.EIO)

    node, health = open_node(tmp_path), Health()
    lost = node.send(slice_of(1)).receipt
    chore = settling(node.store, node.ledger, health)
    with monkeypatch.context() as broken:
        broken.setattr(node.store.late, "_sync", fail)
        with pytest.raises(SyncFault):
            chore.do()
    assert set(health.troubles) == {Trouble.SYNC}
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    with monkeypatch.context() as watched:
        watched.setattr(os, "fsync", note)
        later = node.send(slice_of(2)).receipt
    assert synced[0] == Path(spool_path(later)).name
    chore.do()
    assert node.ledger.sealed() == [lost]
    node.close()
    (tmp_path / "archive").joinpath("1.2.826.0.1.1", "1.2.826.0.1.1.1", "1.2.826.0.1.1.1.1.dcm").write_bytes(b"")
    node, done = start(tmp_path)
    assert (done.rewritten, done.failed) == (1, 0)
    check_settled(node)


def test_what_could_not_be_placed_at_once_is_settled_when_it_is(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise system_error(errno.EIO)

    node = open_node(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(os, "link", fail)
        node.send(slice_of(1))
    node.settle()
    assert len(node.ledger.sealed()) == 1
    mover = Mover(node.ledger, node.store, Cases(node.ledger, node.store, LIMITS))
    again(node.store, node.intake.left_behind, mover.decided)
    check_settled(node)


def test_what_is_restored_is_told_in_one_line_that_names_nobody(tmp_path: Path, told: Told) -> None:
    for path in crashed(tmp_path, *KEPT.values()):
        path.unlink()
    with capture_logs() as lines:
        node, _ = start(tmp_path)
    (line,) = lines
    assert (line["event"], line["rewritten"], line["log_level"]) == ("recovered", 2, "info")
    assert {type(value) for name, value in line.items() if name not in ("event", "log_level")} == {int, float}
    node.close()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT)
def test_a_ledger_that_is_given_up_has_first_what_it_vouches_for_written(
    tmp_path: Path, data: bytes, damage: Callable[[Path], None]
) -> None:
    node = open_node(tmp_path)
    answer = node.send(data)
    ((path,),) = table(tmp_path, "SELECT path FROM receipt")
    whole = (tmp_path / path).read_bytes()
    node.close()
    damage(tmp_path / path)
    store = Store(tmp_path)
    done = Rebuilder(tmp_path, policies, LIMITS).run()
    store.close()
    assert (done.archived + done.quarantined, done.left_out) == (1, [])
    assert (tmp_path / path).read_bytes() == whole
    assert table(tmp_path, "SELECT id FROM receipt") == [(answer.receipt,)]
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_ledger_that_is_none_any_more_vouches_for_nothing(tmp_path: Path) -> None:
    node = open_node(tmp_path)
    node.send(slice_of(1))
    node.close()
    for name in ("ledger.sqlite3-wal", "ledger.sqlite3-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "ledger.sqlite3").write_bytes(b"spoilt" * 1000)
    store = Store(tmp_path)
    done = Rebuilder(tmp_path, policies, LIMITS).run()
    store.close()
    assert (done.archived, done.left_out) == (1, [])
