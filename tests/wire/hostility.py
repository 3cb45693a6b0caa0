"""What a node owes to everybody else while somebody is hostile to it."""

import itertools
from collections.abc import Iterator
from typing import Final

from tests.wire.node import Line, NodeProcess
from tests.wire.objects import ct
from tests.wire.peer import Peer
from tests.wire.soundness import assert_sound

IMPATIENT: Final = "[association]\nacse_timeout = 3\nnetwork_timeout = 3\n"
"""Each of these is waited for by some tests; any less, and good peers on a busy machine were cut off as well."""

_studies: Final = itertools.count(1_000_000)


def serve_good_peer(node: NodeProcess) -> str:
    """Associate, store and release, as anybody may at any time; return the status, which is 0000."""
    instance = ct(1, next(_studies))
    with Peer.of(node.port, instance) as peer:
        status = peer.store(instance).status
    assert status == "0000"
    return status


def unharmed(node: NodeProcess) -> Iterator[NodeProcess]:
    """Give a node without associations; whatever is done to it then, it must have nothing left of that."""
    threads = node.threads()
    serve_good_peer(node)
    assert node.until(lambda: node.threads() <= threads)
    descriptors = node.descriptors()
    yield node
    serve_good_peer(node)
    assert node.until(lambda: node.threads() <= threads), "threads are left"
    assert node.until(lambda: node.descriptors() <= descriptors), "descriptors are left"
    assert_sound(node)


def closed_line(node: NodeProcess, peer: Peer) -> Line:
    """Wait for the end of a peer's association, and return the line about it."""
    opened = node.wait_for("association_opened", port=peer.local_port)[-1]  # the system gives ports again
    (closed,) = node.wait_for("association_closed", association=opened["association"])
    return closed


def outcomes(node: NodeProcess, closed: Line) -> list[str]:
    """Return what became of the requests of an association that ended, in their order."""
    return [row["outcome"] for row in node.receipts() if row["association"] == closed["association"]]
