"""Where settings come from: command line over environment over file over defaults.

Each source is validated by itself: so every problem can be reported with its place, even if a setting of another
source overrides the wrong one.
"""

import errno
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from scp.config.expecting import suggestion
from scp.config.locate import Location, line_of, lines, spell
from scp.config.model import Settings, section_of
from scp.config.problems import ConfigurationError, Problem, explain
from scp.config.reference import PREFIX, reference
from scp.config.section import Section
from scp.config.values import KNOWN_CODES

OPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "--host": ("node", "host"),
    "--port": ("node", "port"),
    "--ae-title": ("node", "ae_title"),
    "--data": ("storage", "folder"),
    "--profile": ("audit", "profile"),
}
"""Options of the command line that are settings."""

NOT_SETTINGS: Final = frozenset({"AUDITSCP_CONFIG", "AUDITSCP_CORPUS"})
"""Variables with our prefix that are not settings: the configuration file, and the test series."""

_UNREADABLE: Final = {
    errno.ENOENT: "there is no such file",
    errno.EACCES: "this user may not read it",
    errno.EISDIR: "it is a folder; name the file in it",
}
_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOML_HINTS: Final = {
    "Invalid value": "text stands in quotes, true and false in small letters",
    "Cannot overwrite a value": "a name may stand only once in its section",
    "Cannot declare": "a section may stand only once",
}


@dataclass(frozen=True, slots=True)
class _Layer:
    """The settings of one source; ``place`` and ``line`` tell where in it one of them stands."""

    values: Mapping[str, Any]
    place: Callable[[Location], str]
    line: Callable[[Location], int] = lambda location: 0  # noqa: ARG005 - only a file has lines

    def problems(self, context: Mapping[str, object]) -> list[Problem]:
        """Return what is wrong with these settings, in the order in which they stand."""
        try:
            Settings.model_validate(self.values, context=context)
        except ValidationError as error:
            found = [(_clean(part["loc"]), explain(part)) for part in error.errors()]
            found.sort(key=lambda pair: self.line(pair[0]))
            return [Problem(self.place(location), message) for location, message in found]
        return []


class _Variables(Settings, BaseSettings):
    """Tells pydantic-settings which environment variables there are; never instantiated."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", enable_decoding=False)


def load(
    path: Path | None = None,
    *,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    known_codes: Collection[str] | None = None,
) -> Settings:
    """Build the settings of a node.

    ``overrides`` maps an option of :data:`OPTIONS` to its value; None means that the option was not given.
    ``known_codes`` are the rule codes, families and ``CODE.case`` names that may be set; None accepts any.

    Raises :class:`ConfigurationError` with every problem of the file, the environment and the command line.
    """
    context = {KNOWN_CODES: known_codes}
    layers: list[_Layer] = []
    problems: list[Problem] = []
    if path is not None:
        try:
            layers.append(_file(path))
        except ConfigurationError as error:
            problems += error.problems
    variables = {name: text for name, text in (environ or {}).items() if _is_setting(name)}
    problems += _unknown(variables)
    layers += [_environment(variables), _command_line(overrides or {})]
    for layer in layers:
        problems += layer.problems(context)
    if problems:
        raise ConfigurationError(problems)
    values: Mapping[str, Any] = {}
    for layer in layers:
        values = _over(values, layer.values)
    return Settings.model_validate(values, context=context)


def _file(path: Path) -> _Layer:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        reason = _UNREADABLE.get(error.errno or 0, error.strerror)
        raise ConfigurationError([Problem(str(path), f"cannot be read: {reason}")]) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError([Problem(str(path), f"is not UTF-8 text: byte {error.start + 1}")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_syntax(path, text, str(error))]) from None
    found = lines(text)
    return _Layer(
        values,
        place=lambda location: f"{path}:{line_of(location, found)} {spell(location)}",
        line=lambda location: line_of(location, found),
    )


def _syntax(path: Path, text: str, message: str) -> Problem:
    parts = _TOML_PLACE.fullmatch(message)
    assert parts is not None, "tomllib says where"
    what, line, column = parts.groups()
    hint = next((f"; {hint}" for start, hint in _TOML_HINTS.items() if what.startswith(start)), "")
    line = line or str(text.rstrip().count("\n") + 1)
    where = f" in column {column}" if column else ""
    return Problem(f"{path}:{line}", f"is not TOML: {what}{where}{hint}")


def _is_setting(name: str) -> bool:
    return name.upper().startswith(PREFIX) and name.upper() not in NOT_SETTINGS


def _names(name: str) -> Location:
    """Return the location of the setting that a variable sets. Keys of a table, such as user names, keep their case."""
    section: type[Section] | None = Settings
    names = []
    for part in name[len(PREFIX) :].split("__"):
        names.append(part.lower() if section else part)
        field = section.model_fields.get(part.lower()) if section else None
        section = field and section_of(field)
    return tuple(names)


def _unknown(variables: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each variable that names no section; pydantic-settings would ignore it."""
    known = [setting.variable.removeprefix(PREFIX) for setting in reference()]
    for name in sorted(variables):
        if _names(name)[0] not in Settings.model_fields:
            given = name[len(PREFIX) :].upper()
            # A name without its section, such as AUDITSCP_PORT, is not similar enough to any full name.
            full = next((one for one in known if one.endswith(f"__{given}")), given)
            near = suggestion(full, known, PREFIX)
            yield Problem(f"environment {name}", f"sets nothing that is known{near}")


def _environment(variables: Mapping[str, str]) -> _Layer:
    source = EnvSettingsSource(_Variables)
    source.env_vars = {PREFIX.lower() + "__".join(map(str, _names(name))): text for name, text in variables.items()}
    by_location = {_names(name): name for name in variables}

    def place(location: Location) -> str:
        size = next((size for size in range(len(location), 0, -1) if location[:size] in by_location), 0)
        if size:
            rest = (f"entry {part + 1}" if isinstance(part, int) else part for part in location[size:])
            return " ".join(["environment", by_location[location[:size]], *rest])
        # The variable goes on below a setting that is not a table: AUDITSCP_NODE__PORT__NUMBER.
        return "environment " + next(by_location[names] for names in by_location if names[: len(location)] == location)

    return _Layer(source(), place)


def _command_line(overrides: Mapping[str, object]) -> _Layer:
    values: dict[str, dict[str, object]] = {}
    for option, value in overrides.items():
        section, name = OPTIONS[option]
        if value is not None:
            values.setdefault(section, {})[name] = value
    by_location: dict[Location, str] = {location: option for option, location in OPTIONS.items()}
    return _Layer(values, lambda location: f"command line {by_location[location]}")


def _clean(location: Location) -> Location:
    """Drop the ``[key]`` that pydantic adds to a location if the key of a table is wrong, not its value."""
    return location[:-1] if location[-1] == "[key]" else location


def _over(lower: Mapping[str, Any], higher: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``lower`` overridden by ``higher``: tables are merged, all else is replaced."""
    merged = dict(lower)
    for key, value in higher.items():
        below = merged.get(key)
        merged[key] = _over(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return merged
