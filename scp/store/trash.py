"""The trash: retention moves here what leaves the archive or quarantine, and removes it once that is recorded.

An entry is named by a receipt, so that the ledger can be asked about it. A folder is a whole study, named by one of its
instances; a file is an object of quarantine or its case. The move is durable before the ledger commits; after a crash
between the two, :func:`settle` puts the entry back or removes it, as the ledger decided.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from scp.errors import NodeFault
from scp.ids import as_text, from_text
from scp.layout import TRASH, Place, Placement, case_path
from scp.store.files import fault, make_folder, sync_folder


def throw_study(folder: Path, study: Path, receipt: int, *, sync: bool) -> Path:
    """Move the folder of a study to the trash, and return where it is. Raises StoreFault if it cannot be moved."""
    entry = _trash(folder, sync=sync) / as_text(receipt)
    try:
        study.rename(entry)
    except OSError as error:
        raise fault("a study cannot be moved", error) from error
    if sync:
        sync_folder(study.parent)
        sync_folder(entry.parent)
    return entry


def throw_objects(folder: Path, objects: dict[int, str], *, sync: bool) -> list[Path]:
    """Move objects of quarantine, given by receipt and path, with their cases to the trash; return their entries.

    Files that are gone are left out. Raises StoreFault.
    """
    trash, entries, touched = _trash(folder, sync=sync), list[Path](), {folder / TRASH}
    for receipt, path in objects.items():
        for source in (folder / path, folder / case_path(path)):
            entry = trash / f"{as_text(receipt)}{source.suffix}"
            try:
                source.rename(entry)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise fault("an object cannot be moved", error) from error
            entries.append(entry)
            touched.add(source.parent)
    if sync:
        for one in touched:
            sync_folder(one)
    return entries


class Settled(NamedTuple):
    """How many entries of the trash were removed, how many put back, and how many stay because neither is possible."""

    removed: int
    restored: int
    failed: int


def settle(folder: Path, decided: Callable[[int], Placement | None], *, sync: bool) -> Settled:
    """Empty the trash.

    ``decided`` says where the ledger has the object of a receipt, or None if it knows no such receipt.
    Raises StoreFault if the trash cannot be read.
    """
    removed = restored = failed = 0
    for entry in _entries(folder):
        try:
            placement = decided(from_text(entry.stem))
            if placement is None:
                failed += 1  # a person may know whose it is
            elif placement.place is Place.NOWHERE:
                _remove(entry)
                removed += 1
            else:
                _restore(entry, folder, placement, sync=sync)
                restored += 1
        except (ValueError, OSError, NodeFault):
            failed += 1
    return Settled(removed, restored, failed)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted((folder / TRASH).iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise fault("the trash cannot be read", error) from error


def _trash(folder: Path, *, sync: bool) -> Path:
    try:
        make_folder(folder / TRASH, sync=sync)
    except OSError as error:
        raise fault("the trash cannot be made", error) from error
    return folder / TRASH


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _restore(entry: Path, folder: Path, placement: Placement, *, sync: bool) -> None:
    """Put files back one by one; a file that has come to their place meanwhile stays."""
    files = [path for path in entry.rglob("*") if path.is_file()] if entry.is_dir() else [entry]
    study = Path(*Path(placement.path).parts[:2])
    for source in files:
        if entry.is_dir():
            target = folder / study / source.relative_to(entry)
        else:
            target = (folder / placement.path).with_suffix(entry.suffix)
        make_folder(target.parent, sync=sync)
        with suppress(FileExistsError):
            os.link(source, target)
        if sync:
            sync_folder(target.parent)
    _remove(entry)
