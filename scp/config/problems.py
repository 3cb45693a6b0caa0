"""What is wrong with a configuration, where, and what would be right. All of it is raised together."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from scp.config.expecting import shown, suggestion
from scp.config.locate import Location
from scp.config.model import Settings, section_of
from scp.config.section import Section


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: ``auditscp.toml:12 [node] port``, ``65536 is not a port: 0–65535``."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConfigurationError(Exception):
    """The configuration cannot be used; ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def explain(error: ErrorDetails) -> str:
    """Return one sentence about an error that pydantic found: what is wrong and what would be right."""
    location = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            names = _section_around(location).model_fields
            near = suggestion(str(location[-1]), names)
            return "unknown name" + (near or f"; known here: {', '.join(sorted(names))}")
        case "model_type":
            return f"{shown(error['input'])} is not a section: settings stand below its name in brackets"
        case _:
            return error["msg"]


def _section_around(location: Location) -> type[Section]:
    """Return the model of the table in which the last key of ``location`` stands."""
    section: type[Section] = Settings
    for part in location[:-1]:
        if isinstance(part, str):
            section = section_of(section.model_fields[part]) or section
    return section
