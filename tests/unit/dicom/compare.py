"""What a walk found, beside what pydicom reads from the same bytes."""

from collections.abc import Iterator, Mapping

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from scp.dicom.walk import Span


def differences(data: bytes, elements: Mapping[int, Span], dataset: Dataset, place: str = "") -> Iterator[str]:
    """Yield where the walk and pydicom differ: in tags, VRs, values, or anything inside of Items.

    What is no difference:
    - a VR that is not encoded (implicit VR): pydicom looks for it only when it decodes the value;
    - `UN` of undefined length: pydicom calls it SQ, the walk by the name that it has;
    - a private Sequence of defined length without a VR that says so: both have it as a value;
    - a private Sequence of undefined length without VR and without Items: pydicom has it as an empty value.
    """
    # All at once, because pydicom decodes some when it reads a Sequence.
    raw = {int(tag): dataset.get_item(tag, keep_deferred=True) for tag in dataset.keys()}  # noqa: SIM118 - iterating over a Dataset decodes it
    if list(elements) != list(raw):
        yield f"{place}: tags {[f'{tag:08X}' for tag in elements]}, not {[f'{tag:08X}' for tag in raw]}"
        return
    for tag, span in elements.items():
        here = f"{place}/{tag:08X}"
        empty = not span.items and not span.length
        if span.items is None or (empty and isinstance(raw[tag], RawDataElement) and raw[tag].VR is None):
            yield from _value_differences(data, span, raw[tag], here)
            continue
        sequence = dataset[tag]
        if sequence.VR != "SQ" or len(sequence.value) != len(span.items):
            yield f"{here}: {len(span.items)} Items, not {sequence.VR} {sequence.VM}"
        for number, (item, of_pydicom) in enumerate(zip(span.items, sequence.value, strict=True)):
            yield from differences(data, item, of_pydicom, f"{here}[{number}]")


def _value_differences(data: bytes, span: Span, read: DataElement | RawDataElement | None, here: str) -> Iterator[str]:
    value = data[span.offset : span.offset + span.length]
    if isinstance(read, DataElement) and read.tag == 0x00080005:  # the only one that pydicom decodes at once
        texts = [read.value] if isinstance(read.value, str) else list(read.value or [])
        if texts != value.decode().rstrip(" \0").split("\\")[: len(texts)]:
            yield f"{here}: another Specific Character Set"
    elif not isinstance(read, RawDataElement):
        yield f"{here}: a Sequence for pydicom"
    elif read.VR not in (None, span.vr):
        yield f"{here}: VR {span.vr}, not {read.VR}"
    elif (read.value or b"") != value:
        yield f"{here}: value of {span.length} bytes differs"


def places(elements: Mapping[int, Span], begin: int, end: int) -> Iterator[str]:
    """Yield what lies outside of what it is in, or over something else."""
    position = begin
    for tag, span in sorted(elements.items(), key=lambda pair: pair[1].offset):
        if not position + 8 <= span.offset <= span.offset + span.length <= end:
            yield f"{tag:08X} at {span.offset} + {span.length} is not within {position} … {end}"
        position = span.offset + span.length
        inside = span.offset
        for item in span.items or ():
            yield from places(item, inside + 8, position)
            inside = max([inside + 8, *(inner.offset + inner.length for inner in item.values())])
