"""``auditscp series plot`` and ``auditscp check --plot``: pictures of series, as SVG or PNG."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from scp.audit.series.result import SeriesAudit
from scp.cli.options import ConfigOption, DataOption, fail, settings_from
from scp.cli.reading import data_override, fail_without, ledger_of
from scp.dicom.uid import is_safe_name
from scp.plot.picture import picture
from scp.plot.png import PngNotAvailable, png
from scp.plot.svg import svg
from scp.wiring import auditor_of

_SUFFIXES: Final = (".svg", ".png")

PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="DIR", help="Draw a picture of each series into this folder, as SVG."),
]


def plot(
    uid: Annotated[str, typer.Argument(metavar="UID", help="Series Instance UID.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="File to write: .svg or .png.", show_default=False)
    ],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Draw where the slices of a series lie: gaps, repeated positions, and slices off the straight line.

    An existing file is replaced.
    """
    if output.suffix.lower() not in _SUFFIXES:
        fail(f"{output}: a picture is written as .svg or .png")
    settings = settings_from(config, data_override(data))
    with ledger_of(settings) as db:
        audited = auditor_of(settings).audit(db, uid)
    if audited is None:
        fail_without(settings, uid)
    write_picture(audited.audit, output)


def write_picture(audit: SeriesAudit, file: Path) -> None:
    """Draw a series into a file, in the format of its suffix; if that is not possible, say why and exit with 2."""
    scene = picture(audit)
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        content = png(scene) if file.suffix.lower() == ".png" else svg(scene).encode()
        if file.exists() and not file.is_file():  # a pipe or a device
            file.write_bytes(content)
        else:
            draft.write_bytes(content)
            draft.replace(file)
    except PngNotAvailable as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    finally:
        with suppress(OSError):
            draft.unlink()


def picture_folder(folder: Path | None) -> Path | None:
    """Make the folder for pictures, and return it; if that is not possible, say why and exit with 2."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{folder}: {error.strerror}")
    return folder


def draw_into(folder: Path, number: int, audit: SeriesAudit) -> None:
    """Draw a series into a folder. The file is named by the UID, or by a number if the UID cannot be a file name."""
    uid = audit.series_instance_uid
    write_picture(audit, folder / f"{uid if is_safe_name(uid) else f'series{number}'}.svg")
