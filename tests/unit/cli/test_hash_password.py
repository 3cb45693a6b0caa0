"""``auditscp hash-password`` prints what the configuration takes, and nothing else."""

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
