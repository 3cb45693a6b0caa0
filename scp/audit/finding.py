"""What rules find, and what follows from it.

A rule returns a :class:`Problem` or an :class:`Answer`. With the rule's code and the severity that the policy gives it,
a problem becomes a :class:`Finding`. All findings of an instance make one :class:`Verdict`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Final

_Scalar = str | int | float | None
Value = _Scalar | tuple[_Scalar, ...] | Mapping[str, _Scalar]
"""A value in a finding: what JSON can hold."""

_UID_CHARACTERS = "0123456789."
_NOT_LO = re.compile(r"[^ -~]")
_LONGEST: Final = 64
"""Characters of LO (PS3.5 §6.2)."""
_CUT: Final = "..."
MOST_TAGS: Final = 16
"""Offending Elements of one finding at most: enough to see the pattern, however many a Data Set has."""


@lru_cache(maxsize=1024)
def shown_uid(text: str) -> str | None:
    """Return what should be a UID if it may be shown to anybody, else None: a text that is not a UID may be a name.

    If a finding has no value, the case gets it from the object itself.
    """
    return text[:128] if text and not text.strip(_UID_CHARACTERS) else None


class Severity(IntEnum):
    """How much a finding matters; ordered, so that the largest of several decides."""

    OFF = 0
    INFO = 1
    WARN = 2
    REFUSE = 3

    def __str__(self) -> str:
        """The word used in settings, logs and tables."""
        return self.name.lower()


class Answer(Enum):
    """What a rule answers if it has found nothing."""

    PASS = "pass"  # noqa: S105 - an answer, not a password
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Other:
    """The other instance of a contradiction: which one, and who sent it.

    ``receipt`` is the number of the receipt under which it was stored. ``path`` is where its bytes are.
    """

    receipt: int
    sop_instance_uid: str
    path: str
    calling_ae_title: str
    address: str
    received: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What one rule found wrong.

    ``message`` is shown everywhere, also to the sender and in the log: it may contain UIDs, codes and numbers, but no
    text that identifies a person. ``expected`` and ``found`` go to case files and reports only; for personal attributes
    they are None here, and the case gets the values from the two objects. ``case`` selects the grade if a rule has
    several. ``unstorable`` marks an object that cannot be stored under any profile.
    """

    message: str
    tags: tuple[int, ...] = ()
    case: str = ""
    expected: Value = None
    found: Value = None
    other: Other | None = None
    unstorable: bool = False


Outcome = Problem | Answer


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, the rule that found it, and how severe it is for this sender."""

    code: str
    severity: Severity
    status: int
    problem: Problem

    @property
    def comment(self) -> str:
        """The Error Comment (0000,0902): LO, at most 64 characters of ASCII, the code first, no backslash.

        If it is cut, it ends with dots, because a number that is cut would be another number.
        """
        comment = _NOT_LO.sub("?", f"{self.code} {self.problem.message}".replace("\\", "/"))
        return comment if len(comment) <= _LONGEST else f"{comment[: _LONGEST - len(_CUT)]}{_CUT}"


class Decision(Enum):
    """What becomes of an instance."""

    __hash__ = object.__hash__  # each is only itself; Enum's own is written in Python, and every instance needs it

    ACCEPT = "accept"
    WARN = "warn"
    REFUSE = "refuse"
    RETRY = "retry"  # our resources: nothing was decided about the data


DECISION_WORDS: Final = {decision: decision.value for decision in Decision}
"""Their values, found faster than by ``value``, which is written in Python: every instance needs one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one instance and the response that follows from it.

    ``duplicate`` says that the bytes are stored already, so that nothing new is kept. ``tightened`` maps the stricter
    profiles to the status that they would have answered, where it differs.
    """

    decision: Decision
    status: int
    comment: str = ""
    offending: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    duplicate: bool = False
    tightened: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_stored(self) -> bool:
        """Whether the sender is told that the instance is stored."""
        return self.decision in (Decision.ACCEPT, Decision.WARN)
