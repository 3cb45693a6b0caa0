"""Finishes what was decided, and removes what was never answered: at start the whole spool, later what was left."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from scp.errors import NodeFault, SyncFault
from scp.ids import from_text
from scp.layout import Placement
from scp.store.store import NOTHING, Store


class Decided(NamedTuple):
    """What :meth:`~scp.store.store.Store.place` needs to know of an object, in the order of its parameters."""

    placement: Placement
    case: bytes | None = None
    leaving: Mapping[str, Path] = NOTHING


@dataclass(frozen=True, slots=True)
class Recovery:
    """How many moves were finished, how many unanswered objects discarded, and for how many files neither worked."""

    finished: int
    discarded: int
    failed: int


def recover(
    store: Store,
    decided: Callable[[int, Path], Decided | None],
    paths: Iterable[Path] | None = None,
) -> Recovery:
    """Empty the spool, or take only ``paths`` out of it. Nobody may be working on these files any more.

    ``decided`` says what the ledger decided on a receipt and its file, or returns None if it knows no such receipt:
    then the sender got no answer, and will send again. A recalled object (:meth:`~scp.store.store.Store.recall`) stays
    even then. An object that cannot be moved stays where it is. Raises SyncFault if the disk fails: then nothing more
    is asked of it.
    """
    finished = discarded = failed = 0
    for path in store.spooled() if paths is None else paths:
        try:
            number = from_text(path.stem)
            decision = decided(number, path)
            if decision is None and path == store.recalled(number):
                failed += 1  # it had its place, and its sender an answer: somebody may still know whose it is
            elif decision is None:
                path.unlink(missing_ok=True)
                discarded += 1
            else:
                store.place(path, *decision)
                store.late.add(number)  # after the next sync, the ledger need not vouch for it
                finished += 1
        except SyncFault:
            raise
        except (ValueError, OSError, NodeFault):
            failed += 1  # it is not ours, or cannot be decided or moved now: it stays where it is
    return Recovery(finished, discarded, failed)
