"""A Data Set whose headers are those of one before is not walked again, and is read all the same as if it were."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from scp.dicom import tags as t
from scp.dicom.decoder import Decoder, places_of
from scp.dicom.read import read_facts, scan_of
from scp.dicom.shape import Shapes
from scp.dicom.syntax import encoding_of
from scp.dicom.walk import Limits
from tests.unit.dicom.encode import explicit, implicit, item
from tests.unit.dicom.mutate import Encoded, data_set, mutated
from tests.unit.dicom.samples import CORPUS, PYDICOM, load, names, well_formed

LIMITS = Limits()
PIXELS = explicit(t.PIXEL_DATA, "OW", b"\0" * 32)


def learnt(data: bytes, syntax: str = ExplicitVRLittleEndian) -> Shapes:
    shapes, (_, scan) = Shapes(), scan_of(data, syntax, LIMITS)
    shapes.learn(data, scan, places_of(scan.elements), explicit=syntax != ImplicitVRLittleEndian)
    return shapes


def slice_of(number: bytes, uid: bytes = b"1.2.3.44", inner: bytes = b"1.2.3.4\0") -> bytes:
    reference = item(explicit(0x00081155, "UI", inner))
    return b"".join(
        (
            explicit(t.SOP_INSTANCE_UID, "UI", uid),
            explicit(t.MODALITY, "CS", b"CT"),
            explicit(0x00081140, "SQ", reference),
            explicit(t.INSTANCE_NUMBER, "IS", number),
            PIXELS,
        )
    )


def test_other_values_in_the_same_places_are_known_again() -> None:
    shapes = learnt(slice_of(b"1 "))
    assert (
        shapes.find(slice_of(b"2 ", b"1.2.3.55", b"9.8.7.6\0"), len(slice_of(b"2 ", b"1.2.3.55", b"9.8.7.6\0")))
        is not None
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(slice_of(b"22  "), id="a longer value"),
        pytest.param(slice_of(b"2 ").replace(b"IS", b"DS"), id="another VR"),
        pytest.param(slice_of(b"2 ").replace(b"\x20\x00\x13\x00", b"\x20\x00\x12\x00"), id="another tag"),
        pytest.param(slice_of(b"2 ")[:-1] + b"", id="a byte less"),
        pytest.param(slice_of(b"1 ").replace(b"\x08\x00\x55\x11", b"\x08\x00\x50\x11"), id="another tag in an Item"),
    ],
)
def test_whatever_differs_in_a_header_is_another_shape(other: bytes) -> None:
    assert learnt(slice_of(b"1 ")).find(other, len(other)) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(slice_of(b"1 ")[:-5], id="cut off"),
        pytest.param(explicit(t.INSTANCE_NUMBER, "IS", b"1 ") + explicit(t.MODALITY, "CS", b"CT"), id="out of order"),
        pytest.param(explicit(t.PATIENT_ID, "UN", b"1234") + PIXELS, id="of unknown VR"),
        pytest.param(explicit(t.PATIENT_ID, "LT", b"x" * 20_000), id="very long before the Pixel Data"),
        pytest.param(
            explicit(0x00081140, "SQ", item(explicit(t.PATIENT_ID, "UN", b"1234"))),
            id="of unknown VR in an Item",
        ),
    ],
)
def test_what_leaves_any_doubt_is_not_remembered(data: bytes) -> None:
    assert learnt(data).find(data, len(data)) is None


def test_implicit_vr_is_remembered_too() -> None:
    one, other = (implicit(t.MODALITY, b"CT") + implicit(t.INSTANCE_NUMBER, number) for number in (b"1 ", b"2 "))
    assert learnt(one, ImplicitVRLittleEndian).find(other, len(other)) is not None


def test_encapsulated_pixel_data_are_walked_each_time() -> None:
    begin, end = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff", b"\xfe\xff\xdd\xe0\0\0\0\0"
    data = explicit(t.MODALITY, "CS", b"CT") + begin + item(b"") + item(b"\xff\xd8\xff\xd9") + end
    _, scan = scan_of(data, JPEGBaseline8Bit, LIMITS)
    assert scan.defect is None
    shapes = Shapes()
    shapes.learn(data, scan, (), explicit=True)
    assert shapes.find(data, len(data)) is None


def test_only_some_shapes_are_kept_and_none_are_learnt_where_all_differ() -> None:
    shapes = learnt(slice_of(b"1 "))
    for length in range(2, 42, 2):
        data = slice_of(b"1" * length)
        shapes.learn(data, scan_of(data, ExplicitVRLittleEndian, LIMITS)[1], (), explicit=True)
        assert shapes.find(data, len(data)) is not None
    assert shapes.find(slice_of(b"1 "), len(slice_of(b"1 "))) is None
    strange = Shapes()
    for _ in range(40):
        assert strange.find(b"", len(b"")) is None
    strange.learn(slice_of(b"1 "), scan_of(slice_of(b"1 "), ExplicitVRLittleEndian, LIMITS)[1], (), explicit=True)
    assert strange.find(slice_of(b"1 "), len(slice_of(b"1 "))) is None


def corpus() -> Iterator[str]:
    yield from names(CORPUS)


@pytest.mark.parametrize("name", well_formed(PYDICOM))
def test_what_is_read_by_shape_is_what_is_read_by_walking(name: str) -> None:
    data, syntax = data_set(name)
    decoder = Decoder()
    assert read_facts(data, syntax, LIMITS, decoder) == read_facts(data, syntax, LIMITS)
    assert read_facts(data, syntax, LIMITS, decoder) == read_facts(data, syntax, LIMITS)
    assert decoder.change == frozenset()


def test_the_corpus_is_read_by_one_decoder_as_by_many() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real series is not there")
    decoder, by_shape = Decoder(), 0
    for name in corpus():
        sample = load(CORPUS / name)
        if sample.encoding.deflated:
            continue
        data = sample.data[sample.start :]
        syntax = ExplicitVRLittleEndian if sample.encoding.explicit else ImplicitVRLittleEndian
        if sample.encoding != encoding_of(syntax):
            continue
        assert read_facts(data, syntax, LIMITS, decoder) == read_facts(data, syntax, LIMITS)
        by_shape += decoder.shapes[syntax].find(data, len(data)) is not None
    assert by_shape > 50


@given(st.lists(mutated(), min_size=2, max_size=5))
@settings(max_examples=200)
def test_whatever_comes_one_after_the_other_is_read_as_if_it_came_alone(samples: list[Encoded]) -> None:
    decoder = Decoder()
    for data, syntax in samples:
        assert read_facts(data, syntax, LIMITS, decoder) == read_facts(data, syntax, LIMITS)


@given(st.sampled_from(well_formed(PYDICOM)), st.data())
@settings(max_examples=200)
def test_a_byte_that_is_changed_anywhere_is_not_overlooked(name: str, draw: st.DataObject) -> None:
    data, syntax = data_set(name)
    data = data[:20_000] if len(data) > 20_000 else data
    decoder = Decoder()
    read_facts(data, syntax, LIMITS, decoder)
    for _ in range(3):
        changed = bytearray(data)
        for _ in range(draw.draw(st.integers(1, 3))):
            changed[draw.draw(st.integers(0, len(changed) - 1))] = draw.draw(st.integers(0, 255))
        assert read_facts(bytes(changed), syntax, LIMITS, decoder) == read_facts(bytes(changed), syntax, LIMITS)
