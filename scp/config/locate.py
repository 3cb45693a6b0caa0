"""On which line of a TOML text a setting stands, and how to name it for the reader.

:mod:`tomllib` gives values without positions. This module scans a text that :mod:`tomllib` has accepted, so it only
needs to know enough TOML to find the statements: where strings, comments and brackets begin and end.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys of tables, indices of lists from 0. ``("peer", 0, "ae_title")``."""

_PIECE: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # a closing delimiter may touch up to two quotes of the text
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\"'\#\[\]{}\n]+",
    re.DOTALL,
)
_KEY: Final = re.compile(r"""\s*((?:"(?:\\.|[^"\\])*"|'[^']*'|[\w.\- \t])+?)\s*=""", re.ASCII)
_HEADER: Final = re.compile(r"\s*\[(.*)\]\s*", re.DOTALL)
_DEPTH: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def lines(text: str) -> dict[Location, int]:
    """Return the line, counted from 1, of every table and key of a valid TOML text; not of keys inside values."""
    found: dict[Location, int] = {}
    lengths: dict[Location, int] = {}  # of arrays of tables
    table: Location = ()
    for number, statement in _statements(text):
        header = _HEADER.fullmatch(statement)
        if header is None:
            key = _KEY.match(statement)
            assert key is not None, "a statement is a header or a key with a value"
            found[table + _resolve(_keys(f"{key[1]} = 0"), {})] = number
            continue
        is_array = header[1].startswith("[")
        keys = _keys(statement)
        if is_array:
            array = _resolve(keys[:-1], lengths) + keys[-1:]
            lengths[array] = lengths.get(array, 0) + 1
            found.setdefault(array, number)
        table = _resolve(keys, lengths)
        found[table] = number
    return found


def line_of(location: Location, found: Mapping[Location, int]) -> int:
    """Return the line of the innermost table or key around ``location``; 1 if there is none."""
    around = (location[:size] for size in range(len(location), 0, -1))
    return next((found[place] for place in around if place in found), 1)


def spell(location: Location) -> str:
    """Write a location as the file does, counting from 1.

    ``[node] port``, ``[[peer]] 2 ae_title``, ``[association] addresses entry 1``.
    """
    if location[0] == "peer" and len(location) > 1 and isinstance(location[1], int):
        head, rest = f"[[peer]] {location[1] + 1}", location[2:]
    else:
        entry = next((size for size, part in enumerate(location) if isinstance(part, int)), len(location))
        cut = max(entry - 1, 1)
        head, rest = f"[{'.'.join(map(str, location[:cut]))}]", location[cut:]
    return " ".join([head, *(f"entry {part + 1}" if isinstance(part, int) else part for part in rest)])


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header and each key with its value, without comments, with the line on which it begins."""
    number, depth, begun, parts = 1, 0, 1, list[str]()
    for match in _PIECE.finditer(text + "\n"):
        piece = match[0]
        depth += _DEPTH.get(piece, 0)
        if piece == "\n" and depth == 0:
            if statement := "".join(parts).strip():
                yield begun, statement
            begun, parts = number + 1, []
        elif not piece.startswith("#"):
            parts.append(piece)
        number += piece.count("\n")


def _keys(statement: str) -> Location:
    """Return the keys that a header, or a statement such as ``a.b = 0``, names; :mod:`tomllib` reads it."""
    keys: Location = ()
    value: object = tomllib.loads(statement)
    while isinstance(value, dict | list) and value:
        if isinstance(value, list):
            value = value[0]
        else:
            ((key, value),) = value.items()
            keys += (key,)
    return keys


def _resolve(keys: Location, lengths: Mapping[Location, int]) -> Location:
    """Insert the index of the current entry after every array of tables."""
    place: Location = ()
    for key in keys:
        place += (key,)
        if place in lengths:
            place += (lengths[place] - 1,)
    return place
