"""GEO: whether Pixel Data and the attributes that describe them fit together (PS3.3 C.7.6.3, PS3.5 §8)."""

from typing import Final

from pydicom.datadict import dictionary_description

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.dicom import tags as t
from scp.dicom.facts import Facts, Integer
from scp.dicom.sop_classes import IMAGES
from scp.dicom.status import Status
from scp.dicom.values import Malformed
from scp.printable import count

_FLOATING_BITS: Final = {t.FLOAT_PIXEL_DATA: 32, t.DOUBLE_FLOAT_PIXEL_DATA: 64}
"""Bits of a pixel where the element itself fixes them (PS3.3 C.7.6.24, C.7.6.25)."""

_SAMPLES_OF_TWO: Final = {"YBR_FULL_422": 4, "YBR_PARTIAL_422": 4, "YBR_PARTIAL_420": 3}
"""Samples that are stored for two pixels where chrominance is subsampled (PS3.3 C.7.6.3.1.2)."""

_NEEDED: Final = frozenset({t.ROWS, t.COLUMNS, t.SAMPLES_PER_PIXEL, t.BITS_ALLOCATED})
"""What pixels cannot be read without."""

_COUNT: Final = "a positive integer"


@instance_rule(
    "GEO-107",
    grades(Severity.REFUSE, Severity.REFUSE, long=(Severity.WARN, Severity.REFUSE)),
    Status.PIXEL_DATA_LENGTH,
    kinds=IMAGES,
    applies="images in native transfer syntaxes",
    reference="PS3.5 §8.1.1, §8.2; PS3.3 C.7.6.3",
)
def pixel_data_of_wrong_length(subject: Subject) -> Outcome:
    """The Pixel Data do not have the length that the attributes give.

    Checks: in uncompressed Transfer Syntaxes, that the length of Pixel Data (7FE0,0010), Float Pixel Data (7FE0,0008)
    or Double Float Pixel Data (7FE0,0009) is Rows × Columns × Samples per Pixel × Bits Allocated × Number of Frames, in
    bytes, rounded up to an even number. Single bits are counted packed, YBR_FULL_422 with two samples for each pixel,
    float pixels with 32 or 64 bits. A deflated Data Set is inflated first. The case `long` is too many bytes.

    Why: missing pixels cannot be shown or measured, and most software fills them with noise or zeros without a warning.
    Too many bytes mean that Rows, Columns, Bits Allocated or Number of Frames may be wrong.

    Exceptions: without Number of Frames, one frame is expected. If an attribute is missing or not a positive number,
    GEO-123 fires instead. Too many bytes are stored with a warning by default, because nothing is lost, and padding at
    the end is found in practice.

    What to do: compare the length in the finding with Rows, Columns, Bits Allocated, Samples per Pixel and Number of
    Frames. If it is too short, look for an interrupted export or a full disk at the sender, and send the original
    again. If Photometric Interpretation is YBR_FULL_422 and the length is half as much again, a decompressor wrote
    three samples for each pixel, but did not change the attribute to YBR_FULL.

    Evidence: no refusal in 327 instances with native pixels (263 of the corpus of real series, 64 of the test files
    that pydicom ships). One warning, for a file of pydicom that was padded on purpose.
    """
    facts = subject.facts
    length, tag = facts.pixel_data_length, facts.pixel_data_tag
    if length is None or tag is None or facts.encapsulated:
        return Answer.NOT_APPLICABLE
    needed = _bytes_needed(facts, tag)
    if needed is None:
        return Answer.NOT_APPLICABLE
    expected = needed + needed % 2
    if needed <= length <= expected:
        return Answer.PASS
    name = dictionary_description(tag)
    if length < needed:
        return Problem(
            f"{name} {count(expected - length, 'byte')} short of {expected}",
            (tag,),
            expected=expected if expected < 1 << 63 else str(expected),  # JSON has no larger integers
            found=length,
        )
    longer = count(length - expected, "byte")
    return Problem(f"{name} {longer} longer than {expected}", (tag,), "long", expected, length)


