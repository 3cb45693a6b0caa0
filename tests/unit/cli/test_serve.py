"""The node starts, says that it is ready, stops when it is told to, and otherwise says why it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from pynetdicom import _config

from scp.cli import serve
from scp.observe import logs
from scp.store.store import Store
from tests.unit.cli.conftest import Run


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts is told to stop at once; this process goes on."""
    real = logs.configure

    def exit_now(code: int) -> None:
        raise typer.Exit(code)

    monkeypatch.setattr(serve, "Signals", lambda *numbers: [signal.SIGTERM])
    monkeypatch.setattr(logs, "configure", lambda form, level: real(form, level, sys.stdout))
    monkeypatch.setattr(os, "_exit", exit_now)
    monkeypatch.setitem(_config.VALIDATORS, "UI", _config.VALIDATORS["UI"])
    monkeypatch.setattr(_config, "LOG_HANDLER_LEVEL", _config.LOG_HANDLER_LEVEL)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("stopped")
def test_a_node_says_who_and_where_it_is_and_that_it_stops(run: Run, tmp_path: Path) -> None:
    done = run("serve", "--data", tmp_path / "data", "--host", "127.0.0.1", "--port", 0, "--ae-title", "ARCHIVE")
    ready, draining, stopped = lines(done.out)
    assert (done.code, done.err) == (0, "")
    assert (ready["event"], ready["ae_title"], ready["host"]) == ("ready", "ARCHIVE", "127.0.0.1")
    assert ready["port"] > 0
    assert ready["folder"] == str(tmp_path / "data")
    assert (ready["profile"], ready["durability"]) == ("standard", "full")
    assert draining["event"] == "draining"
    assert (stopped["event"], stopped["finished"], stopped["aborted"]) == ("stopped", 0, 0)


@pytest.mark.usefixtures("stopped")
def test_a_node_that_is_not_durable_says_so(run: Run) -> None:
    env = {"AUDITSCP_STORAGE__DURABILITY": "none", "AUDITSCP_NODE__HOST": "127.0.0.1"}
    events = [line["event"] for line in lines(run("serve", "--port", 0, **env).out)]
    assert events == ["ready", "not_durable", "draining", "stopped"]


@pytest.mark.usefixtures("stopped")
def test_a_folder_that_is_in_use_is_told(run: Run, tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    done = run("serve", "--data", tmp_path / "data", "--port", 0)
    store.close()
    assert (done.code, done.out) == (2, "")
    who = f"another node (process {os.getpid()})"
    assert done.err == f"error: {tmp_path / 'data'}: {who} is using the data folder\n"


@pytest.mark.usefixtures("stopped")
def test_a_port_that_is_in_use_is_told_and_the_folder_let_go(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--data", tmp_path / "data", "--host", "127.0.0.1", "--port", port)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    Store(tmp_path / "data").close()


def test_a_wrong_option_is_told(run: Run) -> None:
    done = run("serve", "--port", 70000, "--ae-title", "far too long for an AE title")
    assert (done.code, done.out) == (2, "")
    assert "command line --port" in done.err
    assert "command line --ae-title" in done.err


@pytest.mark.usefixtures("stopped")
def test_certificates_that_cannot_be_used_are_told_before_the_folder_is_touched(run: Run, tmp_path: Path) -> None:
    done = run("serve", "--data", tmp_path / "data", "--port", 0, AUDITSCP_TLS__ENABLED="true")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "error: [tls] certificate: tls/certificate.pem cannot be read: No such file or directory",
        "error: [tls] key: tls/key.pem cannot be read: No such file or directory",
    ]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_that_is_told_to_stop_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "scp", "serve", "--data", str(tmp_path), "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert [line["event"] for line in lines(out)] == ["draining", "stopped"]
    assert err == ""


def test_a_node_whose_log_nobody_reads_any_more_exits_with_0(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "scp", "serve", "--host", "127.0.0.1", "--port", "0", "--data", str(tmp_path / "data"),
    ]  # fmt: skip
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        process.stdout.close()
        process.terminate()
        assert process.wait(120) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
