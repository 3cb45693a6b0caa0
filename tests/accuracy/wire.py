"""A sample over the wire: a real node answers what ``auditscp check`` says, and audits series alike.

Every sample is of copies with identities of their own, so that one node serves for all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage

from scp.audit.policy import Profile
from scp.audit.series.result import document
from scp.dicom.status import Status
from scp.dicom.walk import Limits
from scp.layout import LEDGER
from scp.ledger.reading import reading
from scp.series import Auditor, opener
from tests.accuracy.arrival import series_findings
from tests.accuracy.catalogue import DEFECTS
from tests.accuracy.copies import copy_of
from tests.accuracy.sources import Series, series_in
from tests.accuracy.trial import POLICIES, as_paths, judge
from tests.wire.clients import pynetdicom_association
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, instance_in

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
CONTRADICTED = "Data Set against command"
_LARGEST = 60
"""Instances of a series that is sampled."""
_ASSOCIATIONS = 3
_LONGEST_UID = 64
_ASKED = 3


@dataclass(frozen=True, slots=True)
class Sampled:
    """One sample: ``differs`` says what the node did otherwise, empty if nothing."""

    what: str
    differs: str


def samples(plan_series: Sequence[Series], seed: int, count: int | None = None) -> Iterator[Sampled]:
    """Send one trial of each defect (or of ``count`` of them) and every clean series to a node.

    ``count`` bounds the number of clean series too.
    """
    series = [one for one in plan_series if len(one.sources) <= _LARGEST]
    with TemporaryDirectory(prefix="accuracy-wire-") as folder, NodeProcess(Path(folder) / "data") as node:
        sampler = _Sampler(node, Path(folder), seed)
        rng = Random(f"{seed} wire")
        for defect in DEFECTS if count is None else rng.sample(DEFECTS, count):
            fitting = [one for one in series if defect.fits(one)]
            if fitting:
                chosen = sampler.renewed(rng.choice(fitting))
                sent = defect.plant(chosen, rng.choice(defect.places(chosen, rng)), rng)
                if sent is not None:
                    yield from sampler.compared(f"{defect.name}, {defect.size}", as_paths(sent, sampler.new_folder()))
        several = [one for one in series if len(one.sources) > 1][:count]
        for one in several[:_ASKED]:
            yield from sampler.contradicted(sampler.renewed(one))
        for one in several:
            yield sampler.split(sampler.renewed(one))


class _Sampler:
    """Sends to one node; gives every sample identities and a folder of its own."""

    def __init__(self, node: NodeProcess, folder: Path, seed: int) -> None:
        self._node = node
        self._folder = folder
        self._seed = seed
        self._made = 0

    def new_folder(self) -> Path:
        """Return a new empty folder."""
        self._made += 1
        folder = self._folder / f"{self._made:04}"
        folder.mkdir()
        return folder

    def renewed(self, series: Series) -> Series:
        """Return copies of a series with other UIDs."""
        folder = self.new_folder()

        def change(ds: Dataset) -> None:
            for keyword in _UIDS:
                if ds.get(keyword):
                    text = f"{self._seed} {folder.name} {ds[keyword].value}"
                    ds[keyword].value = f"2.25.{int.from_bytes(blake2b(text.encode(), digest_size=15).digest(), 'big')}"

        for number, source in enumerate(series.sources):
            (folder / f"{number:05}.dcm").write_bytes(copy_of(source.path, change))
        (found,) = series_in([folder])
        return replace(found, name=series.name)

    def compared(self, what: str, files: Sequence[Path]) -> Iterator[Sampled]:
        """Send files in their order; compare the answers with those of the check."""
        checked = judge(files, Profile.STANDARD, self.new_folder())
        said = [f"{status:04X}" for _, status in checked.answers]
        instances = [instance_in(path) for path in files]
        # An instance without a UID of its own is sent under one: what the request says is no excuse.
        named = [one if one.sop_instance_uid else replace(one, sop_instance_uid="2.25.1") for one in instances]
        if any(len(one.sop_instance_uid) > _LONGEST_UID for one in named):
            return  # the sender would not send it
        answered = self._send(named)
        differ = [
            f"{path.name}: {one}, not {other}"
            for path, one, other in zip(files, answered, said, strict=True)
            if one != other
        ]
        yield Sampled(what, "; ".join(differ))

    def contradicted(self, series: Series) -> Iterator[Sampled]:
        """Send instances whose command says something else than their Data Set."""
        first, second = [instance_in(one.path) for one in series.sources[:2]]
        for what, instance, status in (
            ("SOP Instance UID", replace(first, sop_instance_uid="2.25.77"), Status.SOP_INSTANCE_MISMATCH),
            ("SOP Class UID", replace(second, sop_class_uid=str(EnhancedCTImageStorage)), Status.SOP_CLASS_MISMATCH),
        ):
            (answer,) = self._send([instance])
            differs = "" if answer == f"{status:04X}" else f"{answer}, not {status:04X}"
            yield Sampled(f"{CONTRADICTED}, another {what}", differs)

    def split(self, series: Series) -> Sampled:
        """Send a shuffled series on several associations at once; compare the audit with that of the check."""
        files = [one.path for one in series.sources]
        order = Random(self._seed).sample(files, len(files))
        shares = [[instance_in(path) for path in order[number::_ASSOCIATIONS]] for number in range(_ASSOCIATIONS)]
        with ThreadPoolExecutor(_ASSOCIATIONS) as pool:
            answered = [answer for answers in pool.map(self._send, filter(None, shares)) for answer in answers]
        checked = judge(files, Profile.STANDARD, self.new_folder())
        (said,) = checked.series
        audited = self._audit(said["series_instance_uid"])
        differs = "" if set(answered) == {"0000"} else f"refused: {sorted(set(answered))}"
        if series_findings(audited) != series_findings(said):
            differs += f" the node audits {audited['verdict']} {audited['findings']}, not {said['findings']}"
        return Sampled(f"{series.name}, shuffled, on {_ASSOCIATIONS} associations at once", differs.strip())

    def _send(self, instances: Sequence[Instance]) -> list[str]:
        try:
            with pynetdicom_association(self._node.port, instances) as sender:
                return [sender.store(instance) for instance in instances]
        except BaseException as error:
            error.add_note(f"last lines of the node:\n{self._node.output[-3000:].decode()}")
            raise

    def _audit(self, series: str) -> Mapping[str, Any]:
        """Return what the node's ledger makes of a series, as ``auditscp series audit`` has it."""
        auditor = Auditor(POLICIES[Profile.STANDARD], Limits(), opener(self._node.folder))
        with reading(self._node.folder / LEDGER) as db:
            audited = auditor.audit(db, series)
        assert audited is not None
        return document(audited.audit)
