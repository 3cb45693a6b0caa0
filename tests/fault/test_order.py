"""Success survives a power cut: proved by the order of a node's system calls, as strace sees them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fault.trace import SYNCS, WHOLE_SYNCS, Call, Trace, calls_in, why_not, wrapper
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, large_ct
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


def place_syncs(trace: Trace, node: NodeProcess) -> list[Call]:
    """Return the syncs of objects and of the folders that they lie in."""
    kept_in = {f"<{(node.folder / row['path']).parent}>" for row in node.receipts()}
    return [call for place in (f"<{node.folder}/spool/", *kept_in) for call in trace.find(SYNCS, place)]


def kept(node: NodeProcess, place: str) -> dict[str, str]:
    """Return where objects are kept in a place, by Affected SOP Instance UID."""
    rows = node.receipts()
    return {row["affected_sop_instance_uid"]: row["path"] for row in rows if row["kept"] == place}


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("associations", [1, AT_ONCE])
def test_large_objects_bytes_then_decision_then_place_then_answer(tmp_path: Path, associations: int) -> None:
    size: dict[str, Any] = {"Rows": 512, "Columns": 512}
    batches = [
        [
            large_ct(1, study), large_ct(2, study), ct(3, study, **size, PixelData=bytes(200_000)),
            large_ct(4, study, Modality=None),
        ]
        for study in range(10, 10 + associations)
    ]  # fmt: skip
    trace, node = trace_of(tmp_path, batches)
    archived, quarantined = kept(node, "archive"), kept(node, "quarantine")
    assert len(archived) == len(quarantined) == 2 * associations
    for uid, path in archived.items():
        trace.assert_in_order(uid, path)
    for uid, path in quarantined.items():
        trace.assert_in_order(uid, path)
        trace.assert_case_in_order(uid, path)


@pytest.mark.usefixtures("traced", "late")
@pytest.mark.parametrize("associations", [1, AT_ONCE])
def test_light_objects_bytes_and_decision_at_once_then_place_then_answer_and_then_their_sync(
    tmp_path: Path, associations: int
) -> None:
    batches = [
        [ct(1, study), ct(2, study), ct(3, study, PixelData=b"ab"), ct(4, study, Modality=None)]
        for study in range(10, 10 + associations)
    ]
    trace, node = trace_of(tmp_path, batches)
    archived, quarantined = kept(node, "archive"), kept(node, "quarantine")
    assert len(archived) == len(quarantined) == 2 * associations
    for uid, path in archived.items():
        trace.assert_light_in_order(uid, path)
    for uid, path in quarantined.items():
        trace.assert_light_in_order(uid, path, is_refused=True)
        trace.assert_case_in_order(uid, path)
    assert node.rows("SELECT * FROM sealed") == []


@pytest.mark.usefixtures("traced", "late")
def test_the_ledger_vouches_for_a_light_object_until_its_file_system_was_synced(tmp_path: Path) -> None:
    trace, node = trace_of(tmp_path, [[ct(1), ct(2, PixelData=b"ab")]])
    ((root,),) = (row.values() for row in node.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'sealed'"))
    receipts = node.receipts()
    assert [receipt["kept"] for receipt in receipts] == ["archive", "quarantine"]
    for receipt in receipts:
        trace.assert_vouched_for(receipt["id"], receipt["path"], root)


@pytest.mark.usefixtures("traced", "late")
def test_what_is_kept_already_costs_no_sync_but_the_ledgers(tmp_path: Path) -> None:
    trace, node = trace_of(tmp_path, [[ct(1), ct(1), ct(1)]])
    assert len(node.receipts()) == 3
    assert place_syncs(trace, node) == []


@pytest.mark.usefixtures("traced", "late")
def test_a_large_object_in_a_folder_that_a_light_one_had_made_is_there_for_good(tmp_path: Path) -> None:
    """Nobody vouches for it: the names of the folders above it must be on the disk before it is told of."""
    trace, node = trace_of(tmp_path, [[ct(1, Rows=512, Columns=512, PixelData=None), large_ct(2)]])
    archived = kept(node, "archive")
    assert len(archived) == 2
    light, large = sorted(archived)
    trace.assert_light_in_order(light, archived[light])
    trace.assert_in_order(large, archived[large])


@pytest.mark.usefixtures("traced")
def test_a_node_that_is_not_durable_syncs_nothing(tmp_path: Path) -> None:
    """So what is found above is there because it was asked for."""
    trace, node = trace_of(
        tmp_path, [[ct(1), ct(2, PixelData=b"ab"), large_ct(1, 2)]], '[storage]\ndurability = "none"\n'
    )
    assert len(kept(node, "archive")) == 2
    assert len(kept(node, "quarantine")) == 1
    assert [call for call in trace.find(SYNCS) if "/archive" in call.arguments or "-wal" in call.arguments] == []
    assert place_syncs(trace, node) == list(trace.find(WHOLE_SYNCS)) == []


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


LIGHT = r"""
7 writev(3</d/spool/R.part>, [{iov_base="\x31\x2e\x32\x00", iov_len=4}], 1) = 4
7 pwrite64(4</d/ledger.sqlite3-wal>, "\x31\x2e\x32\x00", 4, 0) = 4
9 syncfs(8</d/spool>) = 0
7 fdatasync(4</d/ledger.sqlite3-wal>) = 0
7 mkdir("/d/archive/1", 0750) = 0
7 link("/d/spool/R.part", "/d/archive/1/1.dcm") = 0
9 pwrite64(4</d/ledger.sqlite3-wal>, "\x00", 1, 4) = 1
7 unlink("/d/spool/R.part") = 0
7 sendto(6<socket:[1]>, "\x04\x00\x31\x2e\x32", 5, 0, NULL, 0) = 5
9 syncfs(8</d/spool> <unfinished ...>
7 pwrite64(4</d/ledger.sqlite3-wal>, "\x01", 1, 4) = 1
9 <... syncfs resumed>) = 0
9 pwrite64(4</d/ledger.sqlite3-wal>, "\x00", 1, 4) = 1
"""
REFUSED = LIGHT.replace("/d/archive/1", "/d/quarantine/1").replace(
    "7 unlink", "7 fsync(5</d/quarantine/1>) = 0\n7 unlink"
).replace("7 link", "7 fsync(5</d/quarantine>) = 0\n7 link")  # fmt: skip


def lines_of(text: str) -> list[str]:
    return text.strip().splitlines()


def trace_in(lines: Sequence[str]) -> Trace:
    return Trace(calls_in(lines), Path("/d"))


def proved(text: str | Sequence[str]) -> None:
    trace_in(lines_of(text) if isinstance(text, str) else text).assert_in_order(UID, TARGET)


def proved_light(lines: Sequence[str]) -> None:
    trace_in(lines).assert_light_in_order(UID, TARGET)


def proved_refused(lines: Sequence[str]) -> None:
    trace_in(lines).assert_light_in_order(UID, TARGET.replace("archive", "quarantine"), is_refused=True)


def moved(lines: list[str], early: int, late: int) -> list[str]:
    lines.insert(early, lines.pop(late))
    return lines


def test_a_trace_is_read_with_calls_that_overlap_and_without_those_that_failed() -> None:
    calls = calls_in(GOOD.strip().splitlines())
    assert len(calls) == 11
    assert calls[2] == Call("fsync", "9</d/spool/S.part> ", 2, 4)
    proved(GOOD)


@pytest.mark.parametrize("missing", [(1,), (5,), (7,), (9, 11), (13,)])
def test_a_call_that_is_missing_is_missed(missing: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        proved([line for position, line in enumerate(lines_of(GOOD)) if position not in missing])


@pytest.mark.parametrize(("early", "late"), [(1, 3), (5, 8), (9, 13), (5, 13), (7, 13), (9, 12)])
def test_what_comes_before_what_it_rests_on_is_found_out(early: int, late: int) -> None:
    with pytest.raises(AssertionError):
        proved(moved(lines_of(GOOD), early, late))


def test_a_light_object_is_proved_by_a_trace_that_is_right() -> None:
    proved_light(lines_of(LIGHT))
    proved_refused(lines_of(REFUSED))
    with pytest.raises(AssertionError):
        proved(LIGHT)
    with pytest.raises(AssertionError):
        proved_light(lines_of(GOOD))


@pytest.mark.parametrize("missing", [(1,), (3,), (5,), (8,), (9, 11), (12,)])
def test_a_call_for_a_light_object_that_is_missing_is_missed(missing: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        proved_light([line for position, line in enumerate(lines_of(LIGHT)) if position not in missing])


@pytest.mark.parametrize(
    ("early", "late"),
    [(3, 5), (3, 8), (5, 8), (0, 3), (5, 12)],
    ids=["link", "answer", "answer_before_the_link", "sync_of_the_ledger", "forgetting"],
)
def test_what_comes_too_early_for_a_light_object_is_found_out(early: int, late: int) -> None:
    with pytest.raises(AssertionError):
        proved_light(moved(lines_of(LIGHT), early, late) if late < 12 else lines_of(LIGHT)[:12])


@pytest.mark.parametrize("what", ["/d/spool/R.part", "/d/archive/1/1.dcm", "/d/archive/1"])
def test_a_sync_that_a_light_object_should_not_need_is_found_out(what: str) -> None:
    lines = lines_of(LIGHT)
    lines.insert(7, f"7 fsync(5<{what}>) = 0")
    with pytest.raises(AssertionError, match="is synced in line 7"):
        proved_light(lines)


@pytest.mark.parametrize("missing", [5, 8], ids=["above_the_folder", "the_folder"])
def test_a_refused_object_needs_the_syncs_of_its_folder(missing: int) -> None:
    lines = lines_of(REFUSED)
    assert "fsync" in lines.pop(missing)
    with pytest.raises(AssertionError):
        proved_refused(lines)


ROOT, RECEIPT = 3, 0x0102_0304_0506_0708


def frame(*receipts: int) -> str:
    """A page of a table with these rows, on its way into the log of SQLite."""
    cells = [b"\x05" + number_of(receipt) + bytes(5) for receipt in receipts]
    content = b"".join(cells)
    pointers = b"".join((100 + sum(map(len, cells[:position]))).to_bytes(2, "big") for position in range(len(cells)))
    page = (b"\x0d\0\0" + len(cells).to_bytes(2, "big") + bytes(3) + pointers).ljust(100, b"\0") + content
    written = [ROOT.to_bytes(4, "big") + bytes(20), page, (ROOT + 1).to_bytes(4, "big") + bytes(20), bytes(100)]
    return "\n".join(
        f'7 pwrite64(4</d/ledger.sqlite3-wal>, "{"".join(f"{chr(92)}x{byte:02x}" for byte in one)}", {len(one)}, 0) = 1'
        for one in written
    )


def number_of(value: int) -> bytes:
    """Write a number of more than 56 bits in SQLite's own notation."""
    assert value >> 56
    high = value >> 8
    return bytes(high >> 7 * (7 - place) & 0x7F | 0x80 for place in range(8)) + bytes([value & 0xFF])


