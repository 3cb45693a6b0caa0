"""Options that several commands share, and how commands fail."""

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import orjson
import typer
from rich.console import Console

from scp.audit.catalogue import RULES
from scp.config import ConfigurationError, Settings, load
from scp.printable import printable
from scp.wiring import known_codes

COULD_NOT_RUN: Final = 2
"""Exit code: the usage or the configuration is wrong, or something that is needed is missing."""

MOST: Final = 1_000_000
"""The largest --limit."""

errors = Console(stderr=True, soft_wrap=True, highlight=False)
"""Standard error."""

lines = Console(soft_wrap=True, highlight=False)
"""Standard output, for lines that appear above a progress bar; for that the bar must use the same console."""


class OutputFormat(StrEnum):
    """How a command writes its result."""

    TEXT = "text"
    JSON = "json"


def path_of(text: str) -> Path:
    """Read a path of the command line. An empty one, as from an unset variable, would mean the current folder."""
    if not text:
        raise typer.BadParameter("a path is missing")
    return Path(text)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Configuration file (TOML).", envvar="AUDITSCP_CONFIG", parser=path_of
    ),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The data folder of the node.", parser=path_of)
]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MOST, help="Only the newest N.")]
FormatOption = Annotated[OutputFormat, typer.Option("--format", help="How the result is written.")]


def settings_from(config: Path | None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Load the configuration; if anything is wrong with it, report all of it and exit with 2."""
    try:
        return settings_of(config, overrides)
    except ConfigurationError as error:
        fail_over(error)


def settings_of(config: Path | None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Load the configuration. Raises ConfigurationError with everything that is wrong with it."""
    return load(config, overrides=overrides, environ=os.environ, known_codes=known_codes())


def write_json(document: Mapping[str, Any]) -> None:
    """Write a document as one line of JSON."""
    sys.stdout.write(orjson.dumps(document).decode() + "\n")


def fail_over(error: ConfigurationError) -> NoReturn:
    """Report everything that is wrong with the configuration, and exit with 2."""
    for problem in error.problems:
        errors.print(f"error: {problem}", markup=False)
    raise typer.Exit(COULD_NOT_RUN) from None


def fail_without_rule(code: str) -> NoReturn:
    """Say that there is no such rule, suggest one with a similar code, and exit with 2."""
    near = get_close_matches(code.upper(), [rule.code for rule in RULES], n=1)
    fail(f"there is no rule {printable(code)}" + (f"; did you mean {near[0]}?" if near else "; see: auditscp rules"))


def fail(message: str) -> NoReturn:
    """Say why the command cannot run, and exit with 2."""
    errors.print(f"error: {message}", markup=False)
    raise typer.Exit(COULD_NOT_RUN)
