"""The programs in scripts/: what they are told wrongly they do not do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and os.access(path, os.X_OK))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "scripts")))}
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=ROOT, env=environ)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_the_first_lines_of_a_program_say_how_to_call_it(program: Path) -> None:
    assert f"scripts/{program.name}" in "".join(program.read_text().splitlines(keepends=True)[:4])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_the_readme_tells_of_every_program(program: Path) -> None:
    assert re.search(rf"scripts/{program.name}\b", (ROOT / "README.md").read_text())


def test_check_has_no_options() -> None:
    done = run(ROOT / "scripts" / "check", "--fix")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no options" in done.stderr


def test_generate_writes_nothing_when_it_is_asked_for_what_it_does_not_know() -> None:
    before = (ROOT / "README.md").stat()
    for arguments in (("--hcekc",), ("README.md",), ("--help",)):
        done = run(sys.executable, ROOT / "scripts" / "generate", *arguments)
        assert done.returncode == (0 if arguments == ("--help",) else 2)
        assert (done.stdout + done.stderr).startswith("usage: scripts/generate")
    assert (ROOT / "README.md").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("module", "arguments", "told"),
    [
        ("benchmark.make_series", ("{tmp}/made", "--count", "0"), "--count: must be a whole number from 1 on"),
        ("benchmark.make_series", ("{tmp}/made", "--count", "-4"), "--count: must be a whole number from 1 on"),
        ("benchmark.make_series", ("{tmp}/made", "--matrix", "65536"), "--matrix: must be 65535 at most"),
        ("benchmark", ("--runs", "x"), "--runs: must be a whole number from 1 on"),
        ("tests.fault.crash", ("--count", "-1"), "--count is 0 or more"),
        ("tests.fault.soak", ("--minutes", "1"), "growth is seen by 4 looks or more"),
        ("tests.fault.soak", ("--every", "0"), "growth is seen by 4 looks or more"),
        ("tests.wire.fuzz", ("--minutes", "0"), "--minutes is above 0"),
        ("tests.wire.fuzz", ("--replay", "{tmp}/nothing"), "no such file: {tmp}/nothing"),
        ("tests.accuracy", ("{tmp}/nothing",), "no such folder: {tmp}/nothing"),
    ],
)
def test_what_cannot_be_done_is_wrong_usage(module: str, arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = run(sys.executable, "-m", module, *(one.format(tmp=tmp_path) for one in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert told.format(tmp=tmp_path) in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_series_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(sys.executable, "-m", "benchmark.make_series", tmp_path / "file", "--count", "1", "--matrix", "8")
    assert done.returncode == 1
    assert re.fullmatch(r"scripts/make_series: .*File exists.*\n", done.stderr)
