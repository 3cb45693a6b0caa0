"""The system calls of a node, as strace saw them, and what their order proves."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

_CALLS: Final = (
    "open", "openat", "write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "syncfs", "link", "linkat",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "sendto", "sendmsg",
)  # fmt: skip
_BEGUN: Final = re.compile(r"(\d+) +(\w+)\((.*)$")
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_ENDED: Final = re.compile(r"^(.*)\) += (-?\d+|\?)")
_UNFINISHED: Final = "<unfinished ...>"

SYNCS: Final = frozenset({"fsync", "fdatasync"})
WHOLE_SYNCS: Final = frozenset({"syncfs"})
WRITES: Final = frozenset({"write", "writev", "pwrite64", "pwritev"})
LINKS: Final = frozenset({"link", "linkat"})
RENAMES: Final = frozenset({"rename", "renameat", "renameat2"})
UNLINKS: Final = frozenset({"unlink", "unlinkat"})
MKDIRS: Final = frozenset({"mkdir", "mkdirat"})
SENDS: Final = frozenset({"sendto", "sendmsg", "write"})
WAL: Final = "ledger.sqlite3-wal>"
_FRAME_HEADER: Final = 24
"""Bytes before each page in the log of SQLite: the number of the page, and more."""
_LEAF: Final = 13
_BYTES: Final = re.compile(r"\\x([0-9a-f]{2})")


class Call(NamedTuple):
    """A system call that succeeded; ``begin`` and ``end`` are lines of the trace, which are in the order of time."""

    name: str
    arguments: str
    begin: int
    end: int


def why_not() -> str:
    """Return why processes cannot be traced here; empty if they can."""
    found = shutil.which("strace")
    if found is None:
        return "strace is not installed"
    done = subprocess.run([found, "-D", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 and not done.stderr else "this system does not let processes be traced"


def why_not_running() -> str:
    """Return why processes that run already cannot be traced here; empty if they can."""
    if reason := why_not():
        return reason
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as running:
        strace = subprocess.Popen(
            ["strace", "-p", str(running.pid), "-o", "/dev/null"], stderr=subprocess.PIPE, text=True
        )
        assert strace.stderr is not None
        said = strace.stderr.readline()
        strace.send_signal(signal.SIGINT)
        strace.communicate()
    return "" if "attached" in said else "this system does not let processes be traced that run already"


def wrapper(trace: Path) -> list[str]:
    """Return what to put before a command whose calls are to be traced; the process stays a child of ours."""
    return ["strace", "-D", "-f", "-y", "-x", "-s", "5000", "-o", str(trace), "-e", f"trace={','.join(_CALLS)}"]


def calls_in(lines: Iterable[str]) -> list[Call]:
    """Read a trace; calls that failed, or never ended, are left out."""
    found: list[Call] = []
    begun: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(lines):
        if resumed := _RESUMED.match(line):
            thread, name, rest = resumed.groups()
            _, arguments, begin = begun.pop(thread)
        elif started := _BEGUN.match(line):
            thread, name, rest = started.groups()
            arguments, begin = "", number
            if rest.endswith(_UNFINISHED):
                begun[thread] = name, rest.removesuffix(_UNFINISHED), begin
                continue
        else:
            continue
        ended = _ENDED.match(rest)
        if ended and not ended[2].startswith(("-", "?")):
            found.append(Call(name, arguments + ended[1], begin, number))
    return sorted(found, key=lambda call: call.begin)


def hexadecimal(text: str) -> str:
    """Write a text as strace writes it in data that is not text."""
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


@dataclass(frozen=True, slots=True)
class Passage:
    """The calls that one instance takes from its first byte to its answer; each is the decisive one of its kind."""

    last_write: Call
    ledger_write: Call
    ledger_sync: Call
    link: Call
    answer: Call
    unlink: Call
    spooled: str
    """The name in the spool."""


class Trace:
    """The calls of a node whose data folder is known."""

    def __init__(self, calls: Sequence[Call], folder: Path) -> None:
        self.calls = calls
        self.folder = str(folder)

    def find(self, names: frozenset[str], *parts: str, after: int = -1) -> Iterator[Call]:
        """Give the calls of some names whose arguments hold all these parts, and that begin after a line."""
        for call in self.calls:
            if call.begin > after and call.name in names and all(part in call.arguments for part in parts):
                yield call

    def first(self, what: str, names: frozenset[str], *parts: str, after: int = -1) -> Call:
        """Return the first of these calls. Raises AssertionError if there is none."""
        found = next(self.find(names, *parts, after=after), None)
        assert found, f"no {what}: {'/'.join(sorted(names))} with {parts} after line {after}"
        return found

    def passage(self, uid: str, target: str) -> Passage:
        """Follow an instance to ``target``, a path below the data folder. Raises AssertionError if a step is missing.

        A sync is looked for after what it is to make durable, so that one that comes too early is missing.
        """
        told, spool = hexadecimal(uid), f"{self.folder}/spool/"
        spooled = self.first("write to the spool", WRITES, f"<{spool}", told)
        name = spooled.arguments.partition(f"<{spool}")[2].partition(">")[0]
        last_write = list(self.find(WRITES, f"<{spool}{name}>"))[-1]
        ledger_write = self.first("write to the ledger", WRITES, WAL, told)
        ledger_sync = self.first("sync of the ledger", SYNCS, WAL, after=ledger_write.end)
        link = self.first("link to its place", LINKS, f"/{name}", target)
        answer = self.first("answer", SENDS, "socket:", told)
        unlink = self.first("end of the spooled name", UNLINKS, f"/{name}")
        return Passage(last_write, ledger_write, ledger_sync, link, answer, unlink, name)

    def assert_in_order(self, uid: str, target: str) -> None:
        """Prove of an object that is synced by itself that nothing is told, and nothing let go of, before what it rests
        on is durable.
        """
        one = self.passage(uid, target)
        file_sync = self.first("sync of the object", SYNCS, f"/spool/{one.spooled}>", after=one.last_write.end)
        folder_sync = self._sync_of_folder(target, one.link)
        _assert_order(
            (file_sync, one.ledger_write),
            (one.ledger_sync, one.link),
            (one.ledger_sync, one.answer),
            (folder_sync, one.answer),
            (folder_sync, one.unlink),
        )
        self._assert_folders_are_durable(target, one.answer)

    def assert_light_in_order(self, uid: str, target: str, *, is_refused: bool = False) -> None:
        """Prove of a light object that the ledger has it durably before anything is told, and until it is on the disk.

        What is refused has a case, whose folder is synced as always; its own file is synced late too.
        """
        one = self.passage(uid, target)
        _assert_order(
            (one.last_write, one.link),
            (one.ledger_sync, one.link),
            (one.ledger_sync, one.answer),
            (one.link, one.answer),
        )
        self._assert_no_sync(f"/spool/{one.spooled}>", one.answer)
        self._assert_no_sync(f"/{target}>", one.answer)
        if is_refused:
            folder_sync = self._sync_of_folder(target, one.link)
            _assert_order((folder_sync, one.answer), (folder_sync, one.unlink))
            self._assert_folders_are_durable(target, one.answer)
        else:
            self._assert_no_sync(self._parent(target), one.answer)
        settled = self.first("sync of the file system", WHOLE_SYNCS, f"<{self.folder}", after=one.link.end)
        self.first("ledger that forgets", WRITES, WAL, after=settled.end)

    def assert_vouched_for(self, receipt: int, target: str, root: int) -> None:
        """Prove that the ledger has an object's bytes, durably, until the file system was synced with it in its place.

        ``root`` is the page of the table that holds them, which must be all of the table.
        """
        link = self.first("link to its place", LINKS, target)
        seen = [(call, receipt in rows) for call, rows in self._versions(root)]
        there = next((call for call, is_there in seen if is_there), None)
        assert there, "the ledger never vouched for it"
        gone = next((call for call, is_there in seen if not is_there and call.begin > there.end), None)
        assert gone, "the ledger vouches for it for good"
        held = self.first("sync of the ledger", SYNCS, WAL, after=there.end)
        settled = self.first("sync of the file system", WHOLE_SYNCS, f"<{self.folder}", after=link.end)
        _assert_order((held, link), (settled, gone))

    def _versions(self, root: int) -> Iterator[tuple[Call, set[int]]]:
        """Give the writes of a page to the ledger's log, each with the numbers of the rows on it."""
        number = 0
        for call in self.find(frozenset({"pwrite64"}), WAL):
            content = bytes(int(byte, 16) for byte in _BYTES.findall(call.arguments))
            if len(content) == _FRAME_HEADER:
                number = int.from_bytes(content[:4], "big")
            elif number == root:
                yield call, _rows_on(content)

    def _assert_no_sync(self, what: str, before: Call) -> None:
        early = [call.begin for call in self.find(SYNCS, what) if call.begin < before.end]
        assert not early, f"{what} is synced in line {early[0]}"

    def _sync_of_folder(self, target: str, link: Call) -> Call:
        return self.first("sync of the folder", SYNCS, self._parent(target), after=link.end)

    def _parent(self, target: str) -> str:
        return f"<{self.folder}/{target.rpartition('/')[0]}>"

    def assert_case_in_order(self, uid: str, target: str) -> None:
        """Prove that the case of a refused object has its bytes and its name before anything is told."""
        one, draft = self.passage(uid, target), target.replace(".dcm", ".json")
        written = list(self.find(WRITES, f"/{draft}.part>"))[-1]
        synced = self.first("sync of the case", SYNCS, f"/{draft}.part>", after=written.end)
        named = self.first("name of the case", RENAMES, f"/{draft}.part", after=synced.end)
        held = self.first("sync of its folder", SYNCS, self._parent(target), after=named.end)
        assert held.end < one.answer.begin

    def _assert_folders_are_durable(self, target: str, answer: Call) -> None:
        """Every folder on the way to a target that was made here is durable in the one above."""
        *above, _ = target.split("/")
        for depth in range(1, len(above) + 1):
            folder = "/".join((self.folder, *above[:depth]))
            for made in self.find(MKDIRS, f'"{folder}"'):
                held = self.first("sync above a new folder", SYNCS, f"<{folder.rpartition('/')[0]}>", after=made.end)
                assert held.end < answer.begin


def _assert_order(*pairs: tuple[Call, Call]) -> None:
    for first, second in pairs:
        assert first.end < second.begin, f"{second.name} of line {second.begin} begins before {first.name} ends"


def _rows_on(page: bytes) -> set[int]:
    """Return the numbers of the rows on a page of a table in SQLite, which is the only one of its table."""
    assert page[0] == _LEAF, "the table has grown beyond one page"
    rows = set()
    for entry in range(int.from_bytes(page[3:5], "big")):
        begin = int.from_bytes(page[8 + 2 * entry : 10 + 2 * entry], "big")
        _, begin = _number_at(page, begin)  # the length of the row
        row, _ = _number_at(page, begin)
        rows.add(row)
    return rows


def _number_at(page: bytes, begin: int) -> tuple[int, int]:
    """Read a number in SQLite's own notation, of up to nine bytes, and return it with the position behind it."""
    value = 0
    for position in range(begin, begin + 8):
        value = value << 7 | page[position] & 0x7F
        if page[position] < 0x80:
            return value, position + 1
    return value << 8 | page[begin + 8], begin + 9
