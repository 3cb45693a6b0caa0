"""Lines of settings in TOML texts, plain and perverse."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.config.locate import Location, line_of, lines, spell

PERVERSE = """\
top = 1 # [not.a.table]
"quoted \\"key\\" [x] = #" = 2
[a] # comment with "quotes
b.c . 'd e' = MULTI
[fake]
key = "value" \\MULTI
"MULTI
e = [ # comment ]
  "]", [1, 2], # '
  { x = "}" },
]
f = LITERAL
[fake]LITERAL''
g = { h = 1, i = { j = 2 } }
h = 'C:\\'

  [ a . "b" . x ]
y = 1979-05-27 07:32:00
[[peer]]
name = ""
[[peer]]
  [peer.severity]
  'GEO-1.x' = 1
  [[peer.deep]]
  one = 1
  [[peer.deep]]
  two = 2
[a.z]""".replace("MULTI", '"' * 3).replace("LITERAL", "'" * 3)


def test_lines_are_found_in_a_text_full_of_traps() -> None:
    tomllib.loads(PERVERSE)
    assert lines(PERVERSE) == {
        ("top",): 1,
        ('quoted "key" [x] = #',): 2,
        ("a",): 3,
        ("a", "b", "c", "d e"): 4,
        ("a", "e"): 8,
        ("a", "f"): 12,
        ("a", "g"): 14,
        ("a", "h"): 15,
        ("a", "b", "x"): 17,
        ("a", "b", "x", "y"): 18,
        ("peer",): 19,
        ("peer", 0): 19,
        ("peer", 0, "name"): 20,
        ("peer", 1): 21,
        ("peer", 1, "severity"): 22,
        ("peer", 1, "severity", "GEO-1.x"): 23,
        ("peer", 1, "deep"): 24,
        ("peer", 1, "deep", 0): 24,
        ("peer", 1, "deep", 0, "one"): 25,
        ("peer", 1, "deep", 1): 26,
        ("peer", 1, "deep", 1, "two"): 27,
        ("a", "z"): 28,
    }


TRICKY = "[]{}#=.,'\\\" \n\tx"
LITERAL = TRICKY.replace("'", "")
VALUES = st.one_of(
    st.text(TRICKY).map(json.dumps),
    st.text(LITERAL.replace("\n", "")).map("'{}'".format),
    st.text(LITERAL).map("'''{}'''".format),
    st.text(TRICKY.replace('"', "").replace("\\", "")).map('"""{}"""'.format),
    st.lists(st.text(TRICKY).map(json.dumps)).map(lambda entries: "[ # ]\n" + ",\n".join(entries) + "\n]"),
    st.text(TRICKY).map(lambda text: "{ a = " + json.dumps(text) + " }"),
)
BETWEEN = st.sampled_from(["", "\n", "# [x]\n", "  # ''' \"\"\"\n"])


@given(st.lists(st.tuples(BETWEEN, VALUES)))
def test_keys_are_found_whatever_their_values_hold(statements: list[tuple[str, str]]) -> None:
    text = "[a]\n"
    expected: dict[Location, int] = {("a",): 1}
    for number, (between, value) in enumerate(statements):
        text += between
        expected["a", f"k{number}"] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    tomllib.loads(text)
    assert lines(text) == expected


def test_every_key_of_the_shipped_file_is_found_on_its_line() -> None:
    text = (Path(__file__).parents[3] / "config" / "auditscp.toml").read_text(encoding="utf-8")
    found = lines(text)
    written = text.splitlines()
    for section, table in tomllib.loads(text).items():
        for key in table:
            assert written[found[section, key] - 1].startswith((f"{key} = ", f"[{section}.{key}]"))


def test_an_empty_text_has_no_settings() -> None:
    assert lines("") == lines("\n# nothing\n\n") == {}


def test_what_stands_inside_a_value_is_at_the_line_of_its_key() -> None:
    found = lines("\n[a]\nb = [\n1,\n2]\n")
    assert line_of(("a", "b", 1), found) == 3
    assert line_of(("a", "missing"), found) == 2
    assert line_of(("missing",), found) == 1


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (("node",), "[node]"),
        (("node", "port"), "[node] port"),
        (("audit", "severity", "STK-251"), "[audit.severity] STK-251"),
        (("association", "addresses", 0), "[association] addresses entry 1"),
        (("peer",), "[peer]"),
        (("peer", 1), "[[peer]] 2"),
        (("peer", 0, "ae_title"), "[[peer]] 1 ae_title"),
        (("peer", 0, "severity", "STK"), "[[peer]] 1 severity STK"),
    ],
)
def test_locations_are_spelled_as_the_file_writes_them(location: Location, text: str) -> None:
    assert spell(location) == text
