"""Whatever fails on our side: the sender may try again, the node says that it is not well, and nothing is half done.

Calls are made to fail in the running node, and succeed again when the cause is gone: no restart in between, unless a
test is about that.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.fault.injection import SmallDisk, delayed, failing, largest_file, locked, moved_away, spoil, touch
from tests.fault.trace import why_not_running
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, large_ct
from tests.wire.peer import Peer, Response
from tests.wire.soundness import assert_files_match, assert_sound

OURS: Final = ("fault", "node_unhealthy")
NO_RESERVE: Final = "[storage]\nreserve_bytes = 0\n"
TRY_AGAIN: Final = "cannot store now, try again"


@pytest.fixture(scope="module")
def traceable() -> None:
    """Skip where processes that run cannot be traced."""
    if reason := why_not_running():
        pytest.skip(reason)


StartFaulty = Callable[..., NodeProcess]


def faulty_nodes(folder: Path) -> Iterator[StartFaulty]:
    """Give what starts nodes that are to suffer; at the end each must stop properly and hold what it should.

    Log and ledger may differ: receipts that could not be written while the ledger failed are told all the same.
    """
    with ExitStack() as stack:
        started: list[NodeProcess] = []

        def start(settings: str = "") -> NodeProcess:
            one = stack.enter_context(NodeProcess(folder / f"data{len(started)}", settings))
            one.tolerate(*OURS)
            started.append(one)
            return one

        yield start
        for one in started:
            if one.is_running:
                assert_settled(one)
                assert one.stop() == 0
            assert one.stderr == ""
            assert one.complaints() == []


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[StartFaulty]:
    """Give what starts nodes that are to suffer."""
    yield from faulty_nodes(tmp_path)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """Give a node that recovers from everything that a module's tests do to it; each takes a ``study`` of its own."""
    for start in faulty_nodes(tmp_path_factory.mktemp("faulty")):
        yield start()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Give a file system of 64 MiB."""
    disk = SmallDisk(tmp_path / "disk", 64 << 20)
    if reason := disk.mount():
        pytest.skip(f"no file system can be mounted: {reason}")
    yield disk
    disk.unmount()


def store(node: NodeProcess, *instances: Instance) -> list[Response]:
    """Send instances over one association."""
    with Peer.of(node.port, *instances) as peer:
        return [peer.store(one) for one in instances]


def statuses(node: NodeProcess, *instances: Instance) -> list[str]:
    """Send instances over one association and return the statuses."""
    return [answer.status for answer in store(node, *instances)]


def assert_try_again(answers: Sequence[Response]) -> None:
    """All are answered A700, and nobody is told more than that."""
    assert [(answer.status, answer.comment, answer.offending) for answer in answers] == [
        ("A700", TRY_AGAIN, ()) for _ in answers
    ]


def outcomes(node: NodeProcess, instance: Instance) -> list[str]:
    """Return what the receipts of an instance say, oldest first."""
    uid = instance.sop_instance_uid
    return [row["outcome"] for row in node.receipts() if row["affected_sop_instance_uid"] == uid]


def recovers(node: NodeProcess, trouble: str, *instances: Instance, answers: Sequence[str] = ("0000",)) -> None:
    """The cause is gone: the same is taken now, and the trouble is over."""
    assert statuses(node, *instances) == list(answers)
    assert node.wait_for("trouble_over", len(node.lines("node_unhealthy", trouble=trouble)), trouble=trouble)


def sealed(node: NodeProcess) -> list[int]:
    """Return the receipts whose files the ledger vouches for."""
    return [row["id"] for row in node.rows("SELECT id FROM sealed ORDER BY id")]


def assert_settled(node: NodeProcess) -> None:
    """What was left in the spool is where it belongs before long, and archive and quarantine are as they should be."""
    assert node.until(lambda: node.spooled() == []), "the spool keeps what nobody waits for"
    assert_files_match(node)


class Failure(NamedTuple):
    """System calls that fail for one of an instance's steps."""

    name: str
    calls: str
    error: str
    trouble: str
    decided: bool
    """Whether the ledger has the verdict already when it happens."""


