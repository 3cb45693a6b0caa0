"""What waits for its sync is in the ledger: durable with the decision, whole, and nobody's to read without the key."""

import shutil
import subprocess
import sys
from dataclasses import replace
from os import urandom
from pathlib import Path
from secrets import token_bytes
from typing import Final

import apsw
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scp.audit.finding import Verdict
from scp.errors import LedgerFault
from scp.ids import new_id
from scp.ledger.key import key_path
from scp.ledger.sealed import Sealed
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.contract import ACCEPT, REFUSE, admit, draft, look, sent
from tests.unit.nodes import data_set, open_node

CONTENT: Final = b"a whole file " + urandom(20_000)
NAME: Final = "Zebulon^Quirinius"


def sealed_in(ledger: SqliteLedger, content: bytes = CONTENT, verdict: Verdict = ACCEPT) -> int:
    """Admit an object that waits for its sync, and return its receipt."""
    one = replace(draft(sent(SOPInstanceUID=f"1.2.{new_id()}")), content=content)
    admit(ledger, one, verdict)
    return one.receipt


def tampered(path: Path, statement: str) -> None:
    """Let another program write to the ledger."""
    db = apsw.Connection(str(path))
    db.execute(statement)
    db.close()


@pytest.mark.parametrize("content", [CONTENT, b"x", bytes(65_536)])
def test_what_was_sealed_comes_back_as_it_was(ledger: SqliteLedger, content: bytes) -> None:
    number = sealed_in(ledger, content)
    assert ledger.unseal(number) == content
    assert ledger.sealed() == [number]


