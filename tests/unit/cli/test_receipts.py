"""What came, from whom, and what became of it, as text and as JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scp.ids import as_text
from tests.rules.builders import INSTANCE, SERIES
from tests.unit.cli.conftest import Run
from tests.unit.nodes import Scratch, association, cut_off, data_set, open_node, request_for

IMAGE = data_set()


@pytest.fixture
def node(tmp_path: Path, told: object) -> Iterator[Scratch]:
    one = open_node(tmp_path / "data")
    yield one
    one.close()


def found(run: Run, *options: object) -> list[str]:
    done = run("receipts", "--format", "json", *options)
    assert done.code == 0
    return [json.loads(line)["receipt"] for line in done.out.splitlines()]


def test_receipts_are_listed_newest_first(node: Scratch, run: Run) -> None:
    sender = association("CT1")
    numbers = [node.send(IMAGE, sender).receipt, node.send(IMAGE, sender).receipt]
    lines = run("receipts").out.splitlines()
    assert [line.split()[0] for line in lines] == ["receipt", as_text(numbers[1]), as_text(numbers[0])]
    assert lines[1].split()[2:] == [
        "CT1", "192.0.2.1", "refuse", "0111", "DUP-001", f"{len(IMAGE)}", "as", as_text(numbers[0]), INSTANCE,
    ]  # fmt: skip
    assert lines[2].split()[4:] == ["accept", "0000", f"{len(IMAGE)}", "archive", INSTANCE]


def test_filters_find_what_they_ask_for(node: Scratch, run: Run) -> None:
    accepted = as_text(node.send(IMAGE, association("CT1")).receipt)
    refused = as_text(node.send(data_set(PatientName="Other"), association("CT2")).receipt)
    assert found(run) == found(run, "--since", "1d") == found(run, "--series", SERIES) == [refused, accepted]
    assert found(run, "--instance", INSTANCE, "--limit", 1) == found(run, "--rule", "DUP-003") == [refused]
    assert found(run, "--status", "c116") == found(run, "--ae-title", "CT2") == found(run, "--outcome", "refuse")
    assert found(run, "--outcome", "accept") == found(run, "--status", "0000") == [accepted]
    assert found(run, "--until", "1d") == []


def test_what_never_was_complete_has_no_status(node: Scratch, run: Run) -> None:
    cut_off(node.intake, request_for(IMAGE))
    assert "aborted" in run("receipts").out
    assert json.loads(run("receipts", "--format", "json").out)["status"] is None


def test_when_nothing_came_it_says_so(node: Scratch, run: Run) -> None:
    assert run("receipts").out == "nothing came\n"


@pytest.mark.parametrize("status", ["green", "1", "0xC111", "C1111", "-111"])
def test_a_status_that_is_none_is_said_to_be_none(node: Scratch, run: Run, status: str) -> None:
    done = run("receipts", f"--status={status}")
    assert (done.code, done.err) == (2, f"error: --status {status}: expected four hexadecimal digits such as C111\n")


def test_a_ledger_that_is_not_there_is_said_not_to_be(run: Run) -> None:
    done = run("receipts")
    assert done.code == 2
    assert "there is no ledger" in done.err