BAD: Final[Mapping[str, Any]] = {"PixelData": b"ab"}
FAILURES: Final = (
    Failure("write_to_the_spool", "writev", "EIO", "disk", False),
    Failure("no_room_in_the_spool", "writev", "ENOSPC", "disk", False),
    Failure("write_to_the_ledger", "pwrite64", "EIO", "ledger", False),
    Failure("no_room_in_the_ledger", "pwrite64", "ENOSPC", "ledger", False),
    Failure("read_only_ledger", "pwrite64", "EROFS", "ledger", False),
    Failure("link_to_its_place", "link,linkat", "EIO", "disk", True),
    Failure("links_are_too_many", "link,linkat", "EMLINK", "disk", True),
    Failure("no_permission", "link,linkat", "EACCES", "disk", True),
    Failure("new_folder", "mkdir,mkdirat", "ENOSPC", "disk", True),
)


@pytest.mark.usefixtures("traceable")
@pytest.mark.parametrize("failure", FAILURES, ids=[failure.name for failure in FAILURES])
def test_a_step_that_fails_is_answered_a700_and_done_when_the_cause_is_gone(
    node: NodeProcess, study: int, failure: Failure
) -> None:
    known, other = ct(1, 10_000 + study), ct(1, study)
    assert statuses(node, known) == ["0000"]
    archived, times = node.archived(), len(node.lines("node_unhealthy", trouble=failure.trouble))
    with failing(node, failure.calls, failure.error) as injected:
        assert_try_again(store(node, other))
        assert node.wait_for("node_unhealthy", times + 1, trouble=failure.trouble)
    assert injected.calls()
    assert node.archived() == archived
    recovers(node, failure.trouble, other)
    # A receipt that cannot be written while the ledger fails is the one that there may not be.
    first = ["accept"] if failure.decided else [] if failure.trouble == "ledger" else ["retry"]
    assert outcomes(node, other) == [*first, "accept"]
    assert statuses(node, known) == ["0111"]


@pytest.mark.usefixtures("traceable")
@pytest.mark.parametrize("calls", ["rename,renameat,renameat2", "link,linkat"], ids=["case", "object"])
def test_a_refused_object_that_cannot_be_kept_is_to_be_sent_again_and_then_it_is_kept_once(
    node: NodeProcess, study: int, calls: str
) -> None:
    bad, before = ct(1, study, **BAD), len(node.quarantined())
    with failing(node, calls, "EIO"):
        assert_try_again(store(node, bad))
    assert len(node.quarantined()) == before
    recovers(node, "disk", bad, answers=["C0A2"])
    assert_settled(node)
    assert len(node.quarantined()) == len(node.cases()) == before + 1


@pytest.mark.usefixtures("traceable")
def test_a_stored_copy_that_cannot_be_read_to_be_compared_is_answered_a700_and_then_it_is_compared(
    node: NodeProcess, study: int
) -> None:
    """As long as its disk fails: nothing is known of what came, and the node lives."""
    first, second = ct(1, study), ct(1, study, PixelData=bytes(32))
    assert statuses(node, first) == ["0000"]
    with failing(node, "preadv,preadv2", "EIO") as injected:
        assert_try_again(store(node, second))
    assert injected.calls()
    recovers(node, "disk", second, answers=["C115"])
    assert_settled(node)


