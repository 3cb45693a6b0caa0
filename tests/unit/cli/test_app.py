"""The command says what it is, and what it can do."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from scp.cli import app
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.version import __version__
from tests.unit.cli.conftest import Run
from tests.unit.upkeep.folders import filled

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


# What the surroundings deny


def outside(command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``auditscp`` as people do, in a shell that decides where its output goes."""
    return subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m scp {command}'],
        capture_output=True, text=True, env=os.environ | env, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["rules", "rules --format json", "explain GEO-103", "config show"])
def test_an_output_that_takes_nothing_is_told_and_is_no_verdict(verb: str) -> None:
    done = outside(f"{verb} > /dev/full")
    assert (done.returncode, done.stderr) == (2, "error: the output: No space left on device\n")


NOT_UTF_8 = "error: an argument, or a variable of the environment, is not UTF-8\n"


def test_an_argument_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    filled(tmp_path)
    done = outside(f"series show $'\\xff' --data {tmp_path}")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", NOT_UTF_8)


def test_a_variable_that_is_not_utf_8_is_told() -> None:
    done = outside("config show", AUDITSCP_NODE__AE_TITLE="\udcff")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", NOT_UTF_8)


def test_without_an_output_a_verb_works_all_the_same() -> None:
    done = outside("rules >&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "environ",
    [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
    ids=["latin-1", "c"],
)
def test_a_locale_without_the_signs_gets_the_rest(environ: dict[str, str]) -> None:
    done = outside("rules", **environ)
    assert (done.stdout.split()[0], done.stderr) == ("code", "")
    assert "INT-001" in done.stdout


def test_what_may_not_be_looked_at_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deny(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "/data/archive")

    monkeypatch.setattr(app, "app", deny)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    with pytest.raises(SystemExit) as caught:
        app.main()
    assert (caught.value.code, capsys.readouterr().err) == (2, "error: /data/archive: Permission denied\n")


@pytest.mark.parametrize("verb", ["serve", "receipts", "verify", "reload"])
def test_a_folder_without_a_name_is_not_the_folder_one_is_in(run: Run, tmp_path: Path, verb: str) -> None:
    done = run(verb, "--data", "")
    assert done.code == 2
    assert "a path is missing" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [("receipts",), ("quarantine", "list"), ("series", "list")])
def test_a_limit_beyond_reason_is_wrong_usage(run: Run, verb: tuple[str, ...]) -> None:
    done = run(*verb, "--limit", 10**20)
    assert done.code == 2
    assert "--limit" in done.err


@pytest.mark.parametrize("verb", [("receipts",), ("quarantine", "list")])
def test_a_rule_that_there_is_not_is_told_instead_of_nothing(run: Run, tmp_path: Path, verb: tuple[str, ...]) -> None:
    filled(tmp_path / "data")
    done = run(*verb, "--rule", "DUP-0004")
    assert (done.code, done.err) == (2, "error: there is no rule DUP-0004; did you mean DUP-004?\n")
    assert run(*verb, "--rule", "dup").code == run(*verb, "--rule", "DUP-004").code == 0


def test_ctrl_c_ends_it_without_a_word_and_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While its parts are being loaded, too, which takes longer than anything else that small commands do."""

    class Loading:
        @property
        def main(self) -> object:
            raise KeyboardInterrupt

    entry = runpy.run_module("scp.__main__", run_name="scp.__main__")["main"]
    monkeypatch.setitem(sys.modules, "scp.cli.app", Loading())
    with pytest.raises(SystemExit) as ended:
        entry()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")
