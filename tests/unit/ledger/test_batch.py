"""Whoever waits to write shares a transaction; what one of them does wrong is its own affair."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from scp.ledger.batch import Batches


class Shared(Exception):
    """An error of the transaction itself."""


class Each:
    """Makes a new transaction each time it is entered."""

    def __init__(self, begin: Callable[[], AbstractContextManager[None]]) -> None:
        self._begin = begin
        self._now: AbstractContextManager[None] = nullcontext()

    def __enter__(self) -> None:
        self._now = self._begin()
        self._now.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._now.__exit__(*error)


class Journal:
    """Transactions that write down which acts they had; the first may be held up."""

    def __init__(self) -> None:
        self.committed: list[list[str]] = []
        self.undone: list[list[str]] = []
        self.acts: list[str] = []
        self.fails = False
        self.batches = Batches(Each(self.transaction), lambda error: isinstance(error, Shared))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.acts = []
        try:
            yield
            if self.fails:
                raise Shared
        except BaseException:
            self.undone.append(self.acts)
            raise
        self.committed.append(self.acts)

    def write(self, name: str) -> str:
        self.acts.append(name)
        if name.startswith("bad"):
            raise ValueError(name)
        return name.upper()


def together(journal: Journal, names: list[str]) -> dict[str, object]:
    """Have one act hold the first transaction until all others wait; return what each got."""
    entered, go = threading.Event(), threading.Event()
    got: dict[str, object] = {}

    def first() -> str:
        entered.set()
        assert go.wait(30)
        return journal.write("first")

    def run(name: str) -> None:
        try:
            got[name] = journal.batches.run(lambda: journal.write(name))
        except (ValueError, Shared) as error:
            got[name] = error

    leader = threading.Thread(target=lambda: got.setdefault("first", journal.batches.run(first)))
    leader.start()
    assert entered.wait(30)
    others = [threading.Thread(target=run, args=(name,)) for name in names]
    for one in others:
        one.start()
    while len(journal.batches._waiting) < len(names):
        pass
    go.set()
    for one in (leader, *others):
        one.join(30)
    return got


def test_a_lone_act_has_a_transaction_of_its_own() -> None:
    journal = Journal()
    assert journal.batches.run(lambda: journal.write("a")) == "A"
    assert journal.batches.run(lambda: journal.write("b")) == "B"
    assert journal.committed == [["a"], ["b"]]


def test_all_that_wait_are_taken_together() -> None:
    journal = Journal()
    got = together(journal, ["a", "b", "c", "d"])
    assert got == {"first": "FIRST", "a": "A", "b": "B", "c": "C", "d": "D"}
    assert [sorted(acts) for acts in journal.committed] == [["first"], ["a", "b", "c", "d"]]


def test_what_one_does_wrong_costs_the_others_nothing() -> None:
    journal = Journal()
    got = together(journal, ["a", "bad", "c"])
    assert isinstance(got.pop("bad"), ValueError)
    assert got == {"first": "FIRST", "a": "A", "c": "C"}
    assert sorted(acts for acts in journal.committed if "first" not in acts) == [["a"], ["c"]]


def test_an_error_of_the_transaction_is_everybodys_and_nothing_is_tried_again() -> None:
    journal = Journal()
    with pytest.raises(ValueError, match="bad"):
        journal.batches.run(lambda: journal.write("bad"))
    journal.fails = True
    with pytest.raises(Shared):
        journal.batches.run(lambda: journal.write("a"))
    journal.fails = False
    assert journal.batches.run(lambda: journal.write("b")) == "B"
    assert (journal.committed, journal.undone) == ([["b"]], [["bad"], ["a"]])


def test_an_error_of_a_shared_transaction_reaches_all_of_it() -> None:
    journal = Journal()
    original = journal.transaction

    @contextmanager
    def failing() -> Iterator[None]:
        with original():
            yield
            if "first" not in journal.acts:
                raise Shared

    journal.batches = Batches(Each(failing), lambda error: isinstance(error, Shared))
    got = together(journal, ["a", "b"])
    assert isinstance(got["a"], Shared)
    assert isinstance(got["b"], Shared)
    assert [sorted(acts) for acts in journal.undone] == [["a", "b"]]
