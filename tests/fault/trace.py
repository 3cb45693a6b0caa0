"""The system calls of a node, as strace saw them, and what their order proves."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

_CALLS: Final = (
    "open", "openat", "write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "link", "linkat", "rename",
    "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "sendto", "sendmsg",
)  # fmt: skip
_BEGUN: Final = re.compile(r"(\d+) +(\w+)\((.*)$")
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_ENDED: Final = re.compile(r"^(.*)\) += (-?\d+|\?)")
_UNFINISHED: Final = "<unfinished ...>"

SYNCS: Final = frozenset({"fsync", "fdatasync"})
WRITES: Final = frozenset({"write", "writev", "pwrite64", "pwritev"})
LINKS: Final = frozenset({"link", "linkat"})
RENAMES: Final = frozenset({"rename", "renameat", "renameat2"})
UNLINKS: Final = frozenset({"unlink", "unlinkat"})
MKDIRS: Final = frozenset({"mkdir", "mkdirat"})
SENDS: Final = frozenset({"sendto", "sendmsg", "write"})


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
    file_sync: Call
    ledger_write: Call
    ledger_sync: Call
    link: Call
    folder_sync: Call
    answer: Call
    unlink: Call


class Trace:
    """The calls of a node whose data folder is known."""

    def __init__(self, calls: Sequence[Call], folder: Path) -> None:
        self.calls = calls
        self._folder = str(folder)

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

        Each step is looked for after the one before it, so that one that comes too early is missing.
        """
        told, spool = hexadecimal(uid), f"{self._folder}/spool/"
        spooled = self.first("write to the spool", WRITES, f"<{spool}", told)
        name = spooled.arguments.partition(f"<{spool}")[2].partition(">")[0]
        last_write = list(self.find(WRITES, f"<{spool}{name}>"))[-1]
        file_sync = self.first("sync of the object", SYNCS, f"<{spool}{name}>", after=last_write.end)
        ledger_write = self.first("write to the ledger", WRITES, "ledger.sqlite3-wal>", told)
        ledger_sync = self.first("sync of the ledger", SYNCS, "ledger.sqlite3-wal>", after=ledger_write.end)
        link = self.first("link to its place", LINKS, f"/{name}", target)
        parent = f"<{self._folder}/{target.rpartition('/')[0]}>"
        folder_sync = self.first("sync of the folder", SYNCS, parent, after=link.end)
        answer = self.first("answer", SENDS, "socket:", told)
        unlink = self.first("end of the spooled name", UNLINKS, f"/{name}")
        return Passage(last_write, file_sync, ledger_write, ledger_sync, link, folder_sync, answer, unlink)

    def assert_in_order(self, uid: str, target: str) -> None:
        """Prove that nothing is told, and nothing let go of, before what it rests on is durable."""
        one = self.passage(uid, target)
        for first, second in (
            (one.file_sync, one.ledger_write),
            (one.ledger_sync, one.link),
            (one.ledger_sync, one.answer),
            (one.folder_sync, one.answer),
            (one.folder_sync, one.unlink),
        ):
            assert first.end < second.begin, f"{second.name} of line {second.begin} begins before {first.name} ends"
        self._assert_folders_are_durable(target, one.answer)

    def assert_case_in_order(self, uid: str, target: str) -> None:
        """Prove that the case of a refused object has its bytes and its name before anything is told."""
        one, draft = self.passage(uid, target), target.replace(".dcm", ".json")
        written = list(self.find(WRITES, f"/{draft}.part>"))[-1]
        synced = self.first("sync of the case", SYNCS, f"/{draft}.part>", after=written.end)
        named = self.first("name of the case", RENAMES, f"/{draft}.part", after=synced.end)
        parent = f"<{self._folder}/{target.rpartition('/')[0]}>"
        held = self.first("sync of its folder", SYNCS, parent, after=named.end)
        assert held.end < one.answer.begin

    def _assert_folders_are_durable(self, target: str, answer: Call) -> None:
        """Every folder on the way to a target that was made here is durable in the one above."""
        *above, _ = target.split("/")
        for depth in range(1, len(above) + 1):
            folder = "/".join((self._folder, *above[:depth]))
            for made in self.find(MKDIRS, f'"{folder}"'):
                held = self.first("sync above a new folder", SYNCS, f"<{folder.rpartition('/')[0]}>", after=made.end)
                assert held.end < answer.begin
