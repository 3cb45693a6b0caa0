"""Reads the case beside a quarantined object, and checks that it has the form in which it was written.

The files lie in a folder for years, where people copy, restore and edit them. So all code reads them through this
module, and can rely on the shape that :meth:`scp.cases.Cases.document` gives them. Further keys, from a later release,
are allowed.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from scp.audit.finding import Severity
from scp.cases import VERSION
from scp.dicom.difference import Pixels
from scp.errors import DamageFault, in_words
from scp.ids import as_text, from_text
from scp.layout import case_path
from scp.outcomes import Outcome
from scp.store.files import open_file

_MOST_BYTES: Final = 16 << 20
"""More than any case takes: it has at most a hundred differences, and findings of bounded length."""
_LARGEST: Final = (1 << 63) - 1
_LATER: Final = frozenset({"related_general_classes"})
"""Keys that cases of the first releases do not have."""
_KINDS: Final[Mapping[type, tuple[str, str]]] = {
    type(None): ("null", ""), bool: ("a truth value", ""), int: ("a number", "another number"),
    float: ("a number", "another number"), str: ("text", "other text"), list: ("a list", "another list"),
    dict: ("an object", "another object"),
}  # fmt: skip
"""How a message calls a value of this type: if the type is wrong, and if the type is right but the value is not."""


class BadCase(DamageFault):
    """A case that is damaged: ``problem`` names the place in the ``file`` and what would be right."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(file, problem)
        self.file = file
        self.problem = problem

    def __str__(self) -> str:
        """Return file and problem, for people."""
        return f"{self.file}: {self.problem}"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that is checked as a whole: what would be right, in words, the types it may have, and a check."""

    right: str
    kinds: tuple[type, ...]
    fits: Callable[[Any], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class _Maybe:
    """A value that may also be null."""

    shape: "_Shape"


@dataclass(frozen=True, slots=True)
class _Each:
    """A list whose members all have the same shape."""

    shape: "_Shape"


_Shape = _Leaf | _Maybe | _Each | Mapping[str, "_Shape"]
"""What a value has to be; an object is described by the shapes of its keys."""


def _text(right: str, pattern: str) -> _Leaf:
    matcher = re.compile(pattern, re.DOTALL)
    return _Leaf(right, (str,), lambda value: matcher.fullmatch(value) is not None)


def _number(largest: int) -> _Leaf:
    return _Leaf(f"a whole number from 0 to {largest}", (int,), lambda value: 0 <= value <= largest)


def _one_of(*words: str) -> _Leaf:
    return _Leaf(f"one of {', '.join(words)}", (str,), words.__contains__)


def _is_receipt(text: str) -> bool:
    try:
        return from_text(text) >= 0
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_value(value: Any) -> bool:
    """Whether a finding can have this value: a plain one, a list of plain ones, or either of these by name."""
    sides = value.values() if isinstance(value, dict) else [value]
    return all(_is_plain(one) or (isinstance(one, list) and all(map(_is_plain, one))) for one in sides)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, list | dict)


_TEXT: Final = _Leaf("text", (str,))
_RECEIPT: Final = _Leaf("the number of a receipt", (str,), _is_receipt)
_TIME: Final = _Leaf("a time such as 2026-11-22T17:49:36.228Z", (str,), _is_time)
_STATUS: Final = _text("four hexadecimal digits", "[0-9A-Fa-f]{4}")
_VALUE: Final = _Leaf("a value, a list of values, or values by name", tuple(_KINDS), _is_value)
_OTHER: Final[Mapping[str, _Shape]] = {
    "receipt": _RECEIPT, "sop_instance_uid": _TEXT, "path": _TEXT, "calling_ae_title": _TEXT, "address": _TEXT,
    "received": _TIME,
}  # fmt: skip
_FINDING: Final[Mapping[str, _Shape]] = {
    "code": _TEXT, "severity": _one_of(*map(str, Severity)), "status": _STATUS, "message": _TEXT,
    "tags": _Each(_text("a tag such as (0008,0018)", r"\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\).*")), "expected": _VALUE,
    "found": _VALUE, "other": _Maybe(_OTHER),
}  # fmt: skip
_DIFFERENCE: Final[Mapping[str, _Shape]] = {
    "path": _TEXT, "tag": _TEXT, "first": _Maybe(_TEXT), "second": _Maybe(_TEXT),
}  # fmt: skip
_CASE: Final[Mapping[str, _Shape]] = {
    "version": _Leaf(str(VERSION), (int,), lambda value: value == VERSION),
    "case": _RECEIPT,
    "receipt": {
        "id": _RECEIPT, "received": _TIME, "message_id": _number(0xFFFF), "affected_sop_class_uid": _TEXT,
        "affected_sop_instance_uid": _TEXT, "study_instance_uid": _TEXT, "series_instance_uid": _TEXT,
        "abstract_syntax": _TEXT, "transfer_syntax": _TEXT, "outcome": _one_of(*Outcome), "status": _Maybe(_STATUS),
        "comment": _TEXT, "blake3": _text("64 hexadecimal digits", "[0-9a-f]{64}"), "size": _number(_LARGEST),
        "path": _TEXT,
    },
    "association": {
        "id": _RECEIPT, "address": _TEXT, "port": _number(0xFFFF), "calling_ae_title": _TEXT,
        "called_ae_title": _TEXT, "implementation_class_uid": _TEXT, "implementation_version_name": _TEXT,
    },
    "related_general_classes": _Each(_TEXT),
    "findings": _Each(_FINDING),
    "differences": _Maybe(
        {
            "differences": _Each(_DIFFERENCE), "pixels": _one_of(*(one.value for one in Pixels)),
            "omitted": _number(_LARGEST),
        }
    ),
}  # fmt: skip


def read_case(folder: Path, path: str, receipt: int) -> dict[str, Any] | None:
    """Return the case beside the object at ``path`` in a data folder; None if there is no such file.

    It may have patient data. Raises BadCase if it cannot be read, is damaged, or is about another receipt.
    """
    name = case_path(path)
    try:
        raw = _content(folder / name)
        case = orjson.loads(raw)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadCase(name, f"it cannot be read ({in_words(error)})") from error
    except _NotRead as error:
        raise BadCase(name, str(error)) from error
    except orjson.JSONDecodeError as error:
        raise BadCase(name, f"line {error.lineno}, column {error.colno}: expected JSON in UTF-8") from error
    for problem in _problems(case, _CASE, ""):
        raise BadCase(name, problem)
    for place, number in (("case", case["case"]), ("receipt.id", case["receipt"]["id"])):
        if from_text(number) != receipt:
            raise BadCase(name, f"{place}: expected {as_text(receipt)}, found another receipt")
    whole: dict[str, Any] = {"related_general_classes": []} | case
    return whole


class _NotRead(Exception):
    """Why a file was not read."""


def _content(path: Path) -> bytes:
    """Read a file. Raises _NotRead if something else has its name, such as a pipe, or if it is far too large."""
    descriptor = open_file(path)
    if descriptor is None:
        raise _NotRead("it is not a file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
        size = os.fstat(descriptor).st_size
    if len(content) > _MOST_BYTES:
        raise _NotRead(f"expected at most {_MOST_BYTES >> 20} MiB, found {size:,} bytes")
    return content


def _problems(value: Any, shape: _Shape, place: str) -> Iterator[str]:
    """Yield what is wrong with a value, in the order of the shape, but never the value, which may be patient data."""
    kind, same_kind = _KINDS[type(value)]
    if isinstance(shape, _Maybe):
        if value is not None:
            yield from _problems(value, shape.shape, place)
    elif isinstance(shape, _Leaf):
        if type(value) not in shape.kinds:
            yield _problem(place, shape, kind)
        elif not shape.fits(value):
            yield _problem(place, shape, same_kind)
    elif isinstance(shape, _Each) and isinstance(value, list):
        for index, one in enumerate(value):
            yield from _problems(one, shape.shape, f"{place}[{index}]")
    elif isinstance(shape, Mapping) and isinstance(value, dict):
        for key, part in shape.items():
            inner = f"{place}.{key}" if place else key
            if key in value:
                yield from _problems(value[key], part, inner)
            elif key not in _LATER:
                yield _problem(inner, part, "nothing")
    else:
        yield _problem(place, shape, kind)


def _problem(place: str, shape: _Shape, found: str) -> str:
    return f"{place}{': ' if place else ''}expected {_right(shape)}, found {found}"


def _right(shape: _Shape) -> str:
    """Return in words what would be right."""
    if isinstance(shape, _Maybe):
        return f"{_right(shape.shape)} or null"
    if isinstance(shape, _Leaf):
        return shape.right
    return "a list" if isinstance(shape, _Each) else "an object"
