"""``kill -9`` at every named point, and at some moments: ``scripts/crash --count 1000`` takes the full measure."""

from pathlib import Path
from random import Random
from typing import Final

import apsw
import pytest

from scp.failpoints import POINTS
from scp.layout import LEDGER
from tests.fault.crash import Victim, crash
from tests.fault.load import SENDERS, Book, batch, under_load
from tests.fault.powercut import cut_power, sealed_in
from tests.wire.conftest import StartNode

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("swept"),
]

RECOVERING: Final = ("object.linked", "object.placed")
"""Points that recovery passes too, if something is left in the spool."""


@pytest.mark.usefixtures("late")
def test_what_was_acknowledged_is_there_after_kills_at_every_point_and_some_moments(tmp_path: Path) -> None:
    victim = crash(tmp_path / "data", Random(1), [*POINTS, ""], often=0)
    assert victim.kills == len(POINTS) + 1 > victim.cuts > 5
    assert victim.spoilt > 0  # how much waits for its sync at a kill is the machine's affair


def test_a_crash_in_the_middle_of_recovery_is_recovered_from(tmp_path: Path) -> None:
    victim = Victim(tmp_path / "data")
    victim.kill_at("ledger.committed", number=7)
    for point in RECOVERING:
        victim.kill_recovering(point=point)
    victim.check()
    assert victim.kills == 1 + len(RECOVERING)


@pytest.mark.usefixtures("late")
def test_what_a_power_cut_spoils_and_nobody_vouches_for_is_found_out(tmp_path: Path) -> None:
    """Otherwise the tests above would cut nothing."""
    victim = Victim(tmp_path / "data")
    victim.kill_at("answered", number=20)
    db = apsw.Connection(str(victim.folder / LEDGER))
    # As if no sync of the file system had come in between: how many do is the machine's affair.
    db.execute("INSERT OR IGNORE INTO sealed SELECT id, x'' FROM receipt WHERE kept <> 'nowhere'")
    assert len(sealed_in(victim.folder)) > 5
    assert cut_power(victim.folder, Random(3)) > 2
    db.execute("DELETE FROM sealed")
    db.close()
    with pytest.raises(AssertionError):
        victim.check()


def test_every_sender_sends_and_reads_its_answers(start_node: StartNode) -> None:
    """Otherwise the tests above would count on nobody."""
    node = start_node()
    for send in set(SENDERS):
        book, instances = Book(), batch(4)
        book.sending(instances)
        send(node.port, instances, book)
        assert [answers[0][0] for answers in book.answers.values()] == ["0", "0", "C", "0"]
    book = Book()
    with under_load(node.port, book):
        assert node.until(lambda: book.acknowledged() > 50)
