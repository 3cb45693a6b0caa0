"""Every setting as a row of documentation: for the README's table and for the names of environment variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic.fields import FieldInfo

from scp.config.model import Settings, section_of
from scp.config.render import toml_value
from scp.config.section import KEYS, Section

PREFIX: Final = "AUDITSCP_"
"""The beginning of every environment variable that is a setting."""

_RULE: Final = "<rule>"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    ``header`` is written as in the file (``[node]``, ``[[peer]]``). ``default`` is TOML, empty if there is no default.
    ``variable`` is the environment variable that sets it or, for an entry of a list or table, that list or table.
    """

    header: str
    name: str
    default: str
    variable: str
    description: str


def reference() -> tuple[Setting, ...]:
    """Return every setting in the order of the file."""
    return tuple(_rows())


def _rows() -> Iterator[Setting]:
    defaults = Settings().model_dump(mode="json")
    for name, field in Settings.model_fields.items():
        section = section_of(field)
        if section is None:
            yield Setting(f"[{name}]", _RULE, "", PREFIX + name.upper(), field.description or "")
        elif isinstance(defaults[name], list):
            for row in _section_rows(name, section, {}):
                yield Setting(f"[[{name}]]", row.name, "", PREFIX + name.upper(), row.description)
        else:
            yield from _section_rows(name, section, defaults[name])


def _section_rows(section_name: str, section: type[Section], defaults: dict[str, Any]) -> Iterator[Setting]:
    for name, field in section.model_fields.items():
        default = defaults.get(name)
        within = section_of(field)
        if within:
            yield from _section_rows(f"{section_name}.{name}", within, defaults[name])
            continue
        is_table = isinstance(default, dict)
        yield Setting(
            header=f"[{section_name}.{name}]" if is_table else f"[{section_name}]",
            name=_keys(field) if is_table else name,
            default="" if is_table or default is None else toml_value(default),
            variable=f"{PREFIX}{section_name.replace('.', '__')}__{name}".upper(),
            description=field.description or "",
        )


def _keys(field: FieldInfo) -> str:
    """Return the placeholder for the keys of a table."""
    extra = field.json_schema_extra
    return str(extra.get(KEYS, _RULE)) if isinstance(extra, Mapping) else _RULE
