"""The report of a node, as text, JSON, CSV and a page."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.nodes import Scratch, association, data_set, open_node

HOSTILE = {"Manufacturer": "=1+1", "ManufacturerModelName": "<i>X", "SoftwareVersions": "1.0"}


@pytest.fixture
def node(tmp_path: Path, told: object) -> Iterator[Scratch]:
    one = open_node(tmp_path / "data")
    sender = association("CT1")
    one.send(data_set(**HOSTILE), sender)
    one.send(data_set(**HOSTILE), sender)
    yield one
    one.close()


def test_it_is_readable_on_a_terminal(node: Scratch, run: Run) -> None:
    out = run("report").out
    sections = [part.splitlines()[0] for part in out.split("\n\n")[1:]]
    assert sections == ["All", "Senders", "Scanners", "Rules"]
    (sender,) = [line for line in out.splitlines() if line.startswith("CT1")]
    assert sender.split()[:9] == ["CT1", "192.0.2.1", "2", "1", "0", "1", "0", "0", "50.00%"]
    assert any(line.startswith("=1+1          <i>X") for line in out.splitlines())


def test_it_is_readable_for_programs(node: Scratch, run: Run) -> None:
    document = json.loads(run("report", "--format", "json", "--since", "1h", "--ae-title", "CT1").out)
    assert (document["totals"]["received"], document["calling_ae_title"]) == (2, "CT1")
    assert document["since"] is not None
    rows = list(csv.DictReader(io.StringIO(run("report", "--format", "csv").out)))
    assert [row["manufacturer"] for row in rows if row["section"] == "scanners"] == ["'=1+1"]
    assert "<td>&lt;i&gt;X</td>" in run("report", "--format", "html").out


def test_of_somebody_who_sent_nothing_it_is_empty(node: Scratch, run: Run) -> None:
    assert json.loads(run("report", "--format", "json", "--ae-title", "X").out)["senders"] == []


def test_a_time_that_is_none_is_said_to_be_none(node: Scratch, run: Run) -> None:
    done = run("report", "--since", "noon")
    assert done.code == 2
    assert "--since noon: expected a time" in done.err