THERE, GONE, SYNC = frame(RECEIPT + 1, RECEIPT), frame(RECEIPT + 1), "7 fdatasync(4</d/ledger.sqlite3-wal>) = 0"
LINK, SETTLED = '7 link("/d/spool/R.part", "/d/archive/1/1.dcm") = 0', "9 syncfs(8</d/spool>) = 0"


def vouched(*steps: str) -> None:
    trace_in("\n".join(steps).splitlines()).assert_vouched_for(RECEIPT, TARGET, ROOT)


def test_what_the_ledger_vouches_for_is_seen() -> None:
    vouched(frame(), SETTLED, THERE, SYNC, LINK, THERE, SETTLED, GONE, SYNC)


@pytest.mark.parametrize(
    "steps",
    [
        (SYNC, LINK, SETTLED, GONE),
        (THERE, LINK, SETTLED, SYNC, GONE),
        (THERE, SYNC, LINK, SETTLED),
        (THERE, SYNC, LINK, GONE),
        (THERE, SYNC, LINK, GONE, SETTLED, GONE),
        (THERE, SYNC, SETTLED, LINK, GONE),
        (THERE, SYNC, GONE, LINK, SETTLED, GONE),
    ],
    ids=["never", "not_durably", "for_good", "not_synced", "too_short", "synced_without_a_place", "before_the_place"],
)
def test_what_the_ledger_does_not_vouch_for_long_enough_is_found_out(steps: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        vouched(*steps)
