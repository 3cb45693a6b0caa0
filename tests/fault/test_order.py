"""Success survives a power cut: proved by the order of a node's system calls, as strace sees them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fault.trace import SYNCS, Call, Trace, calls_in, why_not, wrapper
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct
from tests.wire.peer import Peer

AT_ONCE = 4


@pytest.fixture(scope="module")
def traced() -> None:
    """Skip where processes cannot be traced."""
    if reason := why_not():
        pytest.skip(reason)


def store(node: NodeProcess, instances: Sequence[Instance]) -> list[str]:
    """Send instances over one association and return the statuses."""
    with Peer.of(node.port, *instances) as peer:
        return [peer.store(one).status for one in instances]


def trace_of(folder: Path, batches: Sequence[Sequence[Instance]], settings: str = "") -> tuple[Trace, NodeProcess]:
    """Send batches at once, each over its own association, to a node that is traced from its start to its end."""
    out = folder / "trace"
    with NodeProcess(folder / "data", settings, wrapper=wrapper(out)) as node, ThreadPoolExecutor(len(batches)) as pool:
        list(pool.map(lambda batch: store(node, batch), batches))
    return Trace(calls_in(out.read_text(errors="replace").splitlines()), node.folder), node


def kept(node: NodeProcess, place: str) -> dict[str, str]:
    """Return where objects are kept in a place, by Affected SOP Instance UID."""
    rows = node.receipts()
    return {row["affected_sop_instance_uid"]: row["path"] for row in rows if row["kept"] == place}


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("associations", [1, AT_ONCE])
def test_bytes_then_decision_then_place_then_answer(tmp_path: Path, associations: int) -> None:
    batches = [
        [ct(1, study), ct(2, study), ct(3, study, PixelData=b"ab"), ct(4, study, Modality=None)]
        for study in range(10, 10 + associations)
    ]
    trace, node = trace_of(tmp_path, batches)
    archived, quarantined = kept(node, "archive"), kept(node, "quarantine")
    assert len(archived) == len(quarantined) == 2 * associations
    for uid, path in archived.items():
        trace.assert_in_order(uid, path)
    for uid, path in quarantined.items():
        trace.assert_in_order(uid, path)
        trace.assert_case_in_order(uid, path)


@pytest.mark.usefixtures("traced")
def test_a_node_that_is_not_durable_syncs_nothing(tmp_path: Path) -> None:
    """So what is found above is there because it was asked for."""
    trace, node = trace_of(tmp_path, [[ct(1), ct(2, PixelData=b"ab")]], '[storage]\ndurability = "none"\n')
    assert len(kept(node, "archive")) == len(kept(node, "quarantine")) == 1
    assert [call for call in trace.find(SYNCS) if "/archive" in call.arguments or "-wal" in call.arguments] == []


UID, TARGET = "1.2", "archive/1/1.dcm"
GOOD = r"""
7 writev(3</d/spool/R.part>, [{iov_base="\x31\x2e\x32\x00", iov_len=4}], 1) = 4
7 fsync(3</d/spool/R.part>) = 0
8 fsync(9</d/spool/S.part> <unfinished ...>
7 pwrite64(4</d/ledger.sqlite3-wal>, "\x31\x2e\x32\x00", 4, 0) = 4
8 <... fsync resumed>) = 0
7 fdatasync(4</d/ledger.sqlite3-wal>) = 0
7 mkdir("/d/archive/1", 0750) = 0
7 fsync(5</d/archive>) = 0
7 link("/d/spool/R.part", "/d/archive/1/1.dcm") = 0
7 fsync(5</d/archive/1> <unfinished ...>
8 fsync(9</d/spool/S.part>) = -1 EIO (Input/output error)
7 <... fsync resumed>) = 0
7 unlink("/d/spool/R.part") = 0
7 sendto(6<socket:[1]>, "\x04\x00\x31\x2e\x32", 5, 0, NULL, 0) = 5
"""


def proved(text: str) -> None:
    Trace(calls_in(text.strip().splitlines()), Path("/d")).assert_in_order(UID, TARGET)


def test_a_trace_is_read_with_calls_that_overlap_and_without_those_that_failed() -> None:
    calls = calls_in(GOOD.strip().splitlines())
    assert len(calls) == 11
    assert calls[2] == Call("fsync", "9</d/spool/S.part> ", 2, 4)
    proved(GOOD)


@pytest.mark.parametrize("missing", [(1,), (5,), (7,), (9, 11), (13,)])
def test_a_call_that_is_missing_is_missed(missing: tuple[int, ...]) -> None:
    lines = GOOD.strip().splitlines()
    with pytest.raises(AssertionError):
        proved("\n".join(line for position, line in enumerate(lines) if position not in missing))


@pytest.mark.parametrize(("early", "late"), [(1, 3), (5, 8), (9, 13), (5, 13), (7, 13), (9, 12)])
def test_what_comes_before_what_it_rests_on_is_found_out(early: int, late: int) -> None:
    lines = GOOD.strip().splitlines()
    lines.insert(early, lines.pop(late))
    with pytest.raises(AssertionError):
        proved("\n".join(lines))
