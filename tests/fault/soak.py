"""A node with peers of every sort for a long time: what it holds of memory, threads and descriptors stays flat.

``python -m tests.fault.soak --minutes 30`` prints a table and ends with 1 if anything grows. One node speaks plain
DICOM and one speaks TLS; good peers send to both, slow and broken ones too.
"""

import argparse
import ssl
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.certificates import Authority
from tests.fault.load import SENDERS, Book, Send, batch
from tests.wire.fuzz import recordings_in, send
from tests.wire.mutation import Mutator
from tests.wire.node import NodeProcess
from tests.wire.peer import P_DATA, HungUpError, Peer, RejectedError, pdv
from tests.wire.recording import Recording

SETTINGS: Final = "[association]\nacse_timeout = 5\nnetwork_timeout = 20\n"
_GOOD: Final = ("PYNETDICOM", "STORESCU", "DCMSEND")
QUARTERS: Final = 4
"""Parts of the time; what grows is seen by comparing the last of them with the second, so that each needs a look."""
_MOST_GROWTH: Final = 1.10
_MARGIN: Final = 8 << 20
_PAGE_CACHE: Final = 16 << 20  # as the ledger asks of SQLite
_PAUSE: Final = 0.2  # seconds between two things that one peer does: a hospital, not a benchmark
_SLOW: Final = 200  # bytes that a slow peer sends at a time, and what it waits then
_SLOW_PAUSE: Final = 0.1

Deed = Callable[[], None]
"""What a peer does again and again; it ends by itself."""


class Sample(NamedTuple):
    """One look at a node."""

    node: str
    seconds: float
    instances: int
    memory: int
    ledger: int
    threads: int
    descriptors: int

    def row(self) -> str:
        """Write it as a row of the table."""
        return (
            f"{self.node:6} {self.seconds:8.0f} {self.instances:10} {self.memory / 2**20:9.1f}"
            f" {self.ledger / 2**20:9.1f} {self.threads:8} {self.descriptors:12}"
        )


HEADING: Final = (
    f"{'node':6} {'seconds':>8} {'instances':>10} {'MiB':>9} {'ledger':>9} {'threads':>8} {'descriptors':>12}"
)


def look(name: str, node: NodeProcess, started: float) -> Sample:
    """Look at a node."""
    (row,) = node.rows("SELECT count(*) AS instances FROM instance")
    seconds = time.monotonic() - started
    ledger = (node.folder / "ledger.sqlite3").stat().st_size
    return Sample(name, seconds, row["instances"], node.memory(), ledger, node.threads(), node.descriptors())


def good(port: int, sender: Send) -> Deed:
    """Send batches and expect every answer."""

    def act() -> None:
        book, instances = Book(), batch(4)
        book.sending(instances)
        sender(port, instances, book)
        assert book.unanswered() == [], f"{len(book.unanswered())} of {len(instances)} were not answered"

    return act


def good_over_tls(port: int, client: ssl.SSLContext) -> Deed:
    """Send a batch over TLS."""

    def act() -> None:
        instances = batch(4)
        with Peer.of(port, *instances, tls=client) as peer:
            assert all(peer.store(one).status in ("0000", "C0A2") for one in instances)

    return act


def slow(port: int) -> Deed:
    """Send an instance in small pieces, a little faster than one may not be."""

    def act() -> None:
        (one,) = batch(1)
        with Peer.of(port, one) as peer:
            peer.request(one)
            for start in range(0, len(one.data), _SLOW):
                piece = pdv(1, 2 * (start + _SLOW >= len(one.data)), one.data[start : start + _SLOW])
                peer.send_raw(struct.pack(">BxI", P_DATA, len(piece)) + piece)
                time.sleep(_SLOW_PAUSE)
            peer.response()

    return act


def silent(port: int) -> Deed:
    """Connect, say nothing or half of something, and wait until the node has had enough."""

    def act() -> None:
        peer = Peer(port)
        peer.send_raw(b"\1\0\0")
        peer.hung_up()

    return act


def vanishing(port: int, random: Random) -> Deed:
    """Hang up in mid Data Set, one way or the other."""

    def act() -> None:
        (one,) = batch(1)
        peer = Peer.of(port, one).associate()
        peer.send_data(one.data[:100], context=peer.request(one), last=False)
        random.choice((Peer.reset, Peer.abort, Peer.close))(peer)

    return act


def broken(port: int, mutator: Mutator) -> Deed:
    """Send what chance has left of a real association."""
    return lambda: void(send(port, mutator.attack()))


def void(_: object) -> None:
    """Do without a result."""


@contextmanager
def peers(deeds: Sequence[tuple[str, Deed]]) -> Iterator[list[str]]:
    """Let every peer do its deed again and again until the block ends; give what failed, as it happens."""
    enough, failures = threading.Event(), list[str]()

    def keep_doing(name: str, deed: Deed) -> None:
        while not enough.wait(_PAUSE):
            try:
                # Peers that mean no good may be cut off or turned away; of the good ones, asserts speak.
                with suppress(HungUpError, RejectedError, OSError):
                    deed()
            except Exception as error:
                failures.append(f"{name}: {type(error).__name__} {error}")

    threads = [threading.Thread(target=keep_doing, args=one, daemon=True) for one in deeds]
    for one in threads:
        one.start()
    try:
        yield failures
    finally:
        enough.set()
        for one in threads:
            one.join()


