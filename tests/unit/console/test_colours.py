"""Text can be read in both themes: contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""

import re

import pytest

from scp.console.rendering import STATIC

_CSS = (STATIC / "console.css").read_text(encoding="utf-8")
_LIGHT, _DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\n *\}", _CSS, re.DOTALL)
)
PAIRS = [
    *((ink, ground) for ink in ("ink", "soft", "accent") for ground in ("ground", "surface", "sunken")),
    ("ink", "accent-soft"), ("on-accent", "accent"), ("ok", "ok-soft"), ("warn", "warn-soft"), ("bad", "bad-soft"),
    ("bad", "surface"), ("ink", "mark"),
]  # fmt: skip


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [_LIGHT, _DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_stands_out(theme: dict[str, str], ink: str, ground: str) -> None:
    one, two = sorted((luminance(theme[ink]), luminance(theme[ground])))
    assert (two + 0.05) / (one + 0.05) >= 4.5
