"""Tells the service manager that started the node how it is doing, by the protocol of sd_notify(3)."""

import os
import socket
from contextlib import suppress
from typing import Final

_VARIABLE: Final = "NOTIFY_SOCKET"
_SECONDS: Final = 5.0
"""How long to wait for a manager that is busy."""


def ready(status: str) -> None:
    """Tell it that the node listens, with a line for ``systemctl status``."""
    _tell("READY=1", f"STATUS={status}")


def stopping(status: str) -> None:
    """Tell it that the node is about to end, with a line for ``systemctl status``."""
    _tell("STOPPING=1", f"STATUS={status}")


def _tell(*states: str) -> None:
    """Send one datagram, if there is a manager. That it cannot be reached any more is no reason to stop."""
    address = os.environ.get(_VARIABLE)
    if not address:
        return
    if address.startswith("@"):  # a socket in the abstract namespace, unix(7)
        address = "\0" + address[1:]
    with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_SECONDS)
        sock.sendto("\n".join(states).encode(), address)
