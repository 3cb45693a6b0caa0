"""``python -m scp.console.decode FILE``: writes a thumbnail to standard output, within limits on time and memory."""

import resource
import sys
from pathlib import Path
from typing import Final

_MEMORY: Final = 2 * 1024**3
_CPU_SECONDS: Final = 6


def main(path: Path) -> None:
    """Decode the middle frame of a file with pydicom's decoders, and write it as PNG; exits with 0 if that worked."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the image
    from pydicom.pixels import pixel_array

    from scp.console.picture import frame_of, picture, source_of
    from scp.console.png import png
    from scp.dicom.part10 import NotDicom, read_file
    from scp.dicom.read import scan_of
    from scp.dicom.walk import Limits

    whole = memoryview(path.read_bytes())
    found = read_file(whole)
    if isinstance(found, NotDicom):
        sys.exit(1)
    data, scan = scan_of(whole[found.offset :], found.transfer_syntax, Limits())
    source = source_of(data, scan.elements, found.transfer_syntax, little=True)
    frame = source and frame_of(source)
    if frame is None:
        sys.exit(1)
    samples = pixel_array(path, index=frame.middle)
    # The decoder has turned YBR into RGB, and whether samples are signed is in their type.
    sys.stdout.buffer.write(png(picture(samples, frame._replace(photometric=_decoded(frame.photometric)))))


def _decoded(photometric: str) -> str:
    return "RGB" if photometric.startswith("YBR") else photometric


if __name__ == "__main__":
    main(Path(sys.argv[1]))
