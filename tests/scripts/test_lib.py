"""How the programs in scripts/ find a Python and what they make of what the caller has set: scripts/lib.sh."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def sourced(statements: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run statements of bash behind those of lib.sh."""
    command = ["bash", "-c", f"set -euo pipefail; source '{SCRIPTS}/lib.sh'; {statements}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environ)


def python(folder: Path, name: str, *, usable: bool) -> Path:
    """Put a program into a folder of PATH that succeeds as a new Python would, or fails as an old one does."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n" + ("exit 0\n" if usable else "echo Python 3.8.10; exit 1\n"))
    program.chmod(0o755)
    return program


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH whose first Python is too old; the next one is not."""
    python(tmp_path / "first", "python3", usable=False)
    python(tmp_path / "second", "python3.12", usable=True)
    return os.pathsep.join(map(str, (tmp_path / "first", tmp_path / "second", os.environ["PATH"])))


def test_a_python_that_is_too_old_is_passed_over(path: str, tmp_path: Path) -> None:
    python(tmp_path / "first", "python3.11", usable=False)
    found = sourced('find_python "$complete"', PATH=path, PYTHON="")
    assert found.stdout == f"{tmp_path}/second/python3.12\n"


@pytest.mark.parametrize("usable", [True, False])
def test_a_python_that_is_named_comes_first_if_it_can_be_used(path: str, tmp_path: Path, usable: bool) -> None:
    mine = python(tmp_path / "mine", "python", usable=usable)
    python(tmp_path / "first", "python3.11", usable=False)
    found = sourced('find_python "$complete"', PATH=path, PYTHON=str(mine))
    assert found.stdout == f"{mine if usable else tmp_path / 'second' / 'python3.12'}\n"


def test_packages_of_other_programs_are_not_those_of_ours(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the json of Python')")
    done = sourced(f"'{sys.executable}' -c 'import json; print(json.__name__)'", PYTHONPATH=str(tmp_path))
    assert (done.stdout, done.stderr) == ("json\n", "")


def test_why_packages_cannot_be_installed_is_told_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python(tmp_path / "bin", "python", usable=False)
    done = sourced(f"venv='{tmp_path}'; pip_install something; echo went on")
    assert done.returncode == 2
    assert "Python packages could not be installed" in done.stderr
    assert "went on" not in done.stdout


def test_packages_go_into_the_environment_although_pip_has_been_told_to_put_them_into_a_home(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text('#!/bin/sh\necho "PIP_USER=$PIP_USER" >&2\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    assert sourced(f"venv='{tmp_path}'; pip_install something", PIP_USER="1").stderr == "PIP_USER=0\n"