class TestSyncs:
    """A sync that failed may have lost what it was given, and a second one would not say so."""

    @pytest.mark.usefixtures("traceable")
    def test_of_an_object_is_never_tried_again(self, start_node: StartFaulty) -> None:
        node = start_node()
        other = large_ct(1, 2)
        assert statuses(node, ct(1, 1)) == ["0000"]
        with failing(node, "fsync", "EIO") as injected:
            assert_try_again(store(node, other))
        synced = [arguments for _, arguments in injected.calls()]
        assert len([one for one in synced if "/spool/" in one]) == 1
        assert node.wait_for("node_unhealthy", trouble="sync")
        assert statuses(node, other) == ["0000"]
        assert outcomes(node, other) == ["retry", "accept"]
        assert node.lines("trouble_over", trouble="sync") == []
        assert_files_match(node)

    @pytest.mark.usefixtures("traceable")
    def test_of_a_folder_leaves_the_decision_and_the_resend_finds_the_object_in_its_place(
        self, start_node: StartFaulty
    ) -> None:
        node = start_node()
        other = large_ct(2, 1)
        assert statuses(node, large_ct(1, 1)) == ["0000"]
        with failing(node, "fsync", "EIO", when="2+") as injected:
            assert_try_again(store(node, other))
        assert [arguments for _, arguments in injected.calls() if "/archive/" in arguments]
        assert node.wait_for("node_unhealthy", trouble="sync")
        assert statuses(node, other) == ["0000"]
        assert_files_match(node)

    @pytest.mark.usefixtures("traceable")
    def test_of_a_refused_objects_case_leaves_the_decision_and_the_object_is_kept_once(
        self, start_node: StartFaulty
    ) -> None:
        node = start_node()
        bad = ct(1, **BAD)
        with failing(node, "fsync", "EIO") as injected:
            assert_try_again(store(node, bad))
        assert [arguments for _, arguments in injected.calls() if "/quarantine" in arguments]
        assert node.wait_for("node_unhealthy", trouble="sync")
        assert statuses(node, bad) == ["C0A2"]
        assert_settled(node)
        assert len(node.quarantined()) == 1
        assert node.until(lambda: sealed(node) == [])

    @pytest.mark.usefixtures("traceable")
    def test_of_the_file_system_lets_the_ledger_vouch_until_the_next_start_and_from_then_on_each_object_is_synced(
        self, start_node: StartFaulty
    ) -> None:
        node = start_node()
        first, lost, refused, later = ct(1), ct(2), ct(3, **BAD), ct(4)
        assert statuses(node, first) == ["0000"]
        assert node.until(lambda: sealed(node) == [])
        with failing(node, "syncfs", "EIO") as injected:
            assert statuses(node, lost, refused) == ["0000", "C0A2"]
            assert node.wait_for("node_unhealthy", trouble="sync")
        assert len(injected.calls()) == 1
        vouched = sealed(node)
        assert 1 <= len(vouched) <= 2  # the second may have come when the sync had failed
        with failing(node, "fsync", "EIO") as injected:
            assert_try_again(store(node, later))
        assert [arguments for _, arguments in injected.calls() if "/spool/" in arguments]
        assert statuses(node, later) == ["0000"]
        assert sealed(node) == vouched
        assert node.lines("trouble_over", trouble="sync") == []
        assert node.stop() == 0
        assert sealed(node) == vouched
        for row in node.receipts():
            if row["id"] in vouched:
                (node.folder / row["path"]).write_bytes(b"")
        node.start()
        assert node.lines("recovered")[-1]["rewritten"] == len(vouched)
        assert node.until(lambda: sealed(node) == [])
        assert statuses(node, first, lost, later) == ["0111"] * 3

    @pytest.mark.usefixtures("traceable")
    def test_of_the_ledger_undoes_the_decision(self, start_node: StartFaulty) -> None:
        node = start_node()
        other = ct(1, 2)
        assert statuses(node, ct(1, 1)) == ["0000"]
        with failing(node, "fdatasync", "EIO"):
            assert_try_again(store(node, other))
            assert node.wait_for("node_unhealthy")
        assert len(node.archived()) == 1
        assert statuses(node, other) == ["0000"]
        assert_files_match(node)


def test_a_disk_that_takes_a_part_of_an_object_is_told_and_then_it_is_whole(start_node: StartFaulty) -> None:
    node, large = start_node(), large_ct()
    with largest_file(node, 400_000):
        assert_try_again(store(node, large))
    assert node.archived() == []
    recovers(node, "disk", large)
    assert outcomes(node, large) == ["retry", "accept"]


