"""What the service manager that started the node is told, by the protocol of sd_notify(3)."""

import os
import socket
from contextlib import suppress
from typing import Final

_VARIABLE: Final = "NOTIFY_SOCKET"
_SECONDS: Final = 5.0
"""A manager that is busy for so long is not waited for."""


def ready(status: str) -> None:
    """Say that the node listens, with a line for ``systemctl status``."""
    _tell("READY=1", f"STATUS={status}")


def stopping(status: str) -> None:
    """Say that the node is about to end, with a line for ``systemctl status``."""
    _tell("STOPPING=1", f"STATUS={status}")


def _tell(*states: str) -> None:
    """Send one datagram. Without a manager, nobody is told; one that is not there any more is no reason to stop."""
    address = os.environ.get(_VARIABLE)
    if not address:
        return
    if address.startswith("@"):  # a name without a file
        address = "\0" + address[1:]
    with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_SECONDS)
        sock.sendto("\n".join(states).encode(), address)
