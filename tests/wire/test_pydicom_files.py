"""The test files that pydicom ships, and the odd ones of the corpus: stored, or refused for a true reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.pixels import get_decoder
from pydicom.uid import CTImageStorage, JPEG2000Lossless, JPEGLSLossless

from tests.corpus import ODD, files_of
from tests.wire.clients import pynetdicom_association
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, data_set_in, instance_in
from tests.wire.peer import Peer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom.*")

FOLDER: Final = Path(pydicom.data.__file__).parent / "test_files"
LARGEST: Final = 1_000_000
NOT_DICOM: Final = {".py", ".pyc", ".txt", ".md", ".json", ".zip", ".gz", ".icc", ".dump"}

IDENTITY_MISSING: Final = "A910"
STORED_ALREADY: Final = "0111"
ATTRIBUTES_DIFFER: Final = "C111"
PIXELS_DIFFER: Final = "C115"
CUT_SHORT: Final = "C0E1"
MALFORMED: Final = "C0E2"


def without_decoder(syntax: str) -> str:
    """Return the answer to a lossless copy: whether it is one can be told only where its pixels can be decoded."""
    return STORED_ALREADY if get_decoder(syntax).is_available else PIXELS_DIFFER


REFUSED: Final[Mapping[str, str]] = {
    # No Modality, or no series at all.
    "GDCMJ2K_TextGBR.dcm": IDENTITY_MISSING,
    "JPEGLSNearLossless_08.dcm": IDENTITY_MISSING,
    "JPEGLSNearLossless_16.dcm": IDENTITY_MISSING,
    "SC_jpeg_no_color_transform.dcm": IDENTITY_MISSING,
    "SC_jpeg_no_color_transform_2.dcm": IDENTITY_MISSING,
    "SC_rgb_jls_lossy_line.dcm": IDENTITY_MISSING,
    "SC_rgb_jls_lossy_sample.dcm": IDENTITY_MISSING,
    "SC_rgb_jpeg_app14_dcmd.dcm": IDENTITY_MISSING,
    # Cut on purpose.
    "MR_truncated.dcm": CUT_SHORT,
    "rtplan_truncated.dcm": CUT_SHORT,
    # In implicit VR, although the transfer syntax is JPEG Baseline.
    "SC_rgb_jpeg.dcm": MALFORMED,
    # The same instance as a file before, re-encoded without loss.
    "ExplVR_LitEndNoMeta.dcm": STORED_ALREADY,
    "MR_small_RLE.dcm": STORED_ALREADY,
    "MR_small_bigendian.dcm": STORED_ALREADY,
    "MR_small_expb.dcm": STORED_ALREADY,
    "MR_small_implicit.dcm": STORED_ALREADY,
    "MR_small_padded.dcm": STORED_ALREADY,
    "SC_rgb_small_odd_big_endian.dcm": STORED_ALREADY,
    "liver_expb_1frame.dcm": STORED_ALREADY,
    "MR_small_jp2klossless.dcm": without_decoder(JPEG2000Lossless),
    "MR_small_jpeg_ls_lossless.dcm": without_decoder(JPEGLSLossless),
    # The SOP Instance UID of a file before, and other codestreams of a lossy compression.
    "JPEG2000.dcm": PIXELS_DIFFER,
    "JPGExtended.dcm": PIXELS_DIFFER,
    "SC_ybr_full_422_uncompressed.dcm": PIXELS_DIFFER,
    # The SOP Instance UID of a file before, with other bits or more frames; the first in a JPEG that is not decoded.
    "SC_rgb_rle.dcm": PIXELS_DIFFER,
    "SC_rgb_rle_16bit.dcm": PIXELS_DIFFER,
    "SC_rgb_rle_16bit_2frame.dcm": PIXELS_DIFFER,
    "SC_rgb_rle_2frame.dcm": PIXELS_DIFFER,
    "SC_rgb_rle_32bit.dcm": PIXELS_DIFFER,
    "SC_rgb_rle_32bit_2frame.dcm": PIXELS_DIFFER,
    # The SOP Instance UID of badVR, whose Number of Frames is "1A", so that frames cannot be told apart.
    "rtdose_1frame.dcm": PIXELS_DIFFER,
    "rtdose_expb_1frame.dcm": PIXELS_DIFFER,
    "rtdose_rle.dcm": PIXELS_DIFFER,
    "rtdose_rle_1frame.dcm": PIXELS_DIFFER,
    "rtdose.dcm": ATTRIBUTES_DIFFER,
    "rtdose_expb.dcm": ATTRIBUTES_DIFFER,
    "reportsi_with_empty_number_tags.dcm": ATTRIBUTES_DIFFER,
}
"""Files that are refused after those before them by name were sent, with the status."""

REFUSED_ODD: Final[Mapping[str, str]] = {
    "MR_small_RLE.dcm": STORED_ALREADY,
    "MR_small_bigendian.dcm": STORED_ALREADY,
    "MR_truncated.dcm": CUT_SHORT,
    "UN_sequence.dcm": IDENTITY_MISSING,
    "empty_charset_LEI.dcm": IDENTITY_MISSING,
    "meta_missing_tsyntax.dcm": IDENTITY_MISSING,
    "nested_priv_SQ.dcm": IDENTITY_MISSING,
    "no_meta.dcm": CUT_SHORT,  # a stray byte comes first, so that the first length is far too large
    "no_meta_group_length.dcm": IDENTITY_MISSING,
    "priv_SQ.dcm": IDENTITY_MISSING,
    "rtdose_1frame.dcm": PIXELS_DIFFER,
}


def shipped() -> dict[str, Instance]:
    """Return what can be sent of pydicom's small test files, by file name and in its order."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix not in NOT_DICOM and path.stat().st_size < LARGEST and "." in path.name:
            instance = instance_in(path)
            if instance.sop_class_uid and instance.sop_instance_uid:
                found[str(path.relative_to(FOLDER))] = instance
    return found


