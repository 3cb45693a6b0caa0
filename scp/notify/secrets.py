"""What channels need from files: secrets, and the certificates that they trust. Everything wrong is told together."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scp.config import Problem

T = TypeVar("T")


class Unusable(Exception):
    """A setting cannot be used; the text says why and does not show a secret."""


def attempt(problems: list[Problem], place: str, act: Callable[[], T]) -> T | None:
    """Return what ``act`` returns; if it raises Unusable, note the problem and return None."""
    try:
        return act()
    except Unusable as error:
        problems.append(Problem(place, str(error)))
        return None


def secret_in(path: Path) -> str:
    """Return the secret in a file, without the end of its line. Raises Unusable."""
    try:
        return path.read_text("utf-8").strip("\r\n")
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path} is not text") from None


def client_context(authorities: Path | None) -> ssl.SSLContext:
    """Return what verifies servers: by these certificates, or by those of the system. Raises Unusable."""
    try:
        return ssl.create_default_context(cafile=authorities)
    except ssl.SSLError:
        raise Unusable(f"{authorities} holds nothing of the kind, as PEM") from None
    except OSError as error:
        raise Unusable(f"{authorities} cannot be read: {error.strerror}") from None


def words(error: Exception) -> str:
    """Return what may be told of an error of a connection: its text may repeat what the other side said."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted: {error.verify_message}"
    told = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
