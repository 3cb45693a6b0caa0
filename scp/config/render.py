"""Effective settings as TOML text, from which :func:`scp.config.load` builds equal settings."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from scp.config.model import Settings

_DELETE = "\x7f"


def render(settings: Settings) -> str:
    """Return every setting in the order of the sections; settings that a peer does not have are left out."""
    blocks: list[str] = []
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        if isinstance(value, list):
            for entry in value:
                blocks += _tables((name,), entry, "[[{}]]")
        else:
            blocks += _tables((name,), value)
    return "\n\n".join(blocks) + "\n"


def toml_value(value: object) -> str:
    """Write a string, number, truth value or list of these as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    # JSON's strings, numbers and truth values are TOML's, except that JSON leaves DEL as it is.
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007F")


def _tables(path: tuple[str, ...], table: Mapping[str, Any], brackets: str = "[{}]") -> Iterator[str]:
    """Yield a table and the tables in it, each as one block of lines; empty tables are left out."""
    plain = [f"{_key(key)} = {toml_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    if plain:
        yield "\n".join([brackets.format(".".join(map(_key, path))), *plain])
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _tables((*path, key), value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else toml_value(key)
