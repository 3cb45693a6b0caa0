"""What channels read from files: secrets, and the certificates that they trust. All problems are reported together."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scp.config import Problem

T = TypeVar("T")


class Unusable(Exception):
    """A setting cannot be used; the text says why and shows no secret."""


def attempt(problems: list[Problem], place: str, act: Callable[[], T]) -> T | None:
    """Return what ``act`` returns; if it raises Unusable, add a problem at this ``place`` and return None."""
    try:
        return act()
    except Unusable as error:
        problems.append(Problem(place, str(error)))
        return None


def secret_in(path: Path) -> str:
    """Return the secret in a file, without line ends. Raises Unusable."""
    try:
        return path.read_text("utf-8").strip("\r\n")
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path} is not text") from None


def client_context(authorities: Path | None) -> ssl.SSLContext:
    """Return a context that verifies servers by the CA certificates in a file, or by the system's. Raises Unusable."""
    try:
        return ssl.create_default_context(cafile=authorities)
    except ssl.SSLError:
        raise Unusable(f"{authorities} holds no certificate in PEM form") from None
    except OSError as error:
        raise Unusable(f"{authorities} cannot be read: {error.strerror}") from None


def words(error: Exception) -> str:
    """Describe an error of a connection without its own text, which may repeat what the server said."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted: {error.verify_message}"
    told = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
