"""Nothing in a table is cut off, however narrow the terminal is."""

import io
import sys

import pytest
from rich.table import Table

from scp.cli.tables import shared, write_table

UID = "1.2.826.0.1.3680043.8.498.35370321327192723030803996547892589700"


class Output(io.StringIO):
    """What is written to, on a terminal of 80 columns or elsewhere."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def written(monkeypatch: pytest.MonkeyPatch, *cells: str, terminal: bool = True) -> list[str]:
    output = Output(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    table = Table(*(f"c{number}" for number in range(len(cells))), box=None, pad_edge=False)
    table.add_row(*cells)
    write_table(table)
    return [line.rstrip() for line in output.getvalue().splitlines()[1:]]


def test_what_is_too_wide_for_a_terminal_goes_over_its_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ["06AKX7HJ30GS5", "STORESCU 127.0.0.1", UID]
    assert written(monkeypatch, *row) == ["  ".join(row)]


def test_texts_are_wrapped_between_words_if_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(monkeypatch, "a text of several words", UID)
    assert [line.split() for line in lines] == [["a", "text", "of", UID], ["several", "words"]]
    assert max(map(len, lines)) <= 80


def test_in_a_pipe_each_row_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    row = [UID, "a text of several words", UID]
    assert written(monkeypatch, *row, terminal=False) == ["  ".join(row)]


def test_a_width_is_shared_by_need() -> None:
    assert shared([(3, 3), (5, 40), (4, 10)], 30) == [3, 17, 10]
    assert shared([(3, 3), (5, 40), (4, 10)], 100) == [3, 40, 10]
    assert shared([(3, 3), (5, 40), (4, 10)], 11) == [3, 40, 10]
