"""Large values take no memory, wherever they are looked at."""

import os
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from mmap import mmap
from pathlib import Path
from struct import pack
from typing import Final

import pytest
from blake3 import blake3
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from scp.dicom import tags as t
from scp.dicom.compare import compare
from scp.dicom.defect import Defect, DefectKind
from scp.dicom.difference import Pixels
from scp.dicom.element import Span
from scp.dicom.fragments import fragments, skip_fragments
from scp.dicom.pages import PIECE, digest, let_go, pieces, read_long, read_short, same
from scp.dicom.read import read_facts
from scp.dicom.readers import WANTED
from scp.dicom.references import referenced_instances
from scp.dicom.syntax import EXPLICIT_LITTLE, inflate
from scp.dicom.walk import Limits, walk
from scp.store.mapped import file_map
from tests.unit.dicom.encode import explicit, implicit, item, open_sequence
from tests.unit.dicom.test_rle import frame_of

EXPLICIT, BIG, DEFLATED = str(ExplicitVRLittleEndian), str(ExplicitVRBigEndian), str(DeflatedExplicitVRLittleEndian)
MIB: Final = 1 << 20
LARGE: Final = 32 * MIB
LITTLE_ROOM: Final = 4 * MIB
NAME: Final = ".large"


def resident_bytes() -> int:
    """How much of the files of tests is in the memory of this process."""
    total, is_ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if not line.partition(" ")[0].endswith(":"):
            is_ours = line.endswith(NAME)
        elif is_ours and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file, file_map(file, path.stat().st_size) as whole, memoryview(whole) as view:
        yield view


