"""One trial: a series, judged as it arrives, and what that says about a defect."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from scp.audit.catalogue import RULES
from scp.audit.finding import Decision, Severity
from scp.audit.policy import Policy, Profile, make_policy
from scp.audit.series.result import document
from scp.checking import Checked, Checker
from scp.dicom.walk import Limits
from tests.accuracy.defect import Defect, Sent
from tests.accuracy.sources import Series

POLICIES: Final[Mapping[Profile, Policy]] = {profile: make_policy(RULES, profile) for profile in Profile}

Codes = Counter[tuple[str, Severity]]
"""How often each code was found, with its severity."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in all that arrived: how often each code of instances and of series, with its severity.

    ``answers`` are the decision and the status for each file, in the order of arrival; ``series`` is what the audit
    says of each series, as ``auditscp check`` writes it.
    """

    codes: Codes
    answers: Sequence[tuple[str, int]]
    series: Sequence[Mapping[str, Any]]

    @property
    def refused(self) -> int:
        """How many files were refused."""
        return sum(decision == Decision.REFUSE.value for decision, _ in self.answers)


@dataclass(frozen=True, slots=True)
class Trial:
    """A planted defect and what became of it. ``expected`` and ``found`` are of the rules that had to find it.

    ``others`` are findings that the clean series does not have, of other rules, worse than a note.
    """

    defect: str
    size: str
    series: str
    place: int
    profile: Profile
    expected: Severity
    found: Severity
    refused: bool
    others: Sequence[str]

    @property
    def is_right(self) -> bool:
        """Whether the rules did what the catalogue says of them."""
        if self.expected is Severity.OFF:
            return self.found is Severity.OFF
        return self.found >= self.expected


def judge(sent: Sequence[Sent], profile: Profile, folder: Path) -> Judged:
    """Judge what arrives, as ``auditscp check`` does: one after the other, and then each series as a whole."""
    checker = Checker(POLICIES[profile], Limits())
    codes: Codes = Counter()
    answers = []
    for path in as_paths(sent, folder):
        checked = checker.check(path)
        assert isinstance(checked, Checked), f"{path} is not judged: {checked.reason}"
        answers.append((checked.verdict.decision.value, checked.verdict.status))
        codes.update((_key(one.code, one.problem.case), one.severity) for one in checked.verdict.findings)
    audits = list(checker.series())
    for audit in audits:
        codes.update((_key(one.code, one.case), one.severity) for one in audit.findings)
    return Judged(codes, answers, [document(audit) for audit in audits])


def as_paths(sent: Sequence[Sent], folder: Path) -> Sequence[Path]:
    """Write what is not a file yet, and return the files in their order."""
    paths = []
    for number, one in enumerate(sent):
        if isinstance(one, bytes):
            path = folder / f"{number:05}.dcm"
            path.write_bytes(one)
            paths.append(path)
        else:
            paths.append(one)
    return paths


def _key(code: str, case: str) -> str:
    return f"{code}.{case}" if case else code


def severity_of(key: str, profile: Profile) -> Severity:
    """Return how severe the catalogue has what ``CODE`` or ``CODE.case`` finds."""
    code, _, case = key.partition(".")
    return POLICIES[profile].severities[code, case]


def clean(series: Series, profile: Profile) -> Judged:
    """Judge a series as it is."""
    with TemporaryDirectory(prefix="accuracy-") as folder:
        return judge([one.path for one in series.sources], profile, Path(folder))


def attempt(
    defect: Defect, series: Series, place: int, seed: int, judged_clean: Mapping[Profile, Judged]
) -> Sequence[Trial]:
    """Plant a defect at a place and judge it in each profile; no trial if it cannot be there."""
    sent = defect.plant(series, place, Random(f"{seed} {defect.name} {defect.size} {series.name} {place}"))
    if sent is None:
        return ()
    with TemporaryDirectory(prefix="accuracy-") as folder:
        paths = as_paths(sent, Path(folder))
        return [
            _trial(defect, series, place, profile, judge(paths, profile, Path(folder)), before)
            for profile, before in judged_clean.items()
        ]


def _trial(defect: Defect, series: Series, place: int, profile: Profile, judged: Judged, before: Judged) -> Trial:
    new = judged.codes - before.codes
    found_by = [key for key, _ in new if key in defect.found_by]
    if defect.found_by:
        expected = min(severity_of(key, profile) for key in found_by or defect.found_by)
        found = max((severity for key, severity in new if key in defect.found_by), default=Severity.OFF)
    else:
        expected = Severity.OFF
        # What is a note elsewhere warns in strict: there only a refusal would be too much.
        bearable = Severity.WARN if profile is Profile.STRICT else Severity.INFO
        found = max((severity for _, severity in new if severity > bearable), default=Severity.OFF)
    others = sorted({key for key, severity in new if severity > Severity.INFO and key not in defect.found_by})
    refused = judged.refused > before.refused
    return Trial(defect.name, defect.size, series.name, place, profile, expected, found, refused, others)
