"""A small ledger that a real node wrote, to be multiplied: see :mod:`benchmark.multiply`."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from benchmark.nodes import auditscp
from benchmark.running import BenchError, running
from benchmark.senders import send_at_once
from benchmark.series import Series
from scp.layout import LEDGER
from scp.ledger.reading import reading
from scp.ledger.series import unjudged

_AUDIT_SOON: Final = "[series]\nquiet_seconds = 0.2\n"
_PATIENCE: Final = 60.0


def make_sample(folder: Path) -> Path:
    """Let a node receive and audit a CT and an MR study with some defects, and return its ledger."""
    folder.mkdir()
    ct, mr = Series("CT", 16), Series("MR", 16)
    localizer, again = replace(mr, uid=generate_uid()), replace(mr, uid=generate_uid())
    made = [
        ct.write(folder / "ct", range(1, 301)),
        mr.write(folder / "mr", range(1, 91)),
        localizer.write(folder / "localizer", range(1, 4), _without_number),
        again.write(folder / "again", (*range(1, 15), *range(16, 31))),  # one is missing
    ]
    made.append(ct.write(folder / "refused", (1, 2, 3)))  # other images with numbers that are taken
    ledger = folder / "data" / LEDGER
    with running(auditscp("none", _AUDIT_SOON), folder) as started:
        for files in made:
            sent = send_at_once(started.port, [files])
            if sent.problem:
                raise BenchError(sent.problem)
        deadline = time.monotonic() + _PATIENCE
        while is_unjudged(ledger):
            if time.monotonic() > deadline:
                raise BenchError("the node does not audit the series of the sample")
            time.sleep(0.1)
    return ledger


def is_unjudged(ledger: Path) -> bool:
    """Whether there are series that a node would audit when it starts, which would be measured as well."""
    with reading(ledger) as db:
        return bool(unjudged(db))


def _without_number(ds: Dataset) -> None:
    del ds.InstanceNumber
