"""``auditscp hash-password`` prints what the configuration takes, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from scp.cli import hash_password
from scp.config import UserIdentity
from scp.net.identity import Claim, Users
from tests.unit.cli.conftest import Run


def test_the_first_line_of_standard_input_is_the_password(run: Run) -> None:
    done = run("hash-password", standard_input="pässword\nmore\n")
    assert (done.code, done.err) == (0, "")
    users = Users(UserIdentity.model_validate({"users": {"anna": done.out.strip()}}))
    assert users.admits(Claim(2, b"anna", "pässword".encode(), wants_response=False))


def test_an_empty_password_is_none(run: Run) -> None:
    done = run("hash-password", standard_input="\n")
    assert (done.code, done.out, done.err) == (2, "", "error: no password was given\n")


def test_what_is_no_text_is_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_password, "_given", b"\xff".decode)
    done = run("hash-password")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: the password cannot be read as text\n"


def test_where_standard_input_is_closed_there_is_no_password() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "scp", "hash-password"],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: no password was given\n")
