"""Lines are JSON for machines and readable for people; what libraries say about data is not passed on."""

import io
import logging
import os
import pty
import re
import threading
import tty
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pydicom
import pytest
import structlog
from pydicom import misc

from scp.observe import logs

pytestmark = pytest.mark.usefixtures("logs_as_before")
SECRET = "Zebulon^Quirinius"


class Output(io.TextIOWrapper):
    """What was written, and whether somebody is looking."""

    def __init__(self, terminal: bool = False) -> None:
        self.raw_bytes = io.BytesIO()
        self.terminal = terminal
        super().__init__(self.raw_bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        return self.raw_bytes.getvalue().decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.text.splitlines()]


def test_a_line_is_json_with_the_event_first() -> None:
    output = Output()
    logs.configure("json", stream=output)
    structlog.get_logger().info("instance", bytes=7, path=pydicom, name="Müller")
    assert output.text.startswith('{"event":"instance"')
    (line,) = output.lines
    assert (line["level"], line["bytes"], line["name"]) == ("info", 7, "Müller")
    assert line["timestamp"].endswith("Z")
    assert line["path"].startswith("<module")


def test_the_time_of_a_line_is_utc_to_the_microsecond_and_comes_last() -> None:
    output = Output()
    logs.configure("json", stream=output)
    before = datetime.now(UTC)
    structlog.get_logger().info("instance", bytes=7)
    (line,) = output.lines
    assert list(line) == ["event", "bytes", "level", "timestamp"]
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{6})?Z", line["timestamp"])
    assert before <= datetime.fromisoformat(line["timestamp"]) <= datetime.now(UTC)


def test_a_reader_that_stops_is_not_waited_for_for_ever_and_has_lines_again_when_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "_PATIENCE_MS", 1)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as reader, os.fdopen(writing, "w") as stream:
        logs.configure("json", stream=stream)
        for number in range(2_000):  # more than a pipe takes
            structlog.get_logger().info("instance", number=number)
        taken = reader.read(1 << 20).splitlines()
        structlog.get_logger().info("again")
        assert [orjson.loads(line)["number"] for line in taken] == list(range(len(taken)))
        assert len(taken) < 2_000
        assert orjson.loads(reader.read(1 << 20))["event"] == "again"


@pytest.mark.parametrize("characters", [40, 5_000, 7_500, 20_000])
@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("ends", [os.pipe, pty.openpty], ids=["pipe", "terminal"])
def test_whatever_the_length_of_lines_a_reader_that_stops_holds_up_nobody_and_no_line_is_cut(
    monkeypatch: pytest.MonkeyPatch, ends: Callable[[], tuple[int, int]], log_format: logs.Format, characters: int
) -> None:
    monkeypatch.setattr(logs, "_PATIENCE_MS", 1)
    try:
        reading, writing = ends()
    except OSError as error:
        pytest.skip(f"this machine has no terminals: {error}")
    if os.isatty(writing):
        tty.setraw(writing)
    with os.fdopen(reading, "rb", 0) as reader, os.fdopen(writing, "w") as stream:
        logs.configure(log_format, stream=stream)

        def write() -> None:
            for _ in range(1_000):
                structlog.get_logger().info("begins", text="x" * characters, end="here")

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(120)
        if writer.is_alive():
            reader.close()  # which ends its wait
            pytest.fail("a reader that has stopped is waited for")
        os.set_blocking(reading, False)
        taken = b""
        for _ in range(10):  # what is read makes room for what was begun
            while piece := reader.read(1 << 20):
                taken += piece
            structlog.get_logger().info("again", end="here")
        *whole, rest = taken.split(b"\n")
        assert rest == b""
        assert len(whole) < 1_000
        assert all(line.count(b"begins") + line.count(b"again") == line.count(b"here") == 1 for line in whole)


@pytest.mark.parametrize(
    ("log_format", "terminal", "is_json"),
    [
        ("json", True, True),
        ("json", False, True),
        ("console", False, False),
        ("auto", True, False),
        ("auto", False, True),
    ],
)
def test_people_get_text_and_machines_get_json(log_format: logs.Format, terminal: bool, is_json: bool) -> None:
    output = Output(terminal)
    logs.configure(log_format, stream=output)
    structlog.get_logger().info("ready", port=11112)
    assert "ready" in output.text
    assert "11112" in output.text
    assert output.text.startswith("{") is is_json
    assert ("\x1b[" in output.text) is (terminal and not is_json)


@pytest.mark.parametrize(("level", "written"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lines_below_the_level_are_not_written(level: str, written: int) -> None:
    output = Output()
    logs.configure("json", level, stream=output)
    log = structlog.get_logger()
    for act in (log.debug, log.info, log.warning, log.error):
        act("line")
    assert len(output.lines) == written


@pytest.mark.parametrize("name", ["pydicom", "pynetdicom", "pynetdicom.acse", "pynetdicom.dul"])
def test_of_what_a_library_says_only_the_place_is_passed_on(
    name: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    output = Output()
    logs.configure("json", stream=output)
    library = logging.getLogger(name)
    library.debug(SECRET)
    library.warning(SECRET)
    assert output.text == ""
    library.error("a value of %s", SECRET)
    (line,) = output.lines
    assert (line["event"], line["level"], line["library"]) == ("library", "error", name)
    assert line["line"] > 0
    assert "error" not in line
    assert SECRET not in output.text + "".join(capsys.readouterr()) + caplog.text


def test_of_an_exception_in_a_library_only_its_type_is_passed_on() -> None:
    output = Output()
    logs.configure("json", stream=output)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("pynetdicom").exception("failed")
    assert output.lines[0]["error"] == "ValueError"
    assert SECRET not in output.text


def test_handlers_that_a_library_had_are_gone() -> None:
    written, output = io.StringIO(), Output()
    logging.getLogger("pynetdicom").addHandler(logging.StreamHandler(written))
    logs.configure("json", stream=output)
    logging.getLogger("pynetdicom").error(SECRET)
    assert written.getvalue() == ""


def test_warnings_of_libraries_are_not_shown() -> None:
    logs.configure("json", stream=Output())
    misc.warn_and_log(SECRET, stacklevel=0)  # or it would be an error here


def test_our_own_warnings_are_not_hidden() -> None:
    logs.configure("json", stream=Output())
    with pytest.warns(UserWarning, match="ours"):
        warnings.warn("ours", stacklevel=1)


def test_of_a_thread_that_fails_type_and_place_are_told_and_not_the_text() -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    output = Output()
    logs.configure("json", stream=output)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = output.lines
    assert (line["event"], line["level"], line["error"]) == ("thread_failed", "error", "ValueError")
    assert line["place"].startswith(f"{__name__}:")
    assert SECRET not in output.text


def test_a_failure_without_a_traceback_has_no_place() -> None:
    output = Output()
    logs.configure("json", stream=output)
    threading.excepthook(threading.ExceptHookArgs((ValueError, ValueError(SECRET), None, None)))
    assert output.lines[0]["place"] == "?"
