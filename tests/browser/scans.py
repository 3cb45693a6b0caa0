"""What browser tests send: series of a made-up head from made-up scanners, good ones and bad ones."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

from tests.rules.builders import image
from tests.wire.clients import Run, storescu
from tests.wire.objects import instance_of, write_file

SIDE: Final = 128
_ELLIPSES: Final = (
    # x, y, half axes, turned by, brightness: skull, brain, ventricles, a lesion
    (0.0, 0.0, 0.69, 0.92, 0, 1000), (0.0, -0.02, 0.64, 0.86, 0, -930), (0.22, 0.0, 0.11, 0.31, -18, -35),
    (-0.22, 0.0, 0.16, 0.41, 18, -35), (0.0, 0.35, 0.21, 0.25, 0, 25), (0.1, -0.55, 0.08, 0.06, 0, 45),
)  # fmt: skip


def head(z: float, side: int = SIDE) -> bytes:
    """Return a slice through a made-up head at ``z``, -1 to 1, as CT numbers plus 1024."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    values = np.full((side, side), 24.0)
    shrink = max(1 - z * z, 0.05) ** 0.5
    for cx, cy, a, b, turned, brightness in _ELLIPSES:
        angle = np.deg2rad(turned)
        u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        v = -(x - cx) * np.sin(angle) + (y - cy) * np.cos(angle)
        values[(u / (a * shrink)) ** 2 + (v / (b * shrink)) ** 2 <= 1] += brightness
    noise = np.random.default_rng(int(abs(z) * 1000)).normal(0, 6, values.shape)
    values[values > 50] += 954
    return np.clip(values + noise, 0, 4095).astype("<u2").tobytes()


def ct_slice(number: int, study: int = 1, slices: int = 24, **changes: Any) -> Dataset:
    """Return one slice of a CT of the head."""
    root, z = f"1.2.826.0.1.3680043.8.498.{study}", f"{number * 5:g}"
    own = {
        "StudyInstanceUID": root, "SeriesInstanceUID": f"{root}.1", "FrameOfReferenceUID": f"{root}.9",
        "SOPInstanceUID": f"{root}.1.{number}", "PatientID": f"DEMO-{study:03}", "PatientName": "Phantom^Head",
        "AccessionNumber": f"ACC{study:03}", "InstanceNumber": str(number), "SliceLocation": z,
        "ImagePositionPatient": ["-120", "-120", z], "PixelSpacing": ["1.875", "1.875"], "SliceThickness": "5",
        "Rows": SIDE, "Columns": SIDE, "PixelData": head(2 * number / (slices + 1) - 1),
        "WindowCenter": "1064", "WindowWidth": "160", "Manufacturer": "Example Medical",
        "ManufacturerModelName": "Aurora 64", "StationName": "CT-ROOM-1", "DeviceSerialNumber": "A64-0815",
        "SoftwareVersions": "4.2.1", "BodyPartExamined": "HEAD", "RescaleIntercept": "0", "RescaleSlope": "1",
    }  # fmt: skip
    return image(**(own | changes))


def send(port: int, folder: Path, *instances: Dataset, title: str = "CT_ROOM_1") -> Run:
    """Send instances with DCMTK's storescu, all of them whatever the answers."""
    folder.mkdir(exist_ok=True)
    files = [write_file(folder, instance_of(ds)) for ds in instances]
    return storescu(port, files, "--no-halt", "-aet", title)
