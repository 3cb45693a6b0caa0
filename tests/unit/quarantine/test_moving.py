"""An act that is cut off anywhere is done after the next start, or the next act, or has never been."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from scp.cases import Cases
from scp.dicom.part10 import Part10, read_file
from scp.errors import NodeFault
from scp.ids import as_text, new_id
from scp.layout import Place
from scp.ledger.sqlite import SqliteLedger
from scp.quarantine.acts import Quarantine, Result
from scp.quarantine.moving import Mover
from scp.store.recover import Recovery, recover
from scp.store.store import Store
from tests.unit.nodes import LIMITS, Scratch, data_set, open_node
from tests.unit.quarantine.test_acts import OBSERVE, WHO, acting, acts, mismatched, receipt, refused
from tests.unit.upkeep.test_verify import flaws

IMAGE = data_set()
OTHER_PIXELS = data_set(PixelData=b"\1" * 32)


class PowerCut(BaseException):
    """Nothing that comes after is done: no handler for errors of ours stops it."""


Act = Callable[[Quarantine, int], Result]
ACTS: dict[str, Act] = {
    "release": lambda quarantine, number: quarantine.release(number, WHO),
    "replace": lambda quarantine, number: quarantine.replace(number, WHO, "the second is right"),
    "drop": lambda quarantine, number: quarantine.drop(number, WHO, "a test"),
}


def prepared(folder: Path, kind: str) -> tuple[Scratch, int]:
    """A node with an object that the act is about."""
    node = open_node(folder)
    if kind == "release":
        return node, mismatched(node, IMAGE)
    node.send(IMAGE)
    return node, refused(node, OTHER_PIXELS)


def restarted(folder: Path) -> tuple[Scratch, Recovery]:
    """The node after its next start."""
    node = open_node(folder)
    mover = Mover(node.ledger, node.store, Cases(node.ledger, node.store, LIMITS))
    with node.store.acting():
        return node, recover(node.store, mover.decided)


def cut_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the power before the n-th change of a file name from now on."""
    count = 0
    for name in ("link", "unlink", "replace", "rename"):
        real = getattr(os, name)

        def changed(*arguments: Any, real: Callable[..., None] = real, **named: Any) -> None:
            nonlocal count
            count += 1
            if count == step:
                raise PowerCut
            real(*arguments, **named)

        monkeypatch.setattr(os, name, changed)


def check_sound(node: Scratch) -> None:
    """Every object is where the ledger says, with the bytes that came; there is nothing else."""
    kept = {one.placement.path: one for one in node.receipts() if one.placement.place is not Place.NOWHERE}
    there = {f"{place}/{path}" for place in ("archive", "quarantine") for path in node.files(place)}
    cases = {path for path in there if path.endswith(".json")}
    assert there - cases == set(kept)
    assert {path.replace(".json", ".dcm") for path in cases} == {path for path in kept if path.startswith("quarantine")}
    assert node.files("spool") == []
    for path, one in kept.items():
        whole = (node.folder / path).read_bytes()
        part10 = read_file(whole)
        assert isinstance(part10, Part10)
        assert blake3(whole[part10.offset :]).digest() == one.digest, path
    instances = node.ledger.transact(lambda db: [row[0] for row in db.execute("SELECT id FROM instance ORDER BY id")])
    assert instances == sorted(one.id for one in kept.values() if one.placement.place is Place.ARCHIVE)


