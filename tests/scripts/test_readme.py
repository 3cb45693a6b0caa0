"""README.md and CHANGELOG.md: what they link to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)]+)\)")


def anchors(text: str) -> set[str]:
    """Return the names of the headings, as those who show Markdown make them."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text()
    links = [link for link in LINK.findall(text) if not link.startswith("https://")]
    broken = [link for link in links if not link.startswith("#") and not (ROOT / link).is_file()]
    broken += [link for link in links if link.startswith("#") and link[1:] not in anchors(text)]
    assert broken == []


def test_files_of_the_checkout_that_the_readme_names_are_there() -> None:
    named = set(re.findall(r"`((?:config|scripts|scp|tests)/[\w./]+)", (ROOT / "README.md").read_text()))
    assert {"config/auditscp.toml", "scripts/bench"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
