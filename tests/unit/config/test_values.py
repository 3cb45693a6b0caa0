"""What each kind of value accepts, and what it says to what it does not."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from pydicom.uid import ExplicitVRLittleEndian

from scp.config import values
from scp.config.expecting import shown, suggestion


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def complaint(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (values.AETitle, "  CT 1 ", "CT 1"),
        (values.AETitle, "A" * 16, "A" * 16),
        (values.AETitle, "[~!]", "[~!]"),
        (values.Port, 0, 0),
        (values.Port, "65535", 65535),
        (values.Seconds, 1, 1.0),
        (values.Seconds, "2.5", 2.5),
        (values.PduLength, 4096, 4096),
        (values.PduLength, 1048576, 1048576),
        (values.Size, "4 GiB", 4 * 1024**3),
        (values.Size, 1024, 1024),
        (values.Flag, False, False),
        (values.Flag, "true", True),
        (values.Host, "localhost", "localhost"),
        (values.Host, "pacs-1.example.org", "pacs-1.example.org"),
        (values.Host, "::", "::"),
        (values.SOPClass, "CTImageStorage", "1.2.840.10008.5.1.4.1.1.2"),
        (values.SOPClass, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2"),
        (values.SOPClass, "1.3.12.2.1107.5.9.1", "1.3.12.2.1107.5.9.1"),
        (values.TransferSyntax, "ExplicitVRLittleEndian", str(ExplicitVRLittleEndian)),
        (values.WarningStatus, "0000", 0),
        (values.WarningStatus, "b007", 0xB007),
        (values.RefusalStatus, "A900", 0xA900),
        (values.RefusalStatus, "CFFF", 0xCFFF),
        (values.RefusalStatus, "0124", 0x0124),
        (values.RuleName, "GEO-103.unusable", "GEO-103.unusable"),
        (values.RuleCode, "GEO-103", "GEO-103"),
        (values.RuleName, "GEO", "GEO"),
    ],
)
def test_good_values_are_accepted(kind: Any, given: object, expected: object) -> None:
    assert read(kind, given) == expected


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (values.AETitle, ""),
        (values.AETitle, "   "),
        (values.AETitle, "A" * 17),
        (values.AETitle, "A\\B"),
        (values.AETitle, "A\nB"),
        (values.AETitle, "A\x7f"),
        (values.AETitle, "ÄRZTE"),
        (values.AETitle, 5),
        (values.Port, -1),
        (values.Port, 65536),
        (values.Port, 1.5),
        (values.Port, True),
        (values.Port, ""),
        (values.Seconds, float("nan")),
        (values.Seconds, float("inf")),
        (values.Seconds, 0.99),
        (values.Seconds, "1 min"),
        (values.PduLength, 4095),
        (values.PduLength, 1048577),
        (values.Size, 1023),
        (values.Size, "2 TiB"),
        (values.Size, "much"),
        (values.Flag, "maybe"),
        (values.Flag, 2),
        (values.Host, ""),
        (values.Host, "300.1.1.1"),
        (values.Host, "-x"),
        (values.Host, "a b"),
        (values.AddressRange, "192.0.2"),
        (values.AddressRange, "192.0.2.0/33"),
        (values.AddressRange, 5),
        (values.Folder, ""),
        (values.Folder, "a\0b"),
        (values.Folder, 5),
        (values.SOPClass, "1.2.840.10008.1.2"),
        (values.SOPClass, "CT"),
        (values.SOPClass, "1.02.3"),
        (values.TransferSyntax, "1.2.840.10008.1.1"),
        (values.TransferSyntax, "1.2.3"),
        (values.WarningStatus, 0),
        (values.WarningStatus, "0"),
        (values.WarningStatus, "A900"),
        (values.WarningStatus, "00000"),
        (values.RefusalStatus, "B001"),
        (values.RefusalStatus, "FF00"),
        (values.RefusalStatus, "A8FF"),
        (values.RuleCode, "GEO"),
        (values.RuleCode, "GEO-1"),
        (values.RuleCode, "GEO-103.unusable"),
        (values.RuleName, "GEOM"),
        (values.RuleName, "geo"),
    ],
)
def test_bad_values_are_named_and_the_right_ones_said(kind: Any, given: object) -> None:
    message = complaint(kind, given)
    assert message.startswith(f"{shown(given)} is not ")
    assert len(message) > len(f"{shown(given)} is not ") + 5


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (values.AddressRange, "192.0.2.1/24", "the network is 192.0.2.0/24"),
        (values.Folder, "~/data", "write the home folder in full"),
        (values.SOPClass, "CTImageStroage", "did you mean 'CTImageStorage'?"),
        (values.TransferSyntax, "ExplicitVRLittelEndian", "did you mean 'ExplicitVRLittleEndian'?"),
        (values.RefusalStatus, "A7FF", 'says "try again"'),
        (values.RefusalStatus, "B007", 'says "stored"'),
        (values.RefusalStatus, "0000", 'says "stored"'),
    ],
)
def test_near_misses_say_what_was_meant(kind: Any, given: object, message: str) -> None:
    assert message in complaint(kind, given)


def test_long_values_are_cut_in_messages() -> None:
    assert shown("x" * 100) == '"' + "x" * 58 + "…"
    assert shown("x" * 58) == '"' + "x" * 58 + '"'


def test_control_characters_are_escaped_in_messages() -> None:
    assert shown("a\x1b[2J\n") == '"a\\u001b[2J\\n"'


def test_far_words_get_no_suggestion() -> None:
    assert suggestion("prt", ["port", "host"]) == "; did you mean 'port'?"
    assert suggestion("qqqq", ["port", "host"]) == ""


@pytest.mark.parametrize(("size", "text"), [(1024, "1 KiB"), (3 * 1024**2, "3 MiB"), (1024**4, "1 TiB"), (1025, 1025)])
def test_sizes_are_written_in_the_largest_unit_that_divides_them(size: int, text: str | int) -> None:
    assert TypeAdapter(values.Size).dump_python(read(values.Size, size), mode="json") == text
