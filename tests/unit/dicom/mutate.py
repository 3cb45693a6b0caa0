"""Real Data Sets with a few bytes changed, cut out, put in or cut off: for what must never raise."""

from functools import lru_cache
from typing import NamedTuple

from hypothesis import strategies as st

from scp.dicom.part10 import Part10, read_file
from tests.unit.dicom.samples import PYDICOM, names

_MOST = 20_000  # bytes of a file; what comes later is Pixel Data, mostly


class Encoded(NamedTuple):
    """The bytes of a Data Set and the Transfer Syntax that they are read in."""

    data: bytes
    transfer_syntax: str


@lru_cache(maxsize=256)
def data_set(name: str) -> Encoded:
    """The Data Set of a file that pydicom ships."""
    content = (PYDICOM / name).read_bytes()
    found = read_file(content)
    assert isinstance(found, Part10)
    return Encoded(content[found.offset :], found.transfer_syntax)


@st.composite
def mutated(draw: st.DrawFn) -> Encoded:
    """A Data Set with up to six faults, which may also be read in the Transfer Syntax of another one."""
    data, syntax = data_set(draw(st.sampled_from(names(PYDICOM))))
    if draw(st.integers(0, 5)) == 0:
        syntax = data_set(draw(st.sampled_from(names(PYDICOM)))).transfer_syntax
    changed = bytearray(data[:_MOST])
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(changed)))
        end = begin + draw(st.sampled_from([0, 1, 2, 4, 8, 50]))
        changed[begin:end] = draw(st.binary(max_size=8))
    if draw(st.booleans()):
        del changed[draw(st.integers(0, len(changed))) :]
    return Encoded(bytes(changed), syntax)
