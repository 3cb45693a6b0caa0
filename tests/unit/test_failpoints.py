"""Fail points are there by name, die where they say, and are nothing when off."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scp.failpoints import POINTS, VARIABLE, arm


@pytest.fixture
def restored() -> Iterator[None]:
    """Put everything back that a point may have wrapped."""
    before = {name: getattr(*point) for name, point in POINTS.items()}
    yield
    for name, (owner, attribute) in POINTS.items():
        setattr(owner, attribute, before[name])


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Note who is killed instead of doing it."""
    kills: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *kill: kills.append(kill))
    return kills


@pytest.mark.parametrize("name", POINTS)
def test_a_point_is_something_that_there_is(name: str) -> None:
    assert callable(getattr(*POINTS[name]))


def test_nothing_is_wrapped_when_no_point_is_named() -> None:
    before = {name: getattr(*point) for name, point in POINTS.items()}
    arm({})
    assert {name: getattr(*point) for name, point in POINTS.items()} == before
    assert not [one for one in before.values() if hasattr(one, "__wrapped__")]


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(("asked", "number"), [("case.drafted", 1), ("case.drafted:1", 1), ("case.drafted:3", 3)])
def test_the_process_dies_when_a_point_is_passed_for_the_so_manieth_time(
    asked: str, number: int, killed: list[tuple[int, int]], tmp_path: Path
) -> None:
    arm({VARIABLE: asked})
    owner, attribute = POINTS["case.drafted"]
    for passed in range(1, 5):
        getattr(owner, attribute)(tmp_path / str(passed), b"abc", sync=False)
        assert killed == ([(os.getpid(), signal.SIGKILL)] if passed >= number else [])
        assert (tmp_path / str(passed)).read_bytes() == b"abc"


def test_a_point_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"there is no 'archive'; there are spool\.begun, "):
        arm({VARIABLE: "archive"})


def test_a_process_really_dies(tmp_path: Path) -> None:
    script = (
        f"from scp.failpoints import POINTS, arm; arm({{{VARIABLE!r}: 'folder.made'}})\n"
        f"import pathlib; getattr(*POINTS['folder.made'])(pathlib.Path({str(tmp_path / 'made')!r}), sync=True)\n"
        "print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, b"alive" in done.stdout) == (-signal.SIGKILL, False)
    assert (tmp_path / "made").is_dir()
