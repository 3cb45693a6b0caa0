"""Every file is held against the ledger: what is missing, changed, unreadable or unknown is named, and nothing else."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from scp.ids import new_id
from scp.layout import case_path, spool_path
from scp.ledger.kept import kept, place_of
from scp.ledger.reading import open_reader
from scp.upkeep import verify
from scp.upkeep.pace import Pace
from scp.upkeep.reading import read_object
from scp.upkeep.verify import Flaw, Sort, Verifier
from tests.unit.upkeep.folders import table


def flaws(folder: Path, since: int = 0) -> list[Flaw]:
    with closing(open_reader(folder / "ledger.sqlite3")) as db:
        return list(Verifier(folder, db, Pace(), since).run())


def found(folder: Path) -> list[tuple[Sort, str]]:
    return sorted((one.sort, one.path) for one in flaws(folder))


def archived(folder: Path) -> Path:
    return min((folder / "archive").rglob("*.dcm"))


def quarantined(folder: Path) -> tuple[int, Path]:
    ((number, path),) = table(folder, "SELECT id, path FROM receipt WHERE kept = 'quarantine' ORDER BY id LIMIT 1")
    return number, folder / path


def name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def test_a_folder_in_good_order_has_no_flaws_and_was_read_whole(folder: Path) -> None:
    with closing(open_reader(folder / "ledger.sqlite3")) as db:
        verifier = Verifier(folder, db, Pace())
        told: list[int] = []
        assert list(verifier.run(told.append)) == []
        sizes = [one.size for one in kept(db)]
    assert told == sizes
    assert (verifier.extent.objects, verifier.extent.bytes) == (7, sum(sizes))
    assert verifier.extent.files == 10  # three cases too


def test_a_file_that_is_not_there_is_missing(folder: Path) -> None:
    number, path = quarantined(folder)
    path.unlink()
    (flaw,) = flaws(folder)
    assert flaw == Flaw(Sort.MISSING, name(folder, path), number, "there is no such file")


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "other bytes"),
        (lambda content: content[:-2], "604 bytes instead of 606"),
        (lambda content: content + b"\0\0", "608 bytes instead of 606"),
        (lambda content: b"", "it is not a DICOM file any more"),
        (lambda content: content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0", 1),
         "its header names another Transfer Syntax"),
    ],
)  # fmt: skip
def test_a_file_of_other_bytes_is_changed(folder: Path, damage: Callable[[bytes], bytes], detail: str) -> None:
    path = archived(folder)
    path.write_bytes(damage(path.read_bytes()))
    (flaw,) = flaws(folder)
    assert (flaw.sort, flaw.path, flaw.detail) == (Sort.CHANGED, name(folder, path), detail)


def test_what_the_disk_does_not_give_is_unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archived(folder)

    def failing(asked: Path, spend: Callable[[int], None]) -> object:
        if asked == path:
            raise OSError(5, "Input/output error")
        return read_object(asked, spend)

    monkeypatch.setattr(verify, "read_object", failing)
    (flaw,) = flaws(folder)
    assert (flaw.sort, flaw.path, flaw.detail) == (Sort.UNREADABLE, name(folder, path), "Input/output error, errno 5")


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (None, "there is no such file"),
        (b"{", "line 1, column 2: expected JSON in UTF-8"),
        (b"[]", "expected an object, found a list"),
        (b'{"version": 1, "case": "0000000000000"}', "receipt: expected an object, found nothing"),
    ],
)
def test_a_case_that_says_nothing_about_its_object_is_bad(folder: Path, content: bytes | None, detail: str) -> None:
    number, path = quarantined(folder)
    case = folder / case_path(name(folder, path))
    case.unlink()
    if content is not None:
        case.write_bytes(content)
    (flaw,) = flaws(folder)
    assert flaw == Flaw(Sort.BAD_CASE, name(folder, case), number, detail)


def test_a_case_that_speaks_of_other_bytes_is_bad(folder: Path) -> None:
    _, path = quarantined(folder)
    case = folder / case_path(name(folder, path))
    document = orjson.loads(case.read_bytes())
    document["receipt"]["blake3"] = "0" * 64
    case.write_bytes(orjson.dumps(document))
    (flaw,) = flaws(folder)
    assert (flaw.sort, flaw.detail) == (Sort.BAD_CASE, "receipt.blake3: it is about another object")


@pytest.mark.parametrize(
    "path",
    [
        "archive/notes.txt", "archive/1.2/1.2.3/1.2.3.4.dcm", "quarantine/2026-01-02/0000000000007.dcm",
        "quarantine/2026-01-02/0000000000007.json", "quarantine/2026-01-02/0000000000007.json.part",
        "quarantine/readme.md",
    ],
)  # fmt: skip
def test_a_file_that_no_receipt_speaks_of_is_unknown(folder: Path, path: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(b"anything")
    assert flaws(folder) == [Flaw(Sort.UNKNOWN, path, None, "no receipt says so")]


def test_a_stored_instance_in_another_place_is_unknown_there(folder: Path) -> None:
    path = archived(folder)
    (folder / "archive" / path.name).write_bytes(path.read_bytes())
    assert found(folder) == [(Sort.UNKNOWN, f"archive/{path.name}")]


def test_links_are_no_files_and_are_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.dcm").write_bytes(b"")
    (folder / "archive" / "there").symlink_to(outside)
    path = archived(folder)
    path.rename(outside / path.name)
    path.symlink_to(outside / path.name)
    assert found(folder) == [(Sort.UNKNOWN, "archive/there"), (Sort.UNREADABLE, name(folder, path))]


def test_an_object_on_its_way_out_of_the_spool_is_all_right(folder: Path) -> None:
    ((number,),) = table(folder, "SELECT id FROM receipt WHERE kept = 'archive' ORDER BY id LIMIT 1")
    ((path,),) = table(folder, f"SELECT path FROM receipt WHERE id = {number}")
    (folder / path).rename(folder / spool_path(number))
    (folder / spool_path(new_id())).write_bytes(b"being received")
    assert flaws(folder) == []


def test_a_case_that_is_being_written_is_all_right(folder: Path) -> None:
    number, path = quarantined(folder)
    path.rename(folder / spool_path(number))
    case = folder / case_path(name(folder, path))
    case.rename(case.with_suffix(".json.part"))
    assert flaws(folder) == []


def test_a_draft_of_a_case_that_nobody_writes_any_more_is_unknown(folder: Path) -> None:
    _, path = quarantined(folder)
    path.with_suffix(".json.part").write_bytes(b"{")
    assert found(folder) == [(Sort.UNKNOWN, name(folder, path.with_suffix(".json.part")))]


def test_what_the_ledger_lets_go_of_meanwhile_is_not_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number, path = quarantined(folder)
    path.unlink()
    case = folder / case_path(name(folder, path))
    monkeypatch.setattr(verify, "place_of", lambda db, one: None if one == number else place_of(db, one))
    assert found(folder) == [(Sort.UNKNOWN, name(folder, case))]
    case.unlink()
    assert flaws(folder) == []


def test_only_what_came_since_is_looked_at(folder: Path) -> None:
    receipts = table(folder, "SELECT received, path FROM receipt WHERE kept <> 'nowhere' ORDER BY id")
    for _, path in receipts:
        (folder / path).unlink()
    old = folder / "archive" / "old.txt"
    old.write_bytes(b"")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    (folder / "archive" / "new.txt").write_bytes(b"")
    newest = receipts[-1]
    missing = [one for one in flaws(folder, newest[0]) if one.sort is Sort.MISSING]
    assert [one.path for one in missing] == [newest[1]]
    unknown = [[one.path for one in flaws(folder, since) if one.sort is Sort.UNKNOWN] for since in (0, newest[0])]
    assert unknown == [["archive/new.txt", "archive/old.txt"], ["archive/new.txt"]]


def test_a_ledger_of_many_pages_is_read_to_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.ledger.kept._PAGE", 2)
    with closing(open_reader(folder / "ledger.sqlite3")) as db:
        numbers = [one.receipt for one in kept(db)]
    rows = table(folder, "SELECT id FROM receipt WHERE kept <> 'nowhere' ORDER BY id DESC")
    assert numbers == [row[0] for row in rows]
    assert len(numbers) == 7


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_no_more_is_read_in_a_second_than_was_allowed() -> None:
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    for _ in range(10):
        pace.spend(500)
    assert clock.now == pytest.approx(105.0)
    clock.now += 60  # what was not used is not saved up
    pace.spend(500)
    pace.spend(500)
    assert clock.now == pytest.approx(166.0)


def test_without_a_rate_nobody_waits() -> None:
    clock = Clock()
    Pace(None, clock, clock.sleep).spend(1 << 40)
    assert clock.now == 100.0
