"""The key of the fingerprints: a file beside the ledger, never in it.

Whoever has a ledger with its key can identify patients, by trying millions of names and numbers. A copy of the ledger
alone, for a report or a backup, identifies nobody. So the key belongs in a backup of its own. If it is lost, ``auditscp
rebuild`` makes a new key and a new ledger from the objects.
"""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Final

import apsw

from scp.audit.tracked import fingerprint
from scp.errors import LedgerFault, in_words

NAME: Final = "fingerprint.key"
_BYTES: Final = 32
_KNOWN: Final = "the key is the right one"


def key_path(ledger: Path) -> Path:
    """Return where the key of a ledger is."""
    return ledger.with_name(NAME)


def load_key(path: Path) -> bytes:
    """Read a key. Raises LedgerFault if it is not there, or is not a key."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise LedgerFault(f"{path.name} cannot be read ({in_words(error)}): restore it, or rebuild") from error
    if len(key) != _BYTES:
        raise LedgerFault(f"{path.name} has {len(key)} bytes instead of {_BYTES}: restore it, or rebuild")
    return key


def load_or_make_key(path: Path, *, sync: bool) -> bytes:
    """Read the key, or make it, durably if ``sync``. Callers that do so at the same time all get the same key.

    Raises LedgerFault and OSError.
    """
    if not path.exists():
        draft = path.with_name(f"{NAME}.{token_hex(8)}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, token_bytes(_BYTES))
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with suppress(FileExistsError):  # then somebody else was first, and theirs counts
            os.link(draft, path)
        draft.unlink()
        if sync:
            _sync_folder(path.parent)
    return load_key(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def key_beside(db: apsw.Connection) -> bytes:
    """Return the key of the ledger that a connection has open. Raises LedgerFault."""
    return load_key(key_path(Path(db.filename)))


def check_of(key: bytes) -> str:
    """Return what the ledger keeps of its key: enough to recognise the key, but not to compute it."""
    return fingerprint(key, _KNOWN)


def verify(key: bytes, check: object) -> bytes:
    """Return the key. Raises LedgerFault if it belongs to another ledger: with it, no known patient would be found."""
    if check_of(key) != check:
        raise LedgerFault(f"{NAME} is the key of another ledger: restore the right one, or rebuild")
    return key
