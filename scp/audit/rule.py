"""What a rule is.

A rule is a small pure function with a code, grades and a docstring. The docstring is its page in
``auditscp explain``: the first line states the problem, and headed paragraphs follow (see :data:`SECTIONS`).
Three decorators make a :class:`Rule` of it; nothing is registered by importing, the catalogue lists each by its name::

    @instance_rule("UID-009", grades(REFUSE, REFUSE), Status.SOP_CLASS_NOT_SUPPORTED, reference="PS3.4 Annex B")
    def sop_class_cannot_be_stored(subject: Subject) -> Outcome:
        \"\"\"Instances of the SOP Class cannot be stored. ...\"\"\"
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from scp.audit.finding import Outcome, Severity
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.snapshot import Snapshot
from scp.audit.tracked import Tracked
from scp.audit.traits import Traits, traits_of
from scp.dicom.facts import Facts
from scp.dicom.request import Request
from scp.dicom.sop_classes import Kind
from scp.dicom.status import Status

SECTIONS: Final = ("Checks", "Why", "Exceptions", "What to do", "Evidence")
"""Headings of a docstring. Evidence is required if the rule refuses by default, Exceptions if there are any."""


class Scope(Enum):
    """What a rule has to look at."""

    INSTANCE = "i"
    PAIRWISE = "p"
    SERIES = "s"


class Grade(NamedTuple):
    """The severity of a rule in the profiles ``standard`` and ``strict``."""

    standard: Severity
    strict: Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """The instance that is judged: the request, the facts of its Data Set, and the values that are compared.

    ``traits`` are made of the first two. A rule should read the fact behind a trait only if the trait shows a problem
    (:mod:`scp.audit.traits`).
    """

    request: Request
    facts: Facts
    tracked: Tracked
    traits: Traits = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "traits", traits_of(self.request, self.facts))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue.

    ``grades`` and ``statuses`` are by case. The case ``""`` is the usual one; it also applies to cases that are not
    named. ``kinds`` is None if the rule applies to every kind of object. ``applies`` says the same in words.
    """

    code: str
    name: str
    doc: str
    scope: Scope
    grades: Mapping[str, Grade]
    statuses: Mapping[str, Status]
    kinds: frozenset[Kind] | None
    applies: str
    reference: str
    instance: Callable[[Subject], Outcome] | None = None
    pairwise: Callable[[Subject, Snapshot], Outcome] | None = None
    series: Callable[[SeriesView], Iterable[SeriesProblem]] | None = None

    @property
    def family(self) -> str:
        """The letters of the code."""
        return self.code.partition("-")[0]

    @property
    def problem(self) -> str:
        """The first line of the docstring, without its full stop."""
        return self.doc.partition("\n")[0].rstrip(".")

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """The other paragraphs of the docstring, each with its heading (empty if it has none)."""
        sections = []
        for paragraph in self.doc.split("\n\n")[1:]:
            text = " ".join(paragraph.split())
            heading, colon, rest = text.partition(": ")
            named = bool(colon) and heading in SECTIONS
            sections.append((heading, rest[:1].upper() + rest[1:]) if named else ("", text))
        return tuple(sections)

    @property
    def cases(self) -> tuple[str, ...]:
        """The named cases, without the usual one."""
        return tuple(case for case in self.grades if case)

    def grade(self, case: str) -> Grade:
        """Return the severities of a case."""
        return self.grades.get(case) or self.grades[""]

    def can_refuse(self, case: str) -> bool:
        """Whether some profile refuses because of this case."""
        return Severity.REFUSE in self.grade(case)

    def status(self, case: str) -> Status:
        """Return the status of a refusal because of this case."""
        return self.statuses.get(case) or self.statuses[""]


InstanceCheck = Callable[[Subject], Outcome]
PairwiseCheck = Callable[[Subject, Snapshot], Outcome]
SeriesCheck = Callable[[SeriesView], Iterable[SeriesProblem]]


def grades(standard: Severity, strict: Severity, **cases: tuple[Severity, Severity]) -> Mapping[str, Grade]:
    """Write the grades of a rule: the usual case, then the named ones."""
    return {"": Grade(standard, strict)} | {case: Grade(*pair) for case, pair in cases.items()}


def _statuses(status: Status | Mapping[str, Status]) -> Mapping[str, Status]:
    return {"": status} if isinstance(status, Status) else status


def instance_rule(
    code: str,
    severities: Mapping[str, Grade],
    status: Status | Mapping[str, Status] = Status.REFUSED_BY_SETTINGS,
    *,
    kinds: frozenset[Kind] | None = None,
    applies: str = "all",
    reference: str,
) -> Callable[[InstanceCheck], Rule]:
    """Make a rule that looks at the instance alone.

    ``status`` is the status of a refusal. A rule that refuses in no profile needs none: if settings make it refuse, the
    general one (C0F1) is sent.
    """

    def make(check: InstanceCheck) -> Rule:
        return Rule(
            code=code, name=_slug(check), doc=inspect.getdoc(check) or "", scope=Scope.INSTANCE, grades=severities,
            statuses=_statuses(status), kinds=kinds, applies=applies, reference=reference, instance=check,
        )  # fmt: skip

    return make


def pairwise_rule(
    code: str,
    severities: Mapping[str, Grade],
    status: Status | Mapping[str, Status] = Status.REFUSED_BY_SETTINGS,
    *,
    kinds: frozenset[Kind] | None = None,
    applies: str = "all",
    reference: str,
) -> Callable[[PairwiseCheck], Rule]:
    """Make a rule that looks at the instance and at what the ledger already holds."""

    def make(check: PairwiseCheck) -> Rule:
        return Rule(
            code=code, name=_slug(check), doc=inspect.getdoc(check) or "", scope=Scope.PAIRWISE, grades=severities,
            statuses=_statuses(status), kinds=kinds, applies=applies, reference=reference, pairwise=check,
        )  # fmt: skip

    return make


def series_rule(
    code: str, severities: Mapping[str, Grade], *, applies: str = "all", reference: str
) -> Callable[[SeriesCheck], Rule]:
    """Make a rule that looks at a whole series, once no more of it arrives. It yields all problems that it finds."""

    def make(check: SeriesCheck) -> Rule:
        return Rule(
            code=code, name=_slug(check), doc=inspect.getdoc(check) or "", scope=Scope.SERIES, grades=severities,
            statuses=_statuses(Status.REFUSED_BY_SETTINGS), kinds=None, applies=applies, reference=reference,
            series=check,
        )  # fmt: skip

    return make


def _slug(check: Callable[..., object]) -> str:
    return check.__name__.replace("_", "-")
