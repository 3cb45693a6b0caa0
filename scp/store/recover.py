"""At start: finish what was decided, and remove what was never acknowledged."""

from collections.abc import Callable
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


def recover(store: Store, decided: Callable[[int, Path], tuple[Placement, bytes | None] | None]) -> Recovery:
    """Empty the spool.

    ``decided`` gives the placement and the case that the ledger has for a receipt, or None if it knows no such
    receipt: then the sender got no answer, and will send again. An object that cannot be moved stays where it is.
    """
    finished = discarded = failed = 0
    for path in store.spooled():
        try:
            decision = decided(from_text(path.stem), path)
        except (ValueError, NodeFault):
            failed += 1  # not ours, or not to be decided now: it stays where it is
            continue
        if decision is None:
            path.unlink()
            discarded += 1
            continue
        try:
            store.place(path, *decision)
            finished += 1
        except NodeFault:
            failed += 1
    return Recovery(finished, discarded, failed)