def test_what_one_version_has_sealed_the_next_one_opens() -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE sealed (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")
    written = bytes.fromhex("33c1e4ab9ae3ab144d75a5bd63e5955ce3abd4e09f0c265242c6322b")
    db.execute("INSERT INTO sealed VALUES (7, ?)", (written,))
    assert Sealed(db, b"k" * 32).content(7) == b"a whole file"


def test_an_object_that_is_on_the_disk_already_is_not_sealed(ledger: SqliteLedger) -> None:
    admit(ledger, draft(sent()))
    assert ledger.sealed() == []


def test_a_refused_object_is_sealed_too(ledger: SqliteLedger) -> None:
    number = sealed_in(ledger, verdict=REFUSE)
    assert ledger.unseal(number) == CONTENT


def test_what_is_kept_already_is_not_sealed_again(ledger: SqliteLedger) -> None:
    admit(ledger, draft(sent()))
    admit(ledger, replace(draft(sent()), content=CONTENT), replace(ACCEPT, duplicate=True))
    assert ledger.sealed() == []


def test_what_was_not_decided_is_not_sealed(ledger: SqliteLedger) -> None:
    look(ledger, replace(draft(sent()), content=CONTENT))
    assert ledger.sealed() == []


def test_an_admission_that_is_undone_leaves_nothing_sealed(ledger: SqliteLedger) -> None:
    one = replace(draft(sent()), content=CONTENT)
    admit(ledger, one)
    with pytest.raises(LedgerFault):
        admit(ledger, replace(one, digest=b"other", content=b"other"))
    assert ledger.unseal(one.receipt) == CONTENT


def test_they_are_listed_oldest_first_and_those_forgotten_are_gone(ledger: SqliteLedger, path: Path) -> None:
    numbers = [sealed_in(ledger) for _ in range(4)]
    assert ledger.sealed() == numbers
    ledger.forget_sealed([numbers[2], numbers[0], 7])
    assert ledger.sealed() == [numbers[1], numbers[3]]
    ledger.forget_sealed([])
    ledger.forget_sealed(numbers)
    assert ledger.sealed() == []
    assert [ledger.knows(number) for number in numbers] == [True] * 4


def test_it_is_there_after_a_kill_with_its_receipt(path: Path) -> None:
    """Another process admits, says so and is gone without closing anything."""
    program = """
import os, sys
from pathlib import Path
from scp.ledger.sqlite import SqliteLedger
from tests.unit.ledger.test_sealed import sealed_in
print(sealed_in(SqliteLedger(Path(sys.argv[1])), b"content"), flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert done.returncode == -9
    again = SqliteLedger(path)
    (number,) = again.sealed()
    assert str(number) == done.stdout.strip()
    assert again.knows(number)
    assert again.unseal(number) == b"content"
    again.close()


@pytest.mark.parametrize(
    "value",
    [
        "CAST(substr(content, 1, 99) || zeroblob(16) || substr(content, 116) AS BLOB)",
        "substr(content, 2)",
        "substr(content, 1, 10)",
        "x''",
        "(SELECT content FROM sealed ORDER BY id LIMIT 1)",
    ],
    ids=["some_bytes", "the_first", "short", "empty", "of_another"],
)
def test_what_is_not_as_it_was_sealed_is_a_fault_and_the_others_are_read(
    ledger: SqliteLedger, path: Path, value: str
) -> None:
    first, second = sealed_in(ledger, bytes([7]) * 1000), sealed_in(ledger, bytes([8]) * 1000)
    tampered(path, f"UPDATE sealed SET content = {value} WHERE id = (SELECT max(id) FROM sealed)")
    with pytest.raises(LedgerFault, match="the ledger's copy of an object is damaged"):
        ledger.unseal(second)
    assert ledger.unseal(first) == bytes([7]) * 1000


def test_nothing_of_an_object_can_be_read_in_the_ledger_before_or_after(tmp_path: Path) -> None:
    node = open_node(tmp_path)
    said = {"PatientName": NAME, "PatientID": "PID-4711-XYZ", "SeriesDescription": "Knee of a tenor"}
    personal = (b"Zebulon", b"PID-4711-XYZ", b"Knee of a tenor", bytes(range(100, 132)))
    good = data_set(**said, PixelData=bytes(range(100, 132)))
    bad = data_set(**said, SOPInstanceUID="1.2.826.0.1.1.1.9", Modality=None)
    numbers = [node.send(data).receipt for data in (good, bad)]
    assert node.ledger.sealed() == numbers
    for number in numbers:
        assert personal[0] in node.ledger.unseal(number)

    def held() -> bytes:
        files = list(tmp_path.glob("ledger.sqlite3*"))
        assert [file.name for file in sorted(files)] == ["ledger.sqlite3", "ledger.sqlite3-shm", "ledger.sqlite3-wal"]
        return b"".join(file.read_bytes() for file in files)

    before = held()
    node.settle()
    assert node.ledger.sealed() == []
    assert [one for one in personal if one in before + held()] == []
    node.close()


def test_the_same_bytes_look_different_each_time(ledger: SqliteLedger, path: Path) -> None:
    for _ in range(2):
        sealed_in(ledger)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    (first,), (second,) = db.execute("SELECT content FROM sealed")
    db.close()
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert first[:64] != second[:64]


def test_a_copy_of_the_ledger_says_nothing_without_its_key(ledger: SqliteLedger, path: Path, tmp_path: Path) -> None:
    number = sealed_in(ledger)
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        shutil.copy(file, copy.parent)
    with pytest.raises(LedgerFault, match=r"fingerprint\.key"):
        SqliteLedger(copy)
    key_path(copy).write_bytes(token_bytes(32))
    with pytest.raises(LedgerFault):
        SqliteLedger(copy)
    db = apsw.Connection(str(copy))
    with pytest.raises(LedgerFault, match="damaged"):
        Sealed(db, key_path(copy).read_bytes()).content(number)
    assert Sealed(db, ledger.fingerprint_key).content(number) == CONTENT
    db.close()


def test_what_seals_is_not_the_key_of_the_fingerprints_itself(ledger: SqliteLedger, path: Path) -> None:
    """Two uses of one key could tell of each other."""
    number = sealed_in(ledger)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    ((content,),) = db.execute("SELECT content FROM sealed")
    db.close()
    assert isinstance(content, bytes)
    with pytest.raises(InvalidTag):
        AESGCM(ledger.fingerprint_key).decrypt(number.to_bytes(12, "big"), content, None)