@contextmanager
def taking_at_most(size: int) -> Iterator[None]:
    """Python's own memory never grows by more, and no more of mapped files is left behind."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()
    assert resident_bytes() < size


class Place:
    """Stands in for a file: keeps what it is given."""

    def __init__(self, made: list["Place"]) -> None:
        self.content = BytesIO()
        made.append(self)

    def write(self, piece: bytes | bytearray) -> None:
        self.content.write(piece)

    def memory(self) -> memoryview:
        return memoryview(self.content.getvalue())


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def inflated(stream: bytes, made: list[Place]) -> bytes:
    found = inflate(stream, scratch=lambda: Place(made))
    assert isinstance(found, memoryview)
    return bytes(found)


def large(path: Path, *parts: bytes) -> Path:
    """Write a file in pieces, as a node does: systems keep, and show, together what was written together."""
    path = path.with_suffix(NAME)
    with path.open("wb", buffering=0) as file:
        for piece in pieces(b"".join(parts)):
            file.write(piece)
    return path


def native(fill: int, size: int = LARGE) -> bytes:
    return explicit(t.MODALITY, "CS", b"CT") + explicit(t.PIXEL_DATA, "OW", bytes([fill]) * size)


def encapsulated(size: int, last: int) -> bytes:
    fragment = item(bytes(PIECE + 2))
    return open_sequence(t.PIXEL_DATA, "OB", item() + fragment * (size // PIECE) + item(bytes([last, 0])))


class TestPieces:
    def test_are_all_of_it_as_far_as_it_goes(self) -> None:
        data = bytes(range(256)) * (3 * PIECE // 256) + b"end"
        assert b"".join(pieces(data)) == data
        assert b"".join(pieces(data, 5, len(data))) == data[5:]
        assert [len(piece) for piece in pieces(data, 0, 2 * PIECE)] == [PIECE, PIECE]
        assert list(pieces(data, 0, 0)) == []

    def test_of_a_part_of_a_file_are_those_of_the_part(self, tmp_path: Path) -> None:
        content = os.urandom(2 * PIECE + 11)
        with mapped(large(tmp_path / "a", content)) as whole, whole[7:] as data, data[5:] as part:
            assert b"".join(pieces(part)) == content[12:]
            assert read_long(part, 3, 10) == read_short(part, 3, 10) == content[15:25]
            assert read_long(part, len(part) - 2, 10) == content[-2:]
            assert read_long(part, len(part) + 2, 10) == b""
            assert digest(part) == blake3(content[12:]).digest()

    def test_of_a_file_are_read_without_its_pages(self, tmp_path: Path) -> None:
        with mapped(large(tmp_path / "a", bytes(LARGE))) as view, taking_at_most(MIB):
            assert sum(map(len, pieces(view))) == LARGE

    def test_tell_whether_bytes_are_the_same(self, tmp_path: Path) -> None:
        content = os.urandom(PIECE + 3)
        with mapped(large(tmp_path / "a", content)) as view:
            assert same(view, content)
            assert not same(view, content[:-1])
            assert not same(view, content[:-1] + bytes([content[-1] ^ 1]))


class TestPages:
    def test_of_a_file_are_let_go_of_and_come_back(self, tmp_path: Path) -> None:
        with mapped(large(tmp_path / "a", b"x" * LARGE)) as view:
            assert bytes(view).count(b"x") == LARGE
            assert resident_bytes() > LARGE // 2
            with view[1:] as part:
                let_go(part)
            assert resident_bytes() < LARGE // 2
            assert view[-1] == ord("x")

    def test_of_other_memory_keep_what_is_in_them(self) -> None:
        with mmap(-1, PIECE) as buffer, memoryview(buffer) as view:
            buffer[:4] = b"kept"
            let_go(view)
            let_go(buffer)
            assert buffer[:4] == b"kept"

    def test_stay_a_few_however_many_short_values_are_looked_at(self, tmp_path: Path) -> None:
        with mapped(large(tmp_path / "a", bytes(LARGE))) as view, taking_at_most(LITTLE_ROOM):
            for offset in range(0, LARGE, 65536):
                assert read_short(view, offset, 4) == bytes(4)


class TestReading:
    def test_from_fragment_to_fragment_takes_no_memory(self, tmp_path: Path) -> None:
        fragment = item(bytes(4096))
        count = LARGE // len(fragment)
        path = large(tmp_path / "a", fragment * count, pack("<HHI", 0xFFFE, 0xE0DD, 0))
        with mapped(path) as view, taking_at_most(LITTLE_ROOM):
            assert skip_fragments(view, 0, len(view), MIB, little=True) == (len(fragment) * count, count, None)
            span = Span("OB", 0, len(view) - 8, None, count)
            assert sum(length for _, length in fragments(view, span, little=True)) == 4096 * count

    def test_from_element_to_element_takes_no_memory(self, tmp_path: Path) -> None:
        content = b"".join(explicit(0x00091000 + number, "OB", bytes(MIB // 2)) for number in range(64))
        with mapped(large(tmp_path / "a", content)) as view:
            with taking_at_most(LITTLE_ROOM):
                scan = walk(view, EXPLICIT_LITTLE)
            assert scan == walk(content, EXPLICIT_LITTLE)
            assert len(scan.elements) == 64

    def test_facts_takes_no_more_of_a_value_than_can_be_right(self, tmp_path: Path) -> None:
        tags = sorted(WANTED)[:32]
        content = b"".join(implicit(tag, b"1.2\\" * (MIB // 4)) for tag in tags)
        with mapped(large(tmp_path / "a", content)) as view, taking_at_most(LITTLE_ROOM):
            read_facts(view, "1.2.840.10008.1.2", Limits())

    def test_references_between_large_values_takes_no_memory(self, tmp_path: Path) -> None:
        def one(number: int) -> bytes:
            uid = explicit(t.REFERENCED_SOP_INSTANCE_UID, "UI", f"1.2.{number:04}".replace(".0", ".1").encode())
            return item(uid + explicit(0x00091010, "OB", bytes(MIB // 2)))

        content = explicit(0x00081199, "SQ", b"".join(map(one, range(64))))
        with mapped(large(tmp_path / "a", content)) as view, taking_at_most(LITTLE_ROOM):
            assert len(referenced_instances(view, EXPLICIT, Limits())) == 64


class TestComparing:
    @pytest.mark.parametrize(("fill", "pixels"), [(1, Pixels.EQUAL), (2, Pixels.DIFFERENT)])
    def test_large_images_takes_a_copy_of_neither(self, tmp_path: Path, fill: int, pixels: Pixels) -> None:
        one, two = large(tmp_path / "one", native(1)), large(tmp_path / "two", native(fill))
        with mapped(one) as first, mapped(two) as second, taking_at_most(LITTLE_ROOM):
            assert compare(first, EXPLICIT, second, EXPLICIT).pixels is pixels

    def test_large_images_in_two_byte_orders_takes_a_copy_of_neither(self, tmp_path: Path) -> None:
        samples = bytes(range(256)) * (LARGE // 256)
        swapped = bytes(one ^ 1 for one in range(256)) * (LARGE // 256)
        one = large(tmp_path / "one", explicit(t.PIXEL_DATA, "OW", samples))
        two = large(tmp_path / "two", explicit(t.PIXEL_DATA, "OW", swapped, little=False))
        with mapped(one) as first, mapped(two) as second, taking_at_most(LITTLE_ROOM):
            assert compare(first, EXPLICIT, second, BIG).pixels is Pixels.EQUAL

    @pytest.mark.parametrize(("last", "pixels"), [(1, Pixels.EQUAL), (2, Pixels.LOSSY)])
    def test_large_codestreams_takes_a_copy_of_neither(self, tmp_path: Path, last: int, pixels: Pixels) -> None:
        one, two = large(tmp_path / "one", encapsulated(LARGE, 1)), large(tmp_path / "two", encapsulated(LARGE, last))
        with mapped(one) as first, mapped(two) as second, taking_at_most(LITTLE_ROOM):
            assert compare(first, JPEGBaseline8Bit, second, JPEGBaseline8Bit).pixels is pixels

    def test_transcoded_frames_takes_some_frames_and_no_more(self, tmp_path: Path) -> None:
        frames, rows = 64, 512
        described = b"".join(
            (
                explicit(t.SAMPLES_PER_PIXEL, "US", pack("<H", 1)),
                explicit(t.PHOTOMETRIC_INTERPRETATION, "CS", b"MONOCHROME2 "),
                explicit(t.NUMBER_OF_FRAMES, "IS", b"64"),
                explicit(t.ROWS, "US", pack("<H", rows)),
                explicit(t.COLUMNS, "US", pack("<H", rows)),
                explicit(t.BITS_ALLOCATED, "US", pack("<H", 8)),
            )
        )
        planes = [bytes([number]) * rows * rows for number in range(frames)]
        runs = rows * rows // 128
        packed = b"".join(item(frame_of(bytes([129, number]) * runs)) for number in range(frames))
        one = large(tmp_path / "one", described, explicit(t.PIXEL_DATA, "OB", b"".join(planes)))
        two = large(tmp_path / "two", described, open_sequence(t.PIXEL_DATA, "OB", item() + packed))
        with mapped(one) as first, mapped(two) as second, taking_at_most(LITTLE_ROOM):
            assert compare(first, EXPLICIT, second, RLELossless).pixels is Pixels.EQUAL

    @pytest.mark.parametrize("tag", [0x00420011, 0x00091010], ids=["document", "private"])
    @pytest.mark.parametrize("fill", [1, 2])
    def test_other_large_values_takes_a_copy_of_neither(self, tmp_path: Path, tag: int, fill: int) -> None:
        creator = explicit(0x00090010, "LO", b"MAKER ")
        one = large(tmp_path / "one", creator, explicit(tag, "OB", b"\1" * LARGE))
        two = large(tmp_path / "two", creator, explicit(tag, "OB", b"\1" * (LARGE - 2) + bytes([fill, 1])))
        with mapped(one) as first, mapped(two) as second, taking_at_most(LITTLE_ROOM):
            differences = compare(first, EXPLICIT, second, EXPLICIT).differences
        assert len(differences) == (fill == 2)
        for found in differences:
            assert found.first == f"blake3:{blake3(bytes([1]) * LARGE).hexdigest()} ({LARGE} bytes)"
            assert found.second != found.first

    @pytest.mark.parametrize(
        ("charset", "encoded", "is_same"),
        [(b"ISO_IR 100", "latin-1", True), (b"ISO_IR 192", "latin-1", False), (b"ISO_IR 192", "utf-8", False)],
    )
    def test_large_texts_takes_a_copy_of_neither(
        self, tmp_path: Path, charset: bytes, encoded: str, is_same: bool
    ) -> None:
        one, two = (
            large(tmp_path / name, explicit(t.SPECIFIC_CHARACTER_SET, "CS", charset), explicit(0x0040A160, "UT", text))
            for name, charset, text in (
                ("one", b"ISO_IR 100", ("é" * LARGE).encode("latin-1")),
                ("two", charset, ("é" * LARGE).encode(encoded)),
            )
        )
        with mapped(one) as first, mapped(two) as second, taking_at_most(2 * LITTLE_ROOM):
            differences = compare(first, EXPLICIT, second, EXPLICIT).differences
        assert [found.first for found in differences] == ([] if is_same else ["é" * 256])

    def test_a_character_set_as_large_as_an_image_takes_a_part_of_it(self, tmp_path: Path) -> None:
        path = large(tmp_path / "one", open_sequence(t.SPECIFIC_CHARACTER_SET, "OB", item() + item(b"\\" * LARGE)))
        with mapped(path) as first, mapped(path) as second, taking_at_most(2 * LITTLE_ROOM):
            assert compare(first, JPEGBaseline8Bit, second, JPEGBaseline8Bit).differences == ()

    def test_a_large_value_that_may_be_a_sequence_takes_a_copy_of_neither(self, tmp_path: Path) -> None:
        creator, value = explicit(0x00090010, "LO", b"MAKER "), explicit(0x00090012, "OB", bytes(LARGE))
        one = large(tmp_path / "one", creator, explicit(0x00091010, "SQ", item(value)))
        two = large(tmp_path / "two", creator, explicit(0x00091010, "UN", item(value)))
        with mapped(one) as first, mapped(two) as second, taking_at_most(LITTLE_ROOM):
            assert compare(first, EXPLICIT, second, EXPLICIT).differences == ()


class TestInflating:
    def test_takes_the_memory_of_what_comes_out_and_no_more(self) -> None:
        stream = deflate(bytes(LARGE)) + b"\0"
        with taking_at_most(LARGE * 3 // 2):
            found = inflate(stream)
            assert isinstance(found, memoryview)
            assert len(found) == LARGE

    def test_what_is_too_large_for_memory_goes_elsewhere(self) -> None:
        made: list[Place] = []
        data = os.urandom(3 * MIB)
        assert inflated(deflate(data), made) == data
        assert [place.content.getvalue() == data for place in made] == [True]

    def test_what_is_not_stays(self) -> None:
        made: list[Place] = []
        assert inflated(deflate(bytes(MIB)), made) == bytes(MIB)
        assert made == []

    def test_elsewhere_is_limited_too(self) -> None:
        made: list[Place] = []
        found = inflate(deflate(bytes(LARGE)), 3 * MIB, lambda: Place(made))
        assert found == Defect(DefectKind.INFLATES_TOO_LARGE, 0)
        assert len(made[0].content.getvalue()) == 3 * MIB + 1

    def test_the_trailer_of_a_gzip_file_is_looked_at_across_pieces(self) -> None:
        random = os.urandom(PIECE)
        size = 2 * PIECE - len(deflate(random))
        for more in range(-10, 1):  # the stream ends around the end of a piece
            data = random[: size + more]
            stream = deflate(data)
            trailer = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
            assert inflated(stream + trailer, []) == data
            assert inflate(stream + trailer + b"\0") == Defect(DefectKind.TRAILING, len(stream))

    def test_reads_facts_of_a_deflated_data_set_elsewhere(self) -> None:
        made: list[Place] = []
        limits = Limits(scratch=lambda: Place(made))
        assert read_facts(deflate(native(1, 2 * MIB)), DEFLATED, limits).modality == "CT"
        assert len(made) == 1