def test_each_file_is_stored_or_refused_for_a_reason_that_is_true_of_it(node: NodeProcess) -> None:
    instances = shipped()
    assert len(instances) > 60
    with pynetdicom_association(node.port, list(instances.values())) as sender:
        statuses = {name: sender.store(instance) for name, instance in instances.items()}
    assert {name: status for name, status in statuses.items() if status != "0000"} == REFUSED
    archived = {data_set_in(path) for path in node.archived()}
    assert archived == {instance.data for name, instance in instances.items() if name not in REFUSED}


def test_each_odd_file_is_stored_or_refused_for_a_reason_that_is_true_of_it(node: NodeProcess) -> None:
    """Files without UIDs are sent under some: what the request says is no excuse for what the Data Set lacks."""
    files = files_of(ODD)
    found = [instance_in(path) for path in files]
    instances = [
        Instance(
            one.sop_class_uid or CTImageStorage,
            one.sop_instance_uid or f"1.2.826.0.3.{number}",
            one.transfer_syntax,
            one.data,
        )
        for number, one in enumerate(found)
    ]
    with Peer.of(node.port, *instances) as peer:
        statuses = [peer.store(instance).status for instance in instances]
    names = [path.name for path in files]
    refused = {name: status for name, status in zip(names, statuses, strict=True) if status != "0000"}
    assert refused == REFUSED_ODD


def test_the_files_that_are_stored_can_be_read_from_the_archive(node: NodeProcess) -> None:
    instances = [
        one for name, one in shipped().items() if name.startswith(("MR_small.", "CT_small.", "rtstruct.", "ExplVR_B"))
    ]
    assert len(instances) == 5
    with pynetdicom_association(node.port, instances) as sender:
        assert {sender.store(instance) for instance in instances} == {"0000"}
    for path in node.archived():
        ds = dcmread(path)
        assert ds.SOPInstanceUID == path.stem == ds.file_meta.MediaStorageSOPInstanceUID
