"""What another program is told if it cannot read a ledger."""

import os
from pathlib import Path

import pytest

from scp.errors import LedgerFault
from scp.ledger.reading import open_reader


def test_a_ledger_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file" / "none"):
        with pytest.raises(LedgerFault, match=f"^there is no ledger at {path}$"):
            open_reader(path)


def test_a_ledger_of_another_account_is_not_said_to_be_damaged_or_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(LedgerFault, match=r"^this user may not read the ledger$"):
        open_reader(tmp_path / "ledger")


def test_nor_is_one_in_a_folder_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(LedgerFault, match=r"^this user may not read the ledger$"):
        open_reader(tmp_path / "ledger")
