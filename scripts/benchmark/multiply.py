"""Makes a large ledger of a small one: copies its rows many times, each time as other studies of another time.

The sample is what a real node wrote, so the shape is real: studies, series, stacks, variants, instances, receipts,
findings and refusals, in the node's own tables. Columns that are not named here are copied as they are.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import apsw
from pydicom.uid import PYDICOM_ROOT_UID

from scp.ledger.schema import SCHEMA, VERSION
from scp.ledger.uid_key import key_of

_NUMBER, _TIME = "{0} + :numbers", "{0} + :microseconds"
_UID, _KEY = "other_uid({0}, :copy)", "other_key(uid, :copy)"
_PATH, _DIGEST = "other_path({0}, :copy)", "other({0}, :copy)"
_STUDY, _SERIES, _FINDING = "{0} + :copy * {study}", "{0} + :copy * {series}", "{0} + :copy * {series_finding}"
_COUNTED: Final = ("study", "series", "series_finding")
"""Tables whose rows have small numbers: each copy begins after the last."""

CHANGED: Final[Mapping[str, Mapping[str, str]]] = {
    "association": {"id": _NUMBER, "opened": _TIME, "closed": _TIME},
    "study": {"id": _STUDY, "uid": _UID, "reference": _NUMBER},
    "series": {"id": _SERIES, "uid": _UID, "study": _STUDY, "reference": _NUMBER},
    "variant": {"series": _SERIES},
    "stack": {"series": _SERIES, "reference": _NUMBER},
    "instance": {"id": _NUMBER, "uid": _UID, "key": _KEY, "study": _STUDY, "series": _SERIES, "digest": _DIGEST},
    "receipt": {
        "id": _NUMBER, "association": _NUMBER, "received": _TIME, "affected_sop_instance_uid": _UID,
        "study_instance_uid": _UID, "series_instance_uid": _UID, "digest": _DIGEST, "path": _PATH, "original": _NUMBER,
    },
    "finding": {"receipt": _NUMBER, "other": _NUMBER},
    "series_audit": {"id": _NUMBER, "series": _SERIES, "made": _TIME},
    "series_finding": {"id": _FINDING, "series": _SERIES, "opened": _NUMBER, "closed": _NUMBER},
}  # fmt: skip
"""What is different in each copy, by table and column. What triggers write, they write for each copy."""
ONCE: Final = ("meta", "scanner")
"""Tables that all copies share."""

_NUMBERS_PER_MICROSECOND: Final = (1 << 20) / 1000
"""See :mod:`scp.ids`: identifiers are times."""
_STEP: Final = 1_000_000_007
"""Numbers are moved by multiples of this: :mod:`scp.ledger.series` adds up remainders to notice what is new."""
_APART: Final = 600_000_000
"""Microseconds between one copy and the next: ten minutes."""
_YOUNGEST: Final = 7 * 24 * 3_600_000_000
"""Microseconds between the newest copy and the sample: recovery looks for the files of what came last."""
_TOGETHER: Final = 100
_CACHE_KIB: Final = 2 << 20
"""UIDs are random, as those of many toolkits are: with too little memory every row would be a read from the disk."""


def multiply(sample: Path, ledger: Path, instances: int, told: Callable[[int], None]) -> int:
    """Fill a new ledger with copies of a sample until it holds so many instances; return how many it holds.

    ``told`` hears how many instances were added.
    """
    ledger.touch(mode=0o600)
    db = apsw.Connection(str(ledger))
    try:
        for pragma, value in (("journal_mode", "off"), ("synchronous", "off"), ("cache_size", -_CACHE_KIB)):
            db.pragma(pragma, value)
        db.execute(SCHEMA)
        db.pragma("user_version", VERSION)
        db.execute("ATTACH ? AS sample", (str(sample),))
        for table in ONCE:
            db.execute(f"INSERT INTO main.{table} SELECT * FROM sample.{table}")
        for name, function in _FUNCTIONS.items():
            db.create_scalar_function(name, function, 2, deterministic=True)
        each = int(db.execute("SELECT count(*) FROM sample.instance").get)
        copies = -(-instances // each)
        steps = {table: db.execute(f"SELECT coalesce(max(id), 0) FROM sample.{table}").get for table in _COUNTED}
        statements = [_statement(db, table, steps) for table in CHANGED]
        for first in range(0, copies, _TOGETHER):
            with db:
                for copy in range(first, min(first + _TOGETHER, copies)):
                    back = _YOUNGEST + _APART * (copies - copy)
                    values = {
                        "copy": copy,
                        "microseconds": -back,
                        "numbers": -int(back * _NUMBERS_PER_MICROSECOND) // _STEP * _STEP,
                    }
                    for statement in statements:
                        db.execute(statement, values)
                    told(each)
        with db:  # the copies of the audits cover the copies of the instances, whatever triggers made of these
            db.execute("UPDATE series SET is_open = 0")
        return each * copies
    finally:
        db.close()


def _statement(db: apsw.Connection, table: str, steps: Mapping[str, int]) -> str:
    """Return the statement that copies a table in the order of its key, so that rows are appended as in use."""
    columns = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    changed = CHANGED[table]
    unknown = set(changed) - set(columns)
    if unknown:
        raise ValueError(f"the ledger has no {table}.{unknown.pop()}")
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changed.get(name, "{0}").format(f'"{name}"', **steps) for name in columns)
    return f"INSERT INTO main.{table} ({names}) SELECT {values} FROM sample.{table} ORDER BY 1"


@lru_cache(maxsize=1024)
def _other_uid(uid: str, copy: int) -> str:
    """Return a UID under the same root as those that are sent, so that the new ones fall anywhere among the old."""
    if not uid:
        return uid
    number = int.from_bytes(_hash(uid.encode(), copy, 16), "big")
    return PYDICOM_ROOT_UID + str(number)[:38]


def _other_key(uid: str, copy: int) -> int:
    return key_of(_other_uid(uid, copy))


def _other_path(path: str, copy: int) -> str:
    """Return a path with the UIDs of the copy; the number of a receipt in it stays, as nobody looks for it."""
    return "/".join(
        _other_uid(part.removesuffix(".dcm"), copy) + (".dcm" if part.endswith(".dcm") else "")
        if part.startswith(PYDICOM_ROOT_UID)
        else part
        for part in path.split("/")
    )


def _other(value: bytes | None, copy: int) -> bytes | None:
    return None if value is None else _hash(value, copy, len(value))


def _hash(value: bytes, copy: int, size: int) -> bytes:
    return blake2b(value, digest_size=size, salt=copy.to_bytes(8, "big")).digest()


_FUNCTIONS: Final[Mapping[str, Callable[..., str | int | bytes | None]]] = {
    "other_uid": _other_uid,
    "other_key": _other_key,
    "other_path": _other_path,
    "other": _other,
}
