"""Finish what was decided, and remove what was never acknowledged: at start the whole spool, later what was left."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scp.errors import NodeFault
from scp.ids import from_text
from scp.layout import Placement
from scp.store.store import Store


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery did: moves that it finished, objects that nobody had been told about, moves that failed."""

    finished: int
    discarded: int
    failed: int


Decided = tuple[Placement, bytes | None] | tuple[Placement, bytes | None, Mapping[str, Path]]
"""What :meth:`~scp.store.store.Store.place` needs to know of an object: its placement, its case, what it leaves."""


def recover(
    store: Store,
    decided: Callable[[int, Path], Decided | None],
    paths: Iterable[Path] | None = None,
) -> Recovery:
    """Empty the spool, or take these files out of it: none that is still being worked on.

    ``decided`` gives the placement and the case that the ledger has for a receipt, or None if it knows no such
    receipt: then the sender got no answer, and will send again; what was recalled stays all the same. An object that
    cannot be moved stays where it is.
    """
    finished = discarded = failed = 0
    for path in store.spooled() if paths is None else paths:
        try:
            number = from_text(path.stem)
            decision = decided(number, path)
            if decision is None and path == store.recalled(number):
                failed += 1  # it had its place once, and its sender an answer: somebody may know whose it is
            elif decision is None:
                path.unlink(missing_ok=True)
                discarded += 1
            else:
                store.place(path, *decision)
                store.late.add(number)  # if the ledger vouches for it, it need not any more
                finished += 1
        except (ValueError, OSError, NodeFault):
            failed += 1  # not ours, or not to be decided or moved now: it stays where it is
    return Recovery(finished, discarded, failed)
