"""The command says what it is, and what it can do."""

import runpy
import subprocess
import sys

import pytest

from scp.cli import app
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.version import __version__
from tests.unit.cli.conftest import Run

VERSION = [
    f"auditscp {__version__}",
    f"Implementation Class UID     {IMPLEMENTATION_CLASS_UID}",
    f"Implementation Version Name  {IMPLEMENTATION_VERSION_NAME}",
]


def test_the_version_is_that_of_the_program_and_of_its_implementation(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.out.splitlines(), done.err) == (0, VERSION, "")


@pytest.mark.parametrize("verb", ["serve", "check", "rules", "explain", "config"])
def test_every_verb_is_listed_and_explained(run: Run, verb: str) -> None:
    assert verb in run("--help").out
    assert run(verb, "--help").code == 0


@pytest.mark.parametrize("arguments", [(), ("quarantine",), ("series",), ("config",)])
def test_what_a_verb_does_is_said_whole_on_a_narrow_terminal(
    run: Run, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    verbs = run(*arguments, "--help").out.partition("Commands:\n")[2].splitlines()
    assert verbs
    assert [line for line in verbs if not line.endswith(".")] == []
    assert [line for line in verbs if line.endswith("...")] == []


@pytest.mark.parametrize("arguments", [(), ("config",)])
def test_without_a_verb_there_is_help(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert "Commands" in done.out + done.err


@pytest.mark.parametrize(
    "arguments", [("judge",), ("rules", "--colour"), ("check",), ("check", "--format", "xml", ".")]
)
def test_wrong_usage_is_told_and_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert "Error" in done.err
    assert done.out == ""


def test_the_package_can_be_run() -> None:
    done = subprocess.run([sys.executable, "-m", "scp", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == VERSION


def test_importing_the_package_runs_nothing() -> None:
    assert "main" in runpy.run_module("scp.__main__", run_name="scp.__main__")


def test_the_script_of_the_distribution_is_the_same_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["auditscp", "--version"])
    with pytest.raises(SystemExit) as caught:
        app.main()
    assert caught.value.code == 0
    assert capsys.readouterr().out.splitlines() == VERSION
