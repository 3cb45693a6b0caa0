"""The README's recipe for a backup, taken at its word: whatever is done meanwhile, every object is in the copy."""

import re
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from scp.audit.finding import Decision
from scp.layout import QUARANTINE, Place
from scp.quarantine.acts import Quarantine
from scp.upkeep.backup import back_up
from scp.upkeep.reading import read_object
from tests.unit.nodes import Scratch, data_set, open_node
from tests.unit.quarantine.test_acts import OBSERVE, acting, mismatched, refused
from tests.unit.quarantine.test_moving import PowerCut, cut_at
from tests.unit.system import system_error
from tests.unit.upkeep.folders import heavy_slice_of
from tests.unit.upkeep.test_rebuild import rebuild

README = Path(__file__).parents[3] / "README.md"
ORDER = re.findall(r"copy ([a-z]+)", README.read_text(encoding="utf-8").partition("auditscp backup /backup/")[2])[:4]
SECOND = {"SOPInstanceUID": "1.2.9", "InstanceNumber": "2", "ImagePositionPatient": ["0", "0", "20"]}
Act = Callable[[Quarantine, int, int], object]
ACTS: dict[str, Act] = {
    "release": lambda quarantine, held, _: quarantine.release(held, "os:a"),
    "replace": lambda quarantine, _, rival: quarantine.replace(rival, "os:a", "it is right"),
    "release and replace": lambda quarantine, held, rival: (
        quarantine.replace(rival, "os:a", "it is right"),
        quarantine.release(held, "os:a"),
    ),
}  # fmt: skip


def busy(folder: Path) -> tuple[Scratch, int, int]:
    """A node with an object that can be released, and one that can replace another."""
    node = open_node(folder)
    node.send(data_set())
    rival = refused(node, data_set(PixelData=b"\1" * 32))
    held = mismatched(node, data_set(**SECOND))
    node.settle()
    return node, held, rival


def copied(folder: Path, target: Path, part: str) -> None:
    """Copy a folder as ``rsync -a`` does: what is there and differs is replaced, and nothing is removed."""
    shutil.copytree(folder / part, target / part, dirs_exist_ok=True)


def digests(folder: Path) -> set[bytes]:
    """Return what the files of a folder hold, whatever they are called."""
    found = [read_object(path) for part in set(ORDER) for path in (folder / part).rglob("*") if path.suffix != ".json"
             and path.is_file()]  # fmt: skip
    return {one.digest for one in found if one}


def spoken_of(ledger: Path) -> set[bytes]:
    with closing(apsw.Connection(str(ledger), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return {row[0] for row in db.execute("SELECT digest FROM receipt WHERE kept <> 'nowhere'")}


def test_the_recipe_copies_the_spool_first_and_quarantine_before_and_after_the_archive() -> None:
    assert ORDER == ["spool", "quarantine", "archive", "quarantine"]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("moment", range(len(ORDER) + 1))
@pytest.mark.parametrize("act", list(ACTS))
def test_an_act_at_any_moment_of_a_backup_costs_it_no_object(
    tmp_path: Path, act: str, moment: int, *, before: bool, told: object
) -> None:
    folder, target = tmp_path / "data", tmp_path / "backup"
    target.mkdir()
    node, held, rival = busy(folder)
    if before:
        for part in ORDER:
            copied(folder, target, part)
    back_up(folder / "ledger.sqlite3", target / "ledger.sqlite3")
    for step, part in enumerate([*ORDER, ""]):
        if step == moment:
            ACTS[act](acting(node, OBSERVE), held, rival)
        if part:
            copied(folder, target, part)
    node.close()
    assert len(spoken_of(target / "ledger.sqlite3")) == 3
    assert digests(target) >= spoken_of(target / "ledger.sqlite3")
    rebuild(target)
    assert spoken_of(target / "ledger.sqlite3") == spoken_of(folder / "ledger.sqlite3")


@pytest.mark.parametrize("kind", ["release", "replace"])
def test_an_act_that_was_cut_off_before_a_backup_costs_it_no_object(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    for step in range(1, 12):
        folder, target = tmp_path / f"data{step}", tmp_path / f"backup{step}"
        target.mkdir()
        node, held, rival = busy(folder)
        with monkeypatch.context() as patch, suppress(PowerCut):
            cut_at(step, patch)
            ACTS[kind](acting(node, OBSERVE), held, rival)
        back_up(folder / "ledger.sqlite3", target / "ledger.sqlite3")
        for part in ORDER:
            copied(folder, target, part)
        node.close()
        assert digests(target) >= spoken_of(target / "ledger.sqlite3")


def test_what_a_fault_left_in_the_spool_is_in_the_copy_and_has_its_place_after_the_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    folder, target = tmp_path / "data", tmp_path / "backup"
    target.mkdir()
    node = open_node(folder)
    with monkeypatch.context() as broken:
        broken.setattr("os.link", lambda *_: (_ for _ in ()).throw(system_error(5)))
        assert node.send(heavy_slice_of(1)).verdict.decision is Decision.RETRY
    back_up(folder / "ledger.sqlite3", target / "ledger.sqlite3")
    for part in ORDER:
        copied(folder, target, part)
    node.close()
    assert digests(target) == spoken_of(target / "ledger.sqlite3") != set()


def test_the_order_of_before_lost_what_was_released_between_its_two_folders(tmp_path: Path, told: object) -> None:
    """What makes the other tests worth something."""
    folder, target = tmp_path / "data", tmp_path / "backup"
    node, held, _ = busy(folder)
    copied(folder, target, "archive")
    assert acting(node, OBSERVE).release(held, "os:a").done
    copied(folder, target, QUARANTINE)
    kept = {one.digest for one in node.receipts() if one.placement.place is not Place.NOWHERE}
    assert len(kept - digests(target)) == 1
    node.close()
