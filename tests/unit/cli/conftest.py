"""Commands run in this process, with an environment of their own."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from scp.cli.app import app


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def account(uid: int) -> str:
    """Return the name of an account; in a container it may have none, but a number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@pytest.fixture
def run(logs_as_before: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``auditscp`` with these arguments, in an empty folder and without settings from the environment."""
    for name in os.environ:
        if name.startswith("AUDITSCP_") or name == "SUDO_USER":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object, standard_input: str | None = None, **env: str) -> Done:
        result = CliRunner(env=env).invoke(app, [str(one) for one in arguments], input=standard_input)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return invoke
