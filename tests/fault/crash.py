"""Nodes that are killed under load, at named points and at any moment: what was acknowledged is there, once.

After some kills, files that were never synced are spoilt, as a power cut would.

``python -m tests.fault.crash --count 1000`` does it for as long as that takes.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from scp.failpoints import POINTS, VARIABLE
from tests.fault.load import STORED, Book, send_raw, under_load
from tests.fault.powercut import cut_power
from tests.wire.node import NodeProcess
from tests.wire.objects import digest_in
from tests.wire.soundness import assert_files_match

PER_FOLDER: Final = 25
"""Kills that one data folder goes through; then everything in it is read once more, and it begins anew."""
_LONGEST: Final = 0.4
"""Seconds under load, at most, before a kill at a random moment."""
_RECOVERING: Final = 0.8
_KILLED: Final = -signal.SIGKILL


class Victim:
    """One data folder, the nodes that live and die in it, and what was sent to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.book = Book()
        self.kills = 0
        self.cuts = 0
        self.spoilt = 0

    def node(self, point: str = "") -> NodeProcess:
        """Return a node that is not started yet, and dies at a point if one is given."""
        return NodeProcess(self.folder, environ={VARIABLE: point} if point else None)

    def kill_at(self, point: str, *, number: int = 1) -> None:
        """Look what a node remembers, and let it die under load when it passes a point for the so-manieth time."""
        node = self.node(f"{point}:{number}")
        node.launch()
        if node.comes_up():
            assert_kept(node, self.book)
            with under_load(node.port, self.book):
                node.exit_code()
        assert node.exit_code() == _KILLED, node.stderr
        self.kills += 1

    def kill_after(self, seconds: float) -> None:
        """Look what a node remembers, and kill it when it has been under load for so long."""
        with self.node() as node:
            assert_kept(node, self.book)
            with under_load(node.port, self.book):
                time.sleep(seconds)  # not to wait for anything: the moment is what chance has chosen
                node.kill()
        self.kills += 1

    def kill_recovering(self, *, point: str = "", seconds: float = 0) -> None:
        """Kill a node while it recovers: at a point, if it comes by there, or so long after it was started."""
        node = self.node(point)
        node.launch()
        if point:
            node.comes_up()
        else:
            time.sleep(seconds)  # as above
        node.kill()
        self.kills += 1

    def cut_power(self, random: Random) -> None:
        """Spoil what may not be on the disk; the node has been killed."""
        self.spoilt += cut_power(self.folder, random)
        self.cuts += 1

    def check(self) -> None:
        """Look what a node remembers, and send again what was not answered, until all of it is."""
        with self.node() as node:
            assert_kept(node, self.book)
            again = self.book.unanswered()
            if again:
                self.book.sending(again)
                send_raw(node.port, again, self.book)
            assert self.book.unanswered() == []
            assert_kept(node, self.book)
            assert node.until(lambda: node.rows("SELECT id FROM sealed") == []), "the ledger vouches for good"


def assert_kept(node: NodeProcess, book: Book) -> None:
    """Hold a quiet node against the book.

    What was answered 0000 is stored once, as it was sent; what was refused is in quarantine; each answer has its
    receipt; nothing is there that nobody sent; the spool is empty.
    """
    assert node.spooled() == []
    assert_files_match(node)
    stored = {row["uid"]: row["digest"] for row in node.rows("SELECT uid, digest FROM instance")}
    receipts = node.receipts()
    number = Counter(row["affected_sop_instance_uid"] for row in receipts)
    quarantined = {row["affected_sop_instance_uid"]: row["path"] for row in receipts if row["kept"] == "quarantine"}
    assert set(stored) | set(quarantined) <= set(book.digests), "something is kept that nobody sent"
    for uid, answers in book.answers.items():
        assert len(answers) <= number[uid] <= book.attempts[uid], f"{uid}: answered {answers}, {number[uid]} receipts"
        if not answers:
            continue
        (first, *others) = answers
        if first == STORED:
            assert set(others) <= {STORED, "0111"}, f"{uid} was answered {answers}"
            assert stored.get(uid) == book.digests[uid], f"{uid} was acknowledged and is not stored"
        else:
            assert first[0] == "C", f"{uid} was answered {answers}"
            assert set(others) <= {first}, f"{uid} was answered {answers}"
            assert digest_in(node.folder / quarantined[uid]) == book.digests[uid]
    for uid, digest in stored.items():
        assert digest == book.digests[uid]


def crash(folder: Path, random: Random, kills: Sequence[str], often: float = 0.25, cuts: float = 0.5) -> Victim:
    """Let the nodes of one folder die in one way after the other; "" is at a random moment.

    So ``often``, the next one dies too, in its recovery; so many of all deaths are power ``cuts``. Raises
    AssertionError, which tells the ways of dying.
    """
    victim, ways = Victim(folder), list[str]()

    def cut_power() -> None:
        if random.random() < cuts:
            ways[-1] += " (power cut)"
            victim.cut_power(random)

    try:
        for point in kills:
            ways.append(point or "a moment")
            if point:
                victim.kill_at(point, number=random.choice((1, 1, 2, 7)))
            else:
                victim.kill_after(random.uniform(0, _LONGEST))
            cut_power()
            if random.random() < often:
                again = random.choice(("", *POINTS))
                ways.append(f"{again or 'a moment'} in recovery")
                victim.kill_recovering(point=again, seconds=random.uniform(0, _RECOVERING))
                cut_power()
        victim.check()
    except AssertionError as error:
        raise AssertionError(f"{error}\nKilled at {', '.join(ways)}.") from error
    return victim


def main() -> None:
    """Kill so many nodes; the exit code is 1 if one forgot anything."""
    parser = argparse.ArgumentParser("scripts/crash", description="Kill nodes under load, and look what they remember.")
    parser.add_argument("--count", type=int, default=100, help="kills at random moments, besides every point (100)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="for whatever is random")
    asked = parser.parse_args()
    if asked.count < 0:
        parser.error("--count is 0 or more")
    random, started = Random(asked.seed), time.monotonic()
    moments = [*POINTS, *[""] * asked.count]
    random.shuffle(moments)
    kills = answers = cuts = spoilt = 0
    with tempfile.TemporaryDirectory(prefix="crash") as name:
        for begin in range(0, len(moments), PER_FOLDER):
            folder = Path(name) / f"data{begin}"
            try:
                victim = crash(folder, random, moments[begin : begin + PER_FOLDER])
            except AssertionError as error:
                left = Path(tempfile.mkdtemp(prefix="crash-failed")) / "data"
                folder.rename(left)
                sys.exit(f"seed {asked.seed}, after {kills} kills: {error}\nThe data folder is {left}.")
            kills, answers = kills + victim.kills, answers + victim.book.acknowledged()
            cuts, spoilt = cuts + victim.cuts, spoilt + victim.spoilt
            done = f"{kills} kills, of which {cuts} power cuts that spoilt {spoilt} files, {answers} answers read"
            print(f"{done}, {time.monotonic() - started:.0f} s: nothing lost, nothing added", flush=True)


if __name__ == "__main__":
    main()
