"""What a change of patient or order may change is what the table says, attribute by attribute."""

import inspect
import re
from typing import Final

import pytest
from pydicom.datadict import dictionary_description, dictionary_has_tag

from scp.dicom import coercible
from scp.dicom.coercible import COERCIBLE

NAMED: Final = re.findall(r"0x([0-9A-F]{8}),  # (.+)", inspect.getsource(coercible))
NEWER: Final = {
    0x00081301, 0x00081302, 0x00081303, 0x00081304, 0x00100011, 0x00100014, 0x00100041, 0x00100043, 0x00102162,
}  # fmt: skip
"""Attributes that a dictionary may not have yet."""


def test_every_coercible_attribute_is_named() -> None:
    assert {int(tag, 16) for tag, _ in NAMED} == COERCIBLE
    assert COERCIBLE >= NEWER


@pytest.mark.parametrize(("tag", "name"), [row for row in NAMED if int(row[0], 16) not in NEWER])
def test_an_attribute_has_the_name_that_the_dictionary_gives_it(tag: str, name: str) -> None:
    assert dictionary_has_tag(int(tag, 16))
    assert dictionary_description(int(tag, 16)).casefold() == name.removesuffix(" (retired)").casefold()