@pytest.mark.parametrize("next_comes", ["a start", "an act"])
@pytest.mark.parametrize("kind", list(ACTS))
def test_an_act_is_done_or_has_never_been_wherever_it_is_cut_off(
    tmp_path: Path, kind: str, next_comes: str, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    outcomes = []
    for step in range(1, 100):
        folder = tmp_path / str(step)
        node, number = prepared(folder, kind)
        before = {one.id: one.placement for one in node.receipts()}
        try:
            with monkeypatch.context() as patch:
                cut_at(step, patch)
                ACTS[kind](acting(node, OBSERVE), number)
        except PowerCut:
            pass
        else:
            node.close()
            break
        if next_comes == "a start":
            node.close()
            node, _ = restarted(folder)
        else:
            assert not acting(node).drop(new_id(), WHO, "anything").done
        check_sound(node)
        done = bool(acts(node, number))
        outcomes.append(done)
        assert ({one.id: one.placement for one in node.receipts()} != before) == done
        node.close()
    assert outcomes == sorted(outcomes), "once it is decided it is done"
    assert {True, False} == set(outcomes)


def test_an_act_after_which_the_disk_fails_is_decided_and_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    node, number = prepared(tmp_path, "replace")
    real = Store.place

    def fails(*_: Any) -> None:
        raise NodeFault("the disk is gone")

    quarantine = acting(node)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "place", fails)
        with pytest.raises(NodeFault, match="the disk is gone"):
            quarantine.replace(number, WHO, "the second is right")
        assert node.send(data_set(PixelData=b"\2" * 32)).verdict.status == 0xA700
    assert Store.place is real
    assert len(node.files("spool")) == 3
    with node.store.data_set(receipt(node, number).placement.path, number) as (data, _):
        assert bytes(data) in (IMAGE, OTHER_PIXELS), "nobody is told that it is not there"
    quarantine.drop(new_id(), WHO, "anything")
    assert all(path.endswith(".part") for path in node.files("spool"))
    node.close()
    node, recovered = restarted(tmp_path)
    assert (recovered.finished, recovered.failed) == (1, 0)
    check_sound(node)
    node.close()


def test_a_case_that_is_there_is_not_made_again_from_less(tmp_path: Path, told: object) -> None:
    """The ledger keeps no more of what should be a UID than it may; the case has what the peer said."""
    node = open_node(tmp_path)
    number = refused(node, IMAGE, sop_instance_uid="Doe^John")
    (path,) = (tmp_path / "quarantine").rglob("*.json")
    before = path.read_bytes()
    node.store.recall(receipt(node, number).placement.path, number)
    node.close()
    node, recovered = restarted(tmp_path)
    assert recovered == Recovery(1, 0, 0)
    assert path.read_bytes() == before
    node.close()


def test_a_second_name_of_something_that_the_ledger_does_not_know_stays(tmp_path: Path, told: object) -> None:
    node = open_node(tmp_path)
    stray = node.folder / "spool" / f"{as_text(new_id())}.move"
    stray.write_bytes(b"")
    (node.folder / "spool" / "notes.move").write_bytes(b"")
    acting(node).drop(new_id(), WHO, "anything")
    assert node.files("spool") == [stray.name, "notes.move"]
    node.close()


def test_what_cannot_be_moved_now_holds_up_no_other_act(tmp_path: Path, told: object) -> None:
    node = open_node(tmp_path)
    node.send(IMAGE)
    stuck, other = mismatched(node, data_set(SOPInstanceUID="1.2.9")), refused(node, OTHER_PIXELS)
    path = receipt(node, stuck).placement.path
    node.store.recall(path, stuck)
    (tmp_path / path).unlink()
    (tmp_path / path).write_bytes(b"something else")
    assert acting(node).drop(other, WHO, "a test").done
    assert node.files("spool") == [f"{as_text(stuck)}.move"]
    node.close()


def test_a_ledger_of_its_own_is_enough(tmp_path: Path, told: object) -> None:
    """Nothing of an act is in the memory of the process that began it."""
    node, number = prepared(tmp_path, "replace")
    node.store.recall(receipt(node, number).placement.path, number)
    node.close()
    store, ledger = Store(tmp_path, holder=None), SqliteLedger(tmp_path / "ledger.sqlite3")
    assert Quarantine(ledger, store, lambda _: OBSERVE, LIMITS).replace(number, WHO, "the second is right").done
    ledger.close()
    store.close()
    node, recovered = restarted(tmp_path)
    assert recovered == Recovery(0, 0, 0)
    check_sound(node)
    node.close()


@pytest.mark.parametrize("kind", ["release", "replace"])
def test_what_an_act_was_moving_when_it_was_cut_off_is_nothing_that_is_wrong(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    for step in range(1, 100):
        folder = tmp_path / str(step)
        node, number = prepared(folder, kind)
        try:
            with monkeypatch.context() as patch:
                cut_at(step, patch)
                ACTS[kind](acting(node, OBSERVE), number)
        except PowerCut:
            pass
        else:
            assert step > 5
            break
        assert flaws(folder) == [], step
        node.close()
