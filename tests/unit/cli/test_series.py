"""``auditscp series``: what is known of whole series, and their audit on demand."""

import json
from pathlib import Path
from typing import Any

import pytest

from scp.errors import LedgerFault
from scp.ids import as_text
from scp.ledger.series_status import history
from tests.rules.builders import SERIES
from tests.unit.cli.conftest import Run
from tests.unit.nodes import data_set, open_node
from tests.unit.quarantine.test_acts import refused
from tests.unit.series import slice_at, volume

OTHER = f"{SERIES}.2"
REFUSED: dict[str, Any] = {"SeriesInstanceUID": "1.2.8", "PixelSpacing": ["0", "0"]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two series: one has a hole, and something of it was refused."""
    folder = tmp_path / "data"
    node = open_node(folder)
    for one in volume(1, 2, 3, 4):
        node.send(one)
    for one in volume(11, 12, 14, 15, SeriesInstanceUID=OTHER):
        node.send(one)
    node.send(slice_at(16, SeriesInstanceUID=OTHER, Modality="MR"))
    node.close()
    return folder


def test_an_audit_is_shown_and_kept(run: Run, data: Path) -> None:
    done = run("series", "audit", SERIES, "--data", data)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"consistent  CT  {SERIES}  4 instances",
        "  stack 1: axial, 4 slices at 4 positions, spacing 2.5 / 2.5 / 2.5 mm",
    ]
    done = run("series", "audit", OTHER, "--data", data)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == f"contradictory  CT  {OTHER}  4 instances"
    assert lines[1] == "  refused ENT-203  1 instance"
    assert lines[3] == "  warn   SER-305  1 slice missing between Instance Number 12 (z 30) and 14 (z 35), step 2.5 mm"
    assert lines[-1].endswith(", 1 gap")


def test_an_audit_as_json_is_what_check_says(run: Run, data: Path) -> None:
    done = run("series", "audit", OTHER, "--format", "json", "--data", data)
    shown = json.loads(done.out)
    assert (shown["type"], shown["verdict"], shown["refused"]) == ("series", "contradictory", {"ENT-203": 1})
    assert [one["code"] for one in shown["findings"]] == ["NUM-005", "SER-305"]


def test_pixels_are_compared_if_somebody_asks(run: Run, data: Path, tmp_path: Path) -> None:
    node = open_node(data)
    for one in volume(21, 22, 23, SeriesInstanceUID=f"{SERIES}.3", PixelData=bytes(range(32))):
        node.send(one)
    node.close()
    assert run("series", "audit", f"{SERIES}.3", "--data", data).code == 0
    done = run("series", "audit", "--pixels", f"{SERIES}.3", "--data", data)
    assert done.code == 1
    assert "DUP-008  3 images have the same pixels" in done.out


def test_series_are_listed_with_what_is_known_of_them(run: Run, data: Path) -> None:
    assert "open" in run("series", "list", "--data", data).out
    for uid in (SERIES, OTHER):
        run("series", "audit", uid, "--data", data)
    lines = run("series", "list", "--data", data).out.splitlines()
    assert lines[0].split() == ["series", "modality", "instances", "verdict", "warnings", "audited"]
    assert lines[1].split()[:5] == [OTHER, "CT", "4", "contradictory", "SER-305"]
    assert lines[2].split()[:4] == [SERIES, "CT", "4", "consistent"]
    only = run("series", "list", "--verdict", "consistent", "--data", data).out.splitlines()
    assert [line.split()[0] for line in only[1:]] == [SERIES]
    newest = run("series", "list", "--limit", "1", "--data", data).out.splitlines()
    assert (len(newest), newest[2]) == (3, "the newest 1; --limit shows more")


def test_series_are_listed_as_json_one_to_a_line(run: Run, data: Path) -> None:
    documents = [
        json.loads(line) for line in run("series", "list", "--format", "json", "--data", data).out.splitlines()
    ]
    assert [(one["series_instance_uid"], one["verdict"], one["open"]) for one in documents] == [
        (OTHER, None, True), (SERIES, None, True),
    ]  # fmt: skip


def test_a_series_is_shown_with_its_past(run: Run, data: Path) -> None:
    run("series", "audit", OTHER, "--data", data)
    node = open_node(data)
    node.send(slice_at(13, SeriesInstanceUID=OTHER))
    assert len(node.ledger.transact(lambda db: history(db, OTHER))) == 1
    node.close()
    assert run("series", "show", OTHER, "--data", data).out.startswith("contradictory, open  CT ")
    run("series", "audit", OTHER, "--data", data)
    done = run("series", "show", OTHER, "--data", data)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"contradictory  CT  {OTHER}  5 instances"
    assert "contradictory, 4 instances" in lines[-3]
    assert lines[-1].startswith("  warn   SER-305  1 slice missing")
    shown = json.loads(run("series", "show", OTHER, "--format", "json", "--data", data).out)
    assert [[one["code"] for one in past["closed"]] for past in shown["history"]] == [["NUM-005", "SER-305"], []]


@pytest.mark.parametrize("verb", ["show", "audit"])
def test_a_series_that_is_not_there_ends_with_2(run: Run, data: Path, verb: str) -> None:
    done = run("series", verb, "1.2.3", "--data", data)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {data}: nothing is stored of series 1.2.3\n"


@pytest.mark.parametrize("verb", [["show"], ["audit"], ["plot", "-o", "a.svg"]], ids=["show", "audit", "plot"])
def test_a_series_of_which_all_was_refused_is_said_to_have_come(run: Run, data: Path, verb: list[str]) -> None:
    node = open_node(data)
    gone = refused(node, data_set(**REFUSED, SOPInstanceUID="1.2.8.1"))
    for _ in range(2):
        refused(node, data_set(**REFUSED, SOPInstanceUID="1.2.8.2"))
    node.close()
    run("quarantine", "drop", as_text(gone), "--reason", "a test", "--data", data)
    done = run("series", *verb, "1.2.8", "--data", data)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {data}: nothing is stored of series 1.2.8; 2 objects of it were refused (GEO-104 2), "
        "1 is in quarantine: see auditscp quarantine list --state all --series 1.2.8\n"
    )
    assert len(run("quarantine", "list", "--state", "all", "--series", "1.2.8", "--data", data).out.splitlines()) == 3


@pytest.mark.parametrize("arguments", [["list"], ["show", SERIES], ["audit", SERIES]])
def test_a_folder_without_a_ledger_ends_with_2(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    done = run("series", *arguments, "--data", tmp_path / "nowhere")
    assert (done.code, done.out) == (2, "")
    assert "there is no ledger" in done.err


def test_a_ledger_that_cannot_be_written_ends_with_2(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.cli.series.SqliteLedger", _unwritable)
    done = run("series", "audit", SERIES, "--data", data)
    assert done.code == 2
    assert "cannot be opened" in done.err


def _unwritable(*_: object) -> None:
    raise LedgerFault("the ledger cannot be opened: it is read-only")
