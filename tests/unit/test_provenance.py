"""How an object came is kept in its own file, and read back; what is not ours is not believed."""

from dataclasses import replace

import pytest

from scp import provenance
from scp.dicom.part10 import file_header, read_file, read_note
from scp.dicom.request import Association, Request
from scp.ids import as_text
from scp.provenance import Provenance
from scp.upkeep.reading import HEAD

ASSOCIATION = Association(as_text(9), "192.0.2.1", 4000, "CT1", "AUDITSCP", "1.2.3", "VERSION_1")
REQUEST = Request(
    ASSOCIATION, 17, "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2"
)


@pytest.mark.parametrize("general", [(), (REQUEST.abstract_syntax,)])
@pytest.mark.parametrize("title", ["CT1", "CT10", "Ä"])
def test_what_was_written_is_read_back_from_the_file(general: tuple[str, ...], title: str) -> None:
    request = replace(
        REQUEST, association=replace(ASSOCIATION, calling_ae_title=title), related_general_classes=general
    )
    header = file_header(request, provenance.written(5, 1_700_000_000_000_000, request))
    assert len(header) % 2 == 0
    assert provenance.read(read_note(header)) == Provenance(
        5, 1_700_000_000_000_000, 17, REQUEST.abstract_syntax, request.association, general
    )
    found = read_file(header + b"\x08\0\x60\0CS\2\0CT")
    assert getattr(found, "offset", None) == len(header)


def test_a_peer_that_names_many_general_classes_makes_no_header_long() -> None:
    many = tuple(f"1.2.826.0.1.99.{number:032}" for number in range(1_500))
    request = replace(REQUEST, related_general_classes=(*many, REQUEST.abstract_syntax))
    header = file_header(request, provenance.written(5, 6, request))
    assert len(header) < HEAD
    kept = provenance.read(read_note(header))
    assert kept is not None
    assert kept.related_general_classes == (REQUEST.abstract_syntax,)


def test_a_file_without_it_has_none() -> None:
    assert read_note(file_header(REQUEST)) == b""
    assert read_note(b"") == b""
    assert provenance.read(b"") is None


def test_private_information_of_others_is_not_ours() -> None:
    header = file_header(REQUEST, b"{}")
    ours = b"\x02\0\0\1UI"
    assert ours in header
    at = header.index(ours) + 8
    assert read_note(header[:at] + b"9" + header[at + 1 :]) == b""


@pytest.mark.parametrize(
    "raw",
    [b"{", b"[]", b"{}", b'"x"', b"null", provenance.written(5, 6, REQUEST).replace(as_text(5).encode(), b"U" * 13),
     provenance.written(5, 6, REQUEST).replace(as_text(9).encode(), b"nobody"),
     provenance.written(5, 6, REQUEST).replace(b'"port"', b'"gate"')],
)  # fmt: skip
def test_what_is_not_what_we_write_is_not_believed(raw: bytes) -> None:
    assert provenance.read(raw) is None
