"""The real senders: DCMTK's programs, and pynetdicom as a program and as a library."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast

from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import AssociationSocket

from tests.wire.node import environment
from tests.wire.objects import Instance, contexts_of

_TIMEOUT: Final = 300
"""Seconds for a sender's program, which ends by itself."""
_ENVIRONMENT: Final = environment({"TCP_NODELAY": "1"})
"""DCMTK's programs read it: without, every small instance waits 40 ms for an acknowledgement."""
_STATUS: Final = re.compile(r"^D: (?:DIMSE )?Status +: 0x([0-9A-Fa-f]{4})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """How a sender's program ended, what it wrote, and the statuses that it was answered, as far as it says."""

    exit_code: int
    output: str

    @property
    def statuses(self) -> list[str]:
        """Four hexadecimal digits for each C-STORE-RSP, in order."""
        return [status.upper() for status in _STATUS.findall(self.output)]


def dcmtk(program: str, port: int, *arguments: str | Path) -> Run:
    """Run one of DCMTK's clients against the node. Fails if it is not installed: scripts/test installs it."""
    found = shutil.which(program)
    assert found, f"{program} is missing: DCMTK's clients are needed (package dcmtk)"
    return _run([found, "--debug", "-aec", "AUDITSCP", "127.0.0.1", str(port), *map(str, arguments)])


def storescu(port: int, files: Sequence[Path], *options: str) -> Run:
    """Send files in their order with DCMTK's storescu."""
    return dcmtk("storescu", port, *files, "--required", *options)


def dcmsend(port: int, files: Sequence[Path], *options: str) -> Run:
    """Send files in their order with DCMTK's dcmsend."""
    return dcmtk("dcmsend", port, *files, *options)


def pynetdicom_storescu(port: int, *arguments: str | Path) -> Run:
    """Run pynetdicom's storescu."""
    command = [sys.executable, "-m", "pynetdicom", "storescu", "127.0.0.1", str(port), "-d", "-cx"]
    return _run([*command, *map(str, arguments)])


def _run(command: Sequence[str]) -> Run:
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, env=_ENVIRONMENT, check=False
    )
    return Run(done.returncode, done.stdout + done.stderr)


def _close(transport: AssociationSocket) -> None:
    """Close a socket; pynetdicom leaves one open that a node let go of, or that was never connected."""
    if transport.socket:
        with suppress(OSError):
            transport.socket.shutdown(socket.SHUT_RDWR)
        transport.socket.close()


cast("Any", AssociationSocket)._shutdown_socket = _close


class PynetdicomSender:
    """An association of pynetdicom's library that sends Data Sets as they are, without reading them."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self._message_id = 0

    def store(self, instance: Instance) -> str:
        """Send one instance; return the status as four hexadecimal digits."""
        self._message_id += 1
        request: Any = C_STORE()
        request.MessageID = self._message_id
        request.AffectedSOPClassUID = UID(instance.sop_class_uid)
        request.AffectedSOPInstanceUID = UID(instance.sop_instance_uid)
        request.Priority = 0
        request.DataSet = BytesIO(instance.data)
        association = self.association
        number = next(
            cast("int", context.context_id)
            for context in association.accepted_contexts
            if context.abstract_syntax == instance.sop_class_uid
            and context.transfer_syntax[0] == instance.transfer_syntax
        )
        association._reactor_checkpoint.clear()
        # Its other thread would take the response. pynetdicom asks _is_paused, which is true a moment too long.
        while association.is_alive() and not cast("Any", association._reactor_checkpoint)._cond._waiters:
            time.sleep(0.0001)
        try:
            association.dimse.send_msg(request, number)
            _, response = association.dimse.get_msg(block=True)
        finally:
            association._reactor_checkpoint.set()
        return f"{cast('Any', response).Status:04X}"


@contextmanager
def pynetdicom_association(
    port: int, instances: Sequence[Instance], title: str = "PYNETDICOM"
) -> Iterator[PynetdicomSender]:
    """Associate as pynetdicom's library does, with what it takes to send some instances; release at the end."""
    ae = AE(title)
    for sop_class, syntaxes in contexts_of(instances):
        ae.add_requested_context(UID(sop_class), [UID(syntax) for syntax in syntaxes])
    association = ae.associate("127.0.0.1", port, ae_title="AUDITSCP")
    assert association.is_established
    connection = cast("Any", association.dul.socket).socket
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield PynetdicomSender(association)
    finally:
        association.release()
