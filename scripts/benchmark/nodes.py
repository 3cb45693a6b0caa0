"""The nodes that are measured: how each is started on loopback, and how its stored instances are counted."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import apsw

from scp.layout import ARCHIVE, LEDGER
from scp.version import __version__

ROOT: Final = Path(__file__).resolve().parents[2]
ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if not name.startswith("AUDITSCP_")},
    "TCP_NODELAY": "1",
    "PYTHONPATH": str(ROOT),
}
"""For nodes and senders alike: without TCP_NODELAY, DCMTK's programs wait 40 ms for an acknowledgement."""
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Node:
    """A node to measure.

    ``command`` gets a port and a folder of the node's own; ``stored`` counts the instances in that folder once the
    node has stopped. A node that ``forks`` must be looked at often to see its peak memory.
    """

    key: str
    title: str
    version: str
    command: Callable[[int, Path], Sequence[str]]
    stored: Callable[[Path], int]
    forks: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A node that cannot be measured here, and why."""

    reason: str


def auditscp(durability: str, settings: str = "") -> Node:
    """Return this node; ``settings`` are more tables of its configuration."""

    def command(port: int, folder: Path) -> list[str]:
        config = folder / "bench.toml"
        config.write_text(f'[storage]\ndurability = "{durability}"\n{settings}')
        return [sys.executable, "-m", "scp", "serve", "--config", str(config), "--data", str(folder / "data"),
                "--host", LOOPBACK, "--port", str(port)]  # fmt: skip

    title = f"auditscp, durability {durability}"
    return Node(f"auditscp-{durability}", title, f"{__version__}, Python {platform.python_version()}", command, kept)


def kept(folder: Path, beyond: int = 0) -> int:
    """Count what this node stored: only if archive and ledger agree; -1 if they do not.

    Instances with numbers up to ``beyond`` were put into the ledger without a file.
    """
    data = folder / "data"
    files = sum(1 for _ in (data / ARCHIVE).rglob("*.dcm"))
    return files if files == _ask(data / LEDGER, f"SELECT count(*) FROM instance WHERE id > {beyond}") else -1


def pynetdicom() -> Node:
    """Return pynetdicom's storescp."""

    def command(port: int, folder: Path) -> list[str]:
        return [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-ba", LOOPBACK, "-od", str(folder / "out")]

    return Node("pynetdicom", "pynetdicom storescp", version("pynetdicom"), command, _files)


def dcmtk(*options: str) -> Node | Missing:
    """Return DCMTK's storescp, a process for each association."""
    program = shutil.which("storescp")
    if program is None:
        return Missing("storescp is not installed (Debian package dcmtk)")

    def command(port: int, folder: Path) -> list[str]:
        return [program, "--fork", *options, "-od", str(folder / "out"), "+xa", str(port)]

    key, title = ("dcmtk-128k", f"DCMTK storescp --fork {' '.join(options)}") if options else ("dcmtk", _DCMTK)
    return Node(key, title, _said(program, "--version").split()[2].lstrip("v"), command, _files, forks=True)


def orthanc() -> Node | Missing:
    """Return Orthanc with its default settings, but without its HTTP server and plugins."""
    program = shutil.which("Orthanc", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        return Missing("Orthanc is not installed (Debian package orthanc; stop its service)")

    def command(port: int, folder: Path) -> list[str]:
        config, out = folder / "orthanc.json", str(folder / "out")
        settings = {
            "Name": "bench", "StorageDirectory": out, "IndexDirectory": out, "HttpServerEnabled": False,
            "DicomServerEnabled": True, "DicomPort": port, "DicomCheckCalledAet": False,
            "DicomAlwaysAllowEcho": True, "DicomAlwaysAllowStore": True,
        }  # fmt: skip
        config.write_text(json.dumps(settings))
        return [program, str(config)]

    def stored(folder: Path) -> int:
        files = sum(1 for path in (folder / "out").rglob("*") if path.is_file() and len(path.name) == _UUID)
        return files if files == _ask(folder / "out" / "index", _ORTHANC_INSTANCES) else -1

    return Node("orthanc", "Orthanc", _said(program, "--version").split()[1], command, stored)


NODES: Final[Mapping[str, Callable[[], Node | Missing]]] = {
    "auditscp-none": partial(auditscp, "none"),
    "auditscp-full": partial(auditscp, "full"),
    "dcmtk": dcmtk,
    "dcmtk-128k": partial(dcmtk, "--max-pdu", "131072"),
    "orthanc": orthanc,
    "pynetdicom": pynetdicom,
}
USUAL: Final = ("auditscp-none", "auditscp-full", "dcmtk", "orthanc", "pynetdicom")
PEERS: Final = {"dcmtk": "DCMTK", "orthanc": "Orthanc", "pynetdicom": "pynetdicom"}
"""The nodes with which the others are compared, and the headings of their columns."""

_DCMTK: Final = "DCMTK storescp --fork"
_UUID: Final = 36
_ORTHANC_INSTANCES: Final = "SELECT count(*) FROM Resources WHERE resourceType = 4"


def find(keys: Sequence[str]) -> tuple[list[Node], dict[str, str]]:
    """Return the nodes that are installed here, and why the others cannot be measured."""
    nodes: list[Node] = []
    missing: dict[str, str] = {}
    for key in keys:
        found = NODES[key]()
        if isinstance(found, Node):
            nodes.append(found)
        else:
            missing[key] = found.reason
    return nodes, missing


def _files(folder: Path) -> int:
    return sum(1 for path in (folder / "out").iterdir() if path.is_file())


def _ask(database: Path, question: str) -> int:
    connection = apsw.Connection(str(database))
    try:
        return int(connection.execute(question).get)
    finally:
        connection.close()


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
