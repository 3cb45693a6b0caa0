"""What a running node tells other programs on the same machine: which process it is, and how the last reload ended.

It is a file in the data folder. A node that crashed leaves the file behind, and its process number may belong to
another process by now. So a node counts as running only if that process has the lock of the folder open.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from scp.layout import LOCK

STANDING: Final = "node.json"


@dataclass(frozen=True, slots=True)
class Reload:
    """How a reload ended. ``begun`` is in seconds of the monotonic clock, which all processes of a machine share.

    If there were ``problems``, nothing was changed. Otherwise ``changed`` are the settings that differ from before and
    are in force now, and ``restart`` those that differ and wait for the next start.
    """

    begun: float
    problems: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A running node."""

    pid: int
    reload: Reload | None = None


def publish(folder: Path, standing: Standing) -> None:
    """Write the file of a data folder. Raises OSError."""
    draft = folder / f"{STANDING}.part"
    draft.write_bytes(orjson.dumps(asdict(standing)))
    draft.chmod(0o640)
    draft.replace(folder / STANDING)


def withdraw(folder: Path) -> None:
    """Remove the file of a data folder: the node has ended."""
    with suppress(OSError):
        (folder / STANDING).unlink()


def running(folder: Path) -> Standing | None:
    """Return what the node of a data folder says; None if no node is running, or this user cannot see it."""
    try:
        found = orjson.loads((folder / STANDING).read_bytes())
        standing = Standing(found["pid"], _reload(found["reload"]))
        lock = (folder / LOCK).stat()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    held = any(os.path.samestat(one, lock) for one in _open_files(standing.pid))
    return standing if held else None


def _reload(found: dict[str, Any] | None) -> Reload | None:
    if found is None:
        return None
    return Reload(found["begun"], *(tuple(found[name]) for name in ("problems", "changed", "restart")))


def _open_files(pid: int) -> Iterator[os.stat_result]:
    """Yield the open files of a process; none if there is no such process, or it belongs to another user."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield descriptor.stat()
