"""The table of exit codes in the README is about the commands that there are, and says what their help says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from scp.cli.app import app

README = Path(__file__).parents[3] / "README.md"
_ONLY = re.compile(r"\b[1-9]\b")


def helps() -> dict[str, str]:
    """Return what each command says of itself, by its name."""

    def under(command: typer.core.TyperCommand, name: str) -> Iterator[tuple[str, str]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command.help or ""
        else:
            for key, one in inner.items():
                yield from under(one, f"{name} {key}".strip())

    return dict(under(get_command(app), ""))  # type: ignore[arg-type]  # a group of commands, which typer does not name


def stated() -> dict[str, set[str]]:
    """Return the codes of failure that each command of the table has."""
    part = README.read_text(encoding="utf-8").partition("### Exit codes\n")[2].partition("\n## ")[0]
    found: dict[str, set[str]] = {}
    for line in part.splitlines():
        if line.startswith("| `"):
            names, first, second, _ = (cell.strip() for cell in line.strip("|").split(" | "))
            codes = {"1", "2", *re.findall(r"\. ([3-9]):", first)}
            assert first
            assert second
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", names), codes)
    return found


def codes_of(text: str) -> set[str]:
    """Return the codes of failure that a help text names, in its sentence about them."""
    _, _, about = text.partition("xits with")
    return set(_ONLY.findall(about))


@pytest.mark.parametrize("name", sorted(helps()))
def test_a_command_with_several_codes_is_in_the_table_with_all_of_them(name: str) -> None:
    codes = codes_of(helps()[name])
    table = stated().get(name, set())
    assert table == (codes if len(codes) > 1 else set())


def test_the_table_has_no_command_that_there_is_not() -> None:
    assert stated().keys() <= helps().keys()
    assert len(stated()) > 5