def soak(folder: Path, seconds: float, every: float, tell: Callable[[str], None]) -> list[str]:
    """Let peers of every sort at two nodes for so long; return what is wrong."""
    authority = Authority(folder)
    holder, client, older = authority.issue("node.example"), authority.client(), authority.client()
    older.maximum_version = ssl.TLSVersion.TLSv1_2  # whose sessions the node remembers
    secured = f'[tls]\nenabled = true\ncertificate = "{holder.certificate}"\nkey = "{holder.key}"\n'
    recordings = [_as_somebody_else(one) for one in recordings_in(folder)]
    with ExitStack() as stack:
        nodes = {
            name: stack.enter_context(NodeProcess(folder / name, SETTINGS + more))
            for name, more in (("plain", ""), ("tls", secured))
        }
        plain, tls = (node.port for node in nodes.values())
        deeds: list[tuple[str, Deed]] = [(f"good {number}", good(plain, one)) for number, one in enumerate(SENDERS)]
        deeds += [("tls", good_over_tls(tls, client)), ("tls 1.2", good_over_tls(tls, older))]
        deeds += [("slow", slow(plain))] * 4
        deeds += [(f"silent {port}", silent(port)) for port in (plain, plain, tls, tls)]
        deeds += [("vanishing", vanishing(plain, Random(1))), ("broken", broken(plain, Mutator(recordings, 1)))]
        deeds += [("broken over tls", broken(tls, Mutator(recordings, 2)))]
        for deed in (good(plain, SENDERS[0]), good_over_tls(tls, client)):
            deed()
        started = time.monotonic()
        idle = {name: look(name, node, started) for name, node in nodes.items()}
        samples: list[Sample] = []
        tell(HEADING)
        with peers(deeds) as failures:
            for _ in range(round(seconds / every)):
                if failures:
                    break
                time.sleep(every)  # between two looks there is nothing to wait for
                for name, node in nodes.items():
                    samples.append(look(name, node, started))
                    tell(samples[-1].row())
        problems = [*failures[:3], *(_cut_off(nodes["plain"]) if failures else ())]
        for name, node in nodes.items():
            problems += _left_behind(node, idle[name]) + _growth([one for one in samples if one.node == name])
            problems += [f"{name}: {line}" for line in node.complaints() if line["event"] != "library"][:3]
        return problems


def _as_somebody_else(recording: Recording) -> Recording:
    """Change the calling AE title (PS3.8 Table 9-11), so that the log tells broken peers from good ones."""
    proposal, *others = recording.pdus
    return Recording(recording.name, (proposal[:26] + b"BROKEN".ljust(16) + proposal[42:], *others))


def _cut_off(node: NodeProcess) -> list[str]:
    """Tell how the last associations ended that were not released, of those who are good."""
    closed = [line for line in node.lines("association_closed") if line["calling_ae_title"] in _GOOD]
    return [str(dict(line)) for line in closed if line["ending"] != "released"][-3:]


def _left_behind(node: NodeProcess, idle: Sample) -> list[str]:
    """Tell what a node holds when everybody has gone, and did not hold before they came."""
    if node.until(lambda: node.threads() <= idle.threads and node.descriptors() <= idle.descriptors):
        return []
    now = node.threads(), node.descriptors()
    return [f"{idle.node}: {now} threads and descriptors are left; before, {(idle.threads, idle.descriptors)}"]


def _growth(samples: Sequence[Sample]) -> list[str]:
    """Tell what is larger in the last quarter than in the second; in the first, caches fill.

    Memory may grow with the ledger as far as SQLite keeps pages of it.
    """
    quarter = len(samples) // QUARTERS
    if not quarter:
        return []

    def halves(of: Callable[[Sample], float]) -> tuple[float, float]:
        second, last = samples[quarter : 2 * quarter], samples[-quarter:]
        return statistics.median(map(of, second)), statistics.median(map(of, last))

    before, after = halves(lambda one: min(one.ledger, _PAGE_CACHE))
    measures: Sequence[tuple[str, Callable[[Sample], float], float]] = (
        ("memory", lambda one: one.memory, _MARGIN + after - before),
        ("threads", lambda one: one.threads, 4),
        ("descriptors", lambda one: one.descriptors, 8),
    )
    grown = ((name, *halves(of), margin) for name, of, margin in measures)
    return [
        f"{samples[0].node}: {name} grew from {early:.0f} to {late:.0f}"
        for name, early, late, margin in grown
        if late > early * _MOST_GROWTH + margin
    ]


def main() -> None:
    """Soak two nodes; the exit code is 1 if they do not stay as they are."""
    parser = argparse.ArgumentParser("scripts/soak", description="Peers of every sort for a long time: nothing grows.")
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--every", type=float, default=30, help="seconds between two looks (30)")
    asked = parser.parse_args()
    if not 0 < asked.every * QUARTERS <= 60 * asked.minutes:
        parser.error(f"growth is seen by {QUARTERS} looks or more: more --minutes are needed, or --every less, above 0")
    with tempfile.TemporaryDirectory(prefix="soak") as name:
        problems = soak(Path(name), 60 * asked.minutes, asked.every, lambda line: print(line, flush=True))
    if problems:
        sys.exit("\n".join(("Not flat:", *problems)))
    print("Flat: memory, threads and descriptors are what they were.")


if __name__ == "__main__":
    main()