def _bytes_needed(facts: Facts, tag: int) -> int | None:
    """Return the bytes that all pixels fill, without padding; None if an attribute is no count."""
    bits = _FLOATING_BITS.get(tag, facts.bits_allocated)
    samples = facts.samples_per_pixel
    product = 1
    for factor in (facts.rows, facts.columns, samples, bits, facts.frames):
        if not isinstance(factor, int) or factor < 1:
            return None
        product *= factor
    if samples == 3 and (of_two := _SAMPLES_OF_TWO.get(facts.photometric_interpretation)):
        product = product * of_two // 6
    return (product + 7) // 8


@instance_rule(
    "GEO-123",
    grades(Severity.WARN, Severity.REFUSE),
    Status.BITS_MISMATCH,
    kinds=IMAGES,
    applies="images",
    reference="PS3.3 C.7.6.3, C.7.6.6; PS3.5 §8.1.1",
)
def pixel_attributes_contradict(subject: Subject) -> Outcome:
    """The attributes that describe the pixels contradict each other.

    Checks: that Rows, Columns, Samples per Pixel, Bits Allocated, Bits Stored and Number of Frames are positive
    integers, Bits Stored is at most Bits Allocated, and High Bit is Bits Stored − 1. If there are Pixel Data, that
    Rows, Columns, Samples per Pixel and Bits Allocated are present.

    Why: a viewer that relies on a wrong Bits Stored or High Bit masks the wrong bits: contrast and Hounsfield units are
    wrong, without any error message. Without Rows and Columns the pixels cannot be shown at all.

    Exceptions: Bits Stored and High Bit may be absent: float pixels have neither.

    What to do: look at the values in the finding. A High Bit other than Bits Stored − 1 usually comes from software
    that changed the depth of the pixels, but not all three attributes: correct it, and send the original again.
    """
    facts = subject.facts
    counts = _counts(facts)
    has_pixels = facts.pixel_data_tag is not None
    if not has_pixels and all(value is None for value, _, _ in counts):
        return Answer.NOT_APPLICABLE
    for value, tag, label in counts:
        if not isinstance(value, int) or value < 1:
            problem = _not_a_count(value, tag, label, needed=has_pixels and tag in _NEEDED)
            if problem:
                return problem
    return _bits_fit(facts.bits_allocated, facts.bits_stored, facts.high_bit)


def _counts(facts: Facts) -> tuple[tuple[Integer, int, str], ...]:
    return (
        (facts.rows, t.ROWS, "Rows"),
        (facts.columns, t.COLUMNS, "Columns"),
        (facts.samples_per_pixel, t.SAMPLES_PER_PIXEL, "Samples per Pixel"),
        (facts.bits_allocated, t.BITS_ALLOCATED, "Bits Allocated"),
        (facts.bits_stored, t.BITS_STORED, "Bits Stored"),
        (facts.number_of_frames, t.NUMBER_OF_FRAMES, "Number of Frames"),
    )


def _not_a_count(value: Integer, tag: int, label: str, *, needed: bool) -> Problem | None:
    """Say what is wrong with a value that is not a positive number; None if it is absent and may be."""
    if value is None and not needed:
        return None
    if isinstance(value, Malformed):
        return Problem(f"{label} is not a number", (tag,), expected=_COUNT, found=value.reason)
    return Problem(f"{label} {'missing' if value is None else value}", (tag,), expected=_COUNT, found=value)


def _bits_fit(allocated: Integer, stored: Integer, high: Integer) -> Outcome:
    """Compare the bits of a pixel; all three are known to be positive, absent, or (High Bit) anything."""
    if isinstance(allocated, int) and isinstance(stored, int) and stored > allocated:
        return Problem(
            f"Bits Stored {stored} over Bits Allocated {allocated}",
            (t.BITS_STORED, t.BITS_ALLOCATED), expected=f"at most {allocated}", found=stored,
        )  # fmt: skip
    if isinstance(high, Malformed):
        return Problem("High Bit is not a number", (t.HIGH_BIT,), found=high.reason)
    if isinstance(high, int) and isinstance(stored, int) and high != stored - 1:
        return Problem(
            f"High Bit {high} with Bits Stored {stored}",
            (t.HIGH_BIT, t.BITS_STORED), expected=stored - 1, found=high,
        )  # fmt: skip
    return Answer.PASS


RULES: Final = (pixel_data_of_wrong_length, pixel_attributes_contradict)
