"""``auditscp reload`` asks the node that holds the folder, and its exit code says what came of it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scp.standing import Reload, Standing, publish
from scp.store.store import Store
from tests.unit.cli.conftest import Run

NOBODY = "no node of this machine and user is running there"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that this process holds, as a node does."""
    folder = tmp_path / "data"
    store = Store(folder)
    publish(folder, Standing(os.getpid(), Reload(0.0, ("long ago",))))
    yield folder
    store.close()


def answer(monkeypatch: pytest.MonkeyPatch, folder: Path, act: Callable[[], None]) -> None:
    """Be the node that gets the signal."""

    def kill(pid: int, number: int) -> None:
        assert (pid, number) == (os.getpid(), signal.SIGHUP)
        act()

    monkeypatch.setattr(os, "kill", kill)


def reloaded(folder: Path, *parts: tuple[str, ...]) -> None:
    publish(folder, Standing(os.getpid(), Reload(time.monotonic(), *parts)))


@pytest.mark.parametrize(
    ("parts", "code", "out", "err"),
    [
        (((), (), ()), 0, "no setting differs; certificates and secrets were read again\n", ""),
        (((), ("[audit] profile",), ()), 0, "in force: [audit] profile\n", ""),
        (
            ((), ("[[peer]]",), ("[node] port",)),
            3,
            "in force: [[peer]]\nneeds a restart: [node] port\n",
            "",
        ),
        ((("a: wrong", "b: too"), (), ()), 1, "", "error: a: wrong\nerror: b: too\nnothing was changed\n"),
    ],
)
def test_the_outcome_is_told(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    parts: tuple[tuple[str, ...], ...],
    code: int,
    out: str,
    err: str,
) -> None:
    answer(monkeypatch, folder, lambda: reloaded(folder, *parts))
    assert run("reload", "--data", folder) == (code, out, err)


def test_the_folder_is_that_of_the_configuration(run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    answer(monkeypatch, folder, lambda: reloaded(folder))
    assert run("reload").code == 0  # "data" in the working directory
    elsewhere = folder.parent / "elsewhere"
    done = run("reload", AUDITSCP_STORAGE__FOLDER=str(elsewhere))
    assert (done.code, done.err) == (2, f"error: {elsewhere}: {NOBODY}\n")


def test_a_file_that_is_wrong_is_not_taken_to_the_node(run: Run, tmp_path: Path) -> None:
    (tmp_path / "auditscp.toml").write_text("[node]\nport = -1\n[audit]\nprofile = 1\n")
    done = run("reload", "--config", tmp_path / "auditscp.toml")
    assert done.code == 1
    assert "[node] port" in done.err
    assert "[audit] profile" in done.err
    assert done.err.endswith("nothing was changed\n")


def test_a_node_that_does_not_answer_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    answer(monkeypatch, folder, lambda: None)
    done = run("reload", "--data", folder, "--wait", 0)
    assert (done.code, done.err) == (2, "error: the node does not answer in 0 seconds; its log may say why\n")


def test_a_node_that_ends_meanwhile_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    answer(monkeypatch, folder, (folder / "node.json").unlink)
    done = run("reload", "--data", folder)
    assert (done.code, done.err) == (2, "error: the node has ended\n")


def test_a_node_of_somebody_else_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def refuse() -> None:
        raise PermissionError(1, "Operation not permitted")

    answer(monkeypatch, folder, refuse)
    done = run("reload", "--data", folder)
    message = f"error: process {os.getpid()} cannot be signalled: Operation not permitted\n"
    assert (done.code, done.err) == (2, message)
