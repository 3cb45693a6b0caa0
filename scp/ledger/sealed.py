"""Light objects in the ledger: whole encrypted files, kept from the decision until the files are durable on the disk.

One sync of the ledger makes decision and bytes durable at once. The bytes are encrypted with a key derived from that of
the fingerprints, which is not in the ledger; so a copy of the ledger alone still identifies nobody.
"""

import hmac
from collections.abc import Sequence
from typing import Final

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scp.errors import LedgerFault

_PURPOSE: Final = b"objects that wait for their sync"
_NONCE_BYTES: Final = 12


class Sealed:
    """The sealed objects of one ledger. The caller holds the transaction, or the lock of the connection."""

    def __init__(self, db: apsw.Connection, key: bytes) -> None:
        """``key`` is the fingerprint key of the ledger."""
        self._db = db
        self._cipher = AESGCM(hmac.digest(key, _PURPOSE, "sha256"))

    def put(self, receipt: int, content: bytes) -> None:
        """Encrypt and keep the whole file of a receipt."""
        self._db.execute(
            "INSERT INTO sealed VALUES (?, ?)", (receipt, self._cipher.encrypt(_nonce(receipt), content, None))
        )

    def forget(self, receipts: Sequence[int]) -> None:
        """Remove files that are on the disk by now."""
        self._db.executemany("DELETE FROM sealed WHERE id = ?", [(one,) for one in receipts])

    def numbers(self) -> list[int]:
        """Return the receipts whose files are here, oldest first."""
        return [row[0] for row in self._db.execute("SELECT id FROM sealed ORDER BY id")]

    def content(self, receipt: int) -> bytes:
        """Return the file of a receipt that is here. Raises LedgerFault if it is not as it was sealed."""
        sealed: bytes = self._db.execute("SELECT content FROM sealed WHERE id = ?", (receipt,)).get
        try:
            return self._cipher.decrypt(_nonce(receipt), sealed, None)
        except InvalidTag as error:
            raise LedgerFault("the ledger's copy of an object is damaged") from error


def _nonce(receipt: int) -> bytes:
    """Return the nonce of a receipt: its number. A receipt is never sealed with other bytes than the first time."""
    return receipt.to_bytes(_NONCE_BYTES, "big")
