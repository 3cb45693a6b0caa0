"""A case that was damaged in whatever way is told, with its place; what is taken from one is as it was written."""

import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.cli.quarantine_text import write_case
from scp.console.views.case import by_weight, decisive, sides
from scp.ids import as_text, new_id
from scp.layout import LEDGER, case_path
from scp.ledger.reading import reading
from scp.quarantine.case_file import BadCase, read_case
from scp.quarantine.listing import case_of
from scp.upkeep.refusals import refusal_in
from tests.unit.nodes import data_set, open_node
from tests.unit.quarantine.test_acts import acting, receipt, refused

Keys = tuple[str | int, ...]
NULLABLE = {"receipt.status", "differences", "findings[0].expected", "findings[0].found", "findings[0].other"}
NOT_REQUIRED = {"related_general_classes"}
NOT_LOOKED_AT = ("written_by", "_transfer_syntax", "coercible", "expected.", "found.")
OTHERS: tuple[Any, ...] = (
    None, True, -1, 7, 1 << 62, 1.5, "", "x", "ä\u202e", [], [None], [[[]]], {}, {"a": None}, {"a": [{}]},
    {"a": {"b": 1}},
)  # fmt: skip


KEYS = st.sampled_from(["version", "case", "receipt", "findings"]) | st.text()
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A data folder with a refused object that has findings and differences, its receipt, and its path."""
    folder = tmp_path_factory.mktemp("case")
    node = open_node(folder)
    node.send(data_set())
    number = refused(node, data_set(PatientName="Other^Name", PatientID="P2"), related_general_classes=("1.2.3",))
    path = receipt(node, number).placement.path
    node.close()
    return folder, number, path


def document(held: tuple[Path, int, str]) -> dict[str, Any]:
    folder, _, path = held
    found: dict[str, Any] = orjson.loads((folder / f"{case_path(path)}").read_bytes())
    return found


def places(value: Any, above: Keys = ()) -> Iterator[Keys]:
    """Give every place in a document; of lists the first."""
    inner = value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    for key, one in inner:
        yield (*above, key)
        yield from places(one, (*above, key))


def written(keys: Keys) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def damaged(case: dict[str, Any], keys: Keys, damage: Callable[[Any, Any], None]) -> dict[str, Any]:
    case = deepcopy(case)
    within: Any = case
    for key in keys[:-1]:
        within = within[key]
    damage(within, keys[-1])
    return case


@pytest.fixture
def copy(held: tuple[Path, int, str], tmp_path: Path) -> Callable[[Any], Path]:
    """Give what writes a case into a folder of its own."""

    def write(content: Any) -> Path:
        target = tmp_path / case_path(held[2])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
        return tmp_path

    return write


def taken(folder: Path, number: int, path: str) -> str:
    """Take a case for all that it is taken for; return what is wrong with it, or nothing."""
    try:
        case = read_case(folder, path, number)
    except BadCase as bad:
        return str(bad).removeprefix(f"{case_path(path)}: ")
    assert case is not None
    shown = {**case, "personal": True, "problem": None, "state": "held", "acts": []}
    write_case(shown)
    decisive(shown)
    for one in by_weight(shown):
        sides(one)
    refusal_in(folder, path, number)
    return ""


def test_a_case_as_it_was_written_is_taken_as_it_is(held: tuple[Path, int, str]) -> None:
    folder, number, path = held
    assert read_case(folder, path, number) == document(held)
    assert taken(folder, number, path) == ""
    assert document(held)["findings"][0]["other"]
    assert document(held)["differences"]["differences"]


def test_every_value_that_is_taken_away_or_null_is_told_with_its_place(
    held: tuple[Path, int, str], copy: Callable[[Any], Path]
) -> None:
    _, number, path = held
    case = document(held)
    for keys in places(case):
        place = written(keys)
        if any(one in place for one in NOT_LOOKED_AT):
            continue
        nulled = taken(copy(damaged(case, keys, lambda within, key: within.__setitem__(key, None))), number, path)
        maybe = place in NULLABLE or place.endswith((".first", ".second"))
        assert nulled.startswith("" if maybe else f"{place}: expected "), place
        assert nulled.endswith("" if maybe else ", found null"), place
        assert maybe or nulled
        if isinstance(keys[-1], str):
            removed = taken(copy(damaged(case, keys, lambda within, key: within.pop(key))), number, path)
            expected = "" if place in NOT_REQUIRED else f"{place}: expected "
            assert removed.startswith(expected), place
            assert bool(removed) == bool(expected), place


def test_whatever_else_stands_in_a_place_is_told_or_does_no_harm(
    held: tuple[Path, int, str], copy: Callable[[Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, number, path = held
    case = document(held)
    told = 0
    for keys in places(case):
        for other in OTHERS:

            def put(within: Any, key: Any, other: Any = other) -> None:
                within[key] = other

            told += bool(taken(copy(damaged(case, keys, put)), number, path))
    capsys.readouterr()
    assert told > len(OTHERS) * 20


@given(ANY_JSON)
def test_any_json_is_a_bad_case(held: tuple[Path, int, str], any_json: Any) -> None:
    folder, number, path = held
    target = folder / case_path(path)
    before = target.read_bytes()
    try:
        target.write_bytes(orjson.dumps(any_json))
        with pytest.raises(BadCase, match="expected"):
            read_case(folder, path, number)
    finally:
        target.write_bytes(before)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe{\0}\0", b'{"a": "\xe4"}', b"NaN", b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=range(6),
)  # fmt: skip
def test_what_is_not_json_is_told(held: tuple[Path, int, str], copy: Callable[[Any], Path], content: bytes) -> None:
    problem = problem_of(copy(content), held[2])
    assert re.fullmatch(r"line 1, column \d+: expected JSON in UTF-8", problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"version": 1,\n "case": }', "line 2, column 10: expected JSON in UTF-8"),
        (b"[]", "expected an object, found a list"),
        (b'{"version": 2}', "version: expected 1, found another number"),
        (b'{"version": 1, "case": "x"}', "case: expected the number of a receipt, found other text"),
    ],
)
def test_what_is_no_case_at_all_is_told(
    held: tuple[Path, int, str], copy: Callable[[Any], Path], content: bytes, problem: str
) -> None:
    assert problem_of(copy(content), held[2]) == problem


def test_a_case_of_another_receipt_is_not_taken(held: tuple[Path, int, str]) -> None:
    folder, number, path = held
    with pytest.raises(BadCase, match=f"case: expected {as_text(number + 1)}, found another receipt"):
        read_case(folder, path, number + 1)


def test_what_is_huge_or_no_file_is_neither_read_nor_waited_for(
    held: tuple[Path, int, str], copy: Callable[[Any], Path]
) -> None:
    path = held[2]
    folder = copy(b"")
    target = folder / case_path(path)
    os.truncate(target, 1 << 40)
    assert problem_of(folder, path) == "expected at most 16 MiB, found 1,099,511,627,776 bytes"
    target.unlink()
    os.mkfifo(target)
    assert problem_of(folder, path) == "it is not a file"
    target.unlink()
    target.mkdir()
    assert "it " in problem_of(folder, path)
    target.rmdir()
    target.symlink_to("/dev/zero")
    assert problem_of(folder, path).startswith("it cannot be read (")


def problem_of(folder: Path, path: str) -> str:
    with pytest.raises(BadCase) as caught:
        read_case(folder, path, new_id())
    return caught.value.problem


def test_a_damaged_case_holds_up_the_judgement_and_nothing_else(tmp_path: Path, told: object) -> None:
    node = open_node(tmp_path)
    node.send(data_set())
    number = refused(node, data_set(PatientID="P2"))
    case = tmp_path / case_path(receipt(node, number).placement.path)
    case.write_bytes(orjson.dumps({**orjson.loads(case.read_bytes()), "related_general_classes": None}))
    for result in (
        acting(node).release(number, "os:a"),
        acting(node).release(number, "os:a", "it is right", force=True),
        acting(node).replace(number, "os:a", "it is right"),
    ):
        assert (result.done, result.outcome) == (False, "impossible")
        assert result.why == (
            f"its case is damaged: {case.relative_to(tmp_path)}: related_general_classes: expected a list, found null; "
            "restore it, or take it away to go by what the ledger has"
        )
    assert node.files("spool") == []
    with reading(tmp_path / LEDGER) as db:
        shown = case_of(db, tmp_path, number)
    assert shown is not None
    assert (shown["personal"], shown["state"], shown["case"]) == (False, "held", as_text(number))
    assert shown["problem"].endswith("related_general_classes: expected a list, found null")
    case.unlink()
    assert acting(node).replace(number, "os:a", "it is right").done
    node.close()