class TestLedger:
    def test_that_another_program_holds_is_waited_for_and_then_the_sender_may_try_again(
        self, node: NodeProcess, study: int
    ) -> None:
        with locked(node.folder / "ledger.sqlite3"):
            assert_try_again(store(node, ct(1, study)))
        recovers(node, "ledger", ct(1, study))

    @pytest.mark.usefixtures("traceable")
    def test_that_is_slow_is_waited_for_and_nobody_is_refused_for_it(self, node: NodeProcess, study: int) -> None:
        with delayed(node, "fdatasync", 0.2), ThreadPoolExecutor(4) as pool:
            sent = [ct(number, study) for number in range(1, 5)]
            assert list(pool.map(lambda one: statuses(node, one), sent)) == [["0000"]] * 4

    @pytest.mark.usefixtures("traceable")
    def test_that_cannot_be_read_means_try_again(self, node: NodeProcess, study: int) -> None:
        ledger = node.folder / "ledger.sqlite3"
        with failing(node, "pread64", "EIO") as injected:
            touch(ledger)  # so that the node has to read again what it has in memory
            assert_try_again(store(node, ct(1, study)))
            assert [arguments for _, arguments in injected.calls() if "/ledger.sqlite3" in arguments]
        recovers(node, "ledger", ct(1, study))

    def test_that_is_spoilt_under_a_running_node_means_try_again_until_it_is_put_back(
        self, start_node: StartFaulty
    ) -> None:
        node = start_node()
        assert statuses(node, ct(1)) == ["0000"]
        assert node.stop() == 0
        ledger = node.folder / "ledger.sqlite3"
        whole = ledger.read_bytes()
        node.start()
        spoil(ledger)
        assert_try_again(store(node, ct(2)))
        assert node.wait_for("node_unhealthy", trouble="ledger")
        assert len(node.archived()) == 1
        node.kill()
        for name in ("-wal", "-shm"):
            ledger.with_name(ledger.name + name).unlink(missing_ok=True)
        ledger.write_bytes(whole)
        node.start()
        assert statuses(node, ct(1), ct(2)) == ["0111", "0000"]

    def test_that_vanishes_stops_everything_until_it_is_back(self, start_node: StartFaulty) -> None:
        node = start_node()
        assert statuses(node, ct(1)) == ["0000"]
        with moved_away(node.folder / "ledger.sqlite3"):
            assert node.until(lambda: statuses(node, ct(9)) == ["A700"])
            assert node.wait_for("node_unhealthy", trouble="gone")
        assert node.until(lambda: statuses(node, ct(2)) == ["0000"])
        assert node.wait_for("trouble_over", trouble="gone")
        assert_files_match(node)

    def test_that_is_none_any_more_is_not_touched_and_nothing_is_taken(self, start_node: StartFaulty) -> None:
        node = start_node()
        assert statuses(node, ct(1)) == ["0000"]
        assert node.stop() == 0
        ledger = node.folder / "ledger.sqlite3"
        content = b"not a ledger" + os.urandom(len(ledger.read_bytes()))
        ledger.write_bytes(content)
        node.launch()
        assert node.exit_code() == 2
        assert ledger.read_bytes() == content
        assert len(node.archived()) == 1
        assert re.search("ledger cannot be opened|not a ledger", node.stderr)
        node.forget_stderr()


@pytest.mark.parametrize("place", ["spool", "."], ids=["spool", "data_folder"])
def test_a_folder_that_vanishes_means_try_again_until_it_is_back(start_node: StartFaulty, place: str) -> None:
    node = start_node()
    assert statuses(node, ct(1)) == ["0000"]
    with moved_away((node.folder / place).resolve()):
        assert node.until(lambda: statuses(node, ct(2)) == ["A700"])
        assert node.wait_for("node_unhealthy")
    assert node.until(lambda: statuses(node, ct(2))[0] in ("0000", "0111"))
    assert node.wait_for("trouble_over")
    assert_files_match(node)


class TestSpace:
    def test_a_full_disk_means_try_again_and_loses_nothing(self, small_disk: SmallDisk) -> None:
        with NodeProcess(small_disk.folder / "data", NO_RESERVE) as node:
            assert statuses(node, ct(1)) == ["0000"]
            with small_disk.full(but=100_000):
                assert_try_again(store(node, large_ct(1, 2)))
                assert node.wait_for("node_unhealthy")
            assert node.until(lambda: statuses(node, large_ct(1, 2)) == ["0000"])
            assert node.wait_for("trouble_over")
            assert_settled(node)

    def test_where_not_a_byte_is_free_receipts_may_be_missing_and_nothing_else(self, small_disk: SmallDisk) -> None:
        with NodeProcess(small_disk.folder / "data", NO_RESERVE) as node:
            assert statuses(node, ct(1)) == ["0000"]
            with small_disk.full():
                assert_try_again(store(node, ct(2), ct(3)))
            assert node.until(lambda: statuses(node, ct(2), ct(3)) == ["0000", "0000"])
            assert_settled(node)

    def test_below_the_reserve_nothing_is_begun(self, small_disk: SmallDisk) -> None:
        with NodeProcess(small_disk.folder / "data", '[storage]\nreserve_bytes = "24 MiB"\n') as node:
            assert statuses(node, ct(1)) == ["0000"]
            with small_disk.full(but=20 << 20):
                assert node.until(lambda: statuses(node, ct(9)) == ["A700"])
                assert node.wait_for("node_unhealthy", trouble="space")
                assert node.spooled() == []
            assert node.until(lambda: statuses(node, ct(2)) == ["0000"])
            assert node.wait_for("trouble_over", trouble="space")
            assert_sound(node)
