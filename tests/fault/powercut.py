"""What a power cut may do, beyond a kill, to files that were never synced: as far as that can be had without one.

After a kill, the system still has everything that was written. So what the ledger vouches for, because it may not be on
the disk, is spoilt: bytes and names, each as chance will have it. All else was synced, and is left alone.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

import apsw

from scp.layout import LEDGER, SPOOL, spool_path

Damage = Callable[[Path, Random], None]


def _cut_off(path: Path, random: Random) -> None:
    os.truncate(path, random.randrange(path.stat().st_size + 1))


def _blank(path: Path, _: Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _overwrite(path: Path, random: Random) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(random.randrange(size + 1))
        file.write(random.randbytes(random.randint(1, 4096)))


DAMAGES: Final[tuple[Damage, ...]] = (
    lambda path, _: os.truncate(path, 0),
    _cut_off,
    _blank,
    _overwrite,
    lambda *_: None,
)
"""Of the bytes of a file: empty, a beginning, blocks that were never written, others, or all of it."""


def sealed_in(folder: Path) -> dict[int, str]:
    """Return the receipts whose files the ledger of a node that does not run vouches for, with the places of these."""
    if not (folder / LEDGER).exists():
        return {}
    with closing(apsw.Connection(str(folder / LEDGER), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sealed'").get:
            return {}
        rows = db.execute("SELECT receipt.id, receipt.path FROM sealed JOIN receipt USING (id) ORDER BY receipt.id")
        return {int(number): str(path) for number, path in rows}


def cut_power(folder: Path, random: Random) -> int:
    """Spoil what the ledger of a node that was killed vouches for, and return of how many files something is lost.

    Names in the archive and in the spool may be missing, and one that was removed from the spool may be back; folders
    of which nothing else is known may be missing with all that is in them.
    """
    sealed = sealed_in(folder)
    spoilt = 0
    for number, place in sealed.items():
        names = [folder / place, folder / spool_path(number)]
        there = [name for name in names if name.exists()]
        if not there:
            continue
        before = there[0].read_bytes()
        random.choice(DAMAGES)(there[0], random)
        _rename(names, there, random)
        spoilt += not (folder / place).exists() or (folder / place).read_bytes() != before
    for draft in (folder / SPOOL).glob("*.draft"):
        _cut_off(draft, random)
    return spoilt + _lose_folders(folder, {folder / place for place in sealed.values()}, random)


def _rename(names: Iterable[Path], there: list[Path], random: Random) -> None:
    """Let each of a file's names be there or not, whatever it was before."""
    missing = [name for name in names if name not in there and name.parent.is_dir()]
    for name in missing:
        if random.random() < 0.2:
            name.hardlink_to(there[0])
    for name in there:
        if random.random() < 0.3:
            name.unlink()


def _lose_folders(folder: Path, sealed: set[Path], random: Random) -> int:
    """Remove some of the archive's folders that hold nothing but what the ledger vouches for, and empty ones above."""
    lost = 0
    for series in sorted({path.parent for path in sealed if path.is_relative_to(folder / "archive")}):
        if not series.is_dir() or not set(series.iterdir()) <= sealed or random.random() < 0.5:
            continue
        for path in list(series.iterdir()):
            path.unlink()
            lost += 1
        series.rmdir()
        if not any(series.parent.iterdir()):
            series.parent.rmdir()
    return lost
