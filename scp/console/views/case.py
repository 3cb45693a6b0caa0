"""A case as its page shows it: what refused the object comes first, and both sides of each finding, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydicom.uid import AllTransferSyntaxes

from scp.audit.catalogue import find
from scp.audit.finding import Severity
from scp.audit.value import written
from scp.ledger.acts import ActKind

Row = tuple[str, str | None, str | None]
"""Name, the stored or right value, the received value. None means that the attribute is absent; an empty text means
that the value is unknown, or need not be shown."""

_REFUSE: Final = str(Severity.REFUSE)
_MOVING: Final = (ActKind.RELEASE, ActKind.REPLACE)
_COMMAND: Final = "(0000,"
"""The beginning of tags of the command set, which no Data Set has."""
_TRANSFER_SYNTAX: Final = "TransferSyntaxUID"
_WHAT_TO_DO: Final = "What to do"
"""The heading of one of :data:`scp.audit.rule.SECTIONS`."""


def decisive(case: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the finding whose status was answered; None if no rule refused the object."""
    refusing = only_refusing(case["findings"])
    status = case["receipt"]["status"]
    return next((one for one in refusing if one["status"] == status), refusing[0] if refusing else None)


def is_displaced(case: Mapping[str, Any]) -> bool:
    """Whether the object was stored, and another one was then put in its place."""
    moved = next((act for act in reversed(case["acts"]) if act["kind"] in _MOVING), None)
    return moved is not None and moved["other"] == case["case"]


def only_refusing(findings: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the findings that refuse."""
    return tuple(one for one in findings if one["severity"] == _REFUSE)


def by_weight(case: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the findings of a case: the one whose status was answered, others that refuse, warnings, notes."""
    first = decisive(case)
    return tuple(
        sorted(case["findings"], key=lambda one: (one is not first, -Severity[str(one["severity"]).upper()].value))
    )


def advice(finding: Mapping[str, Any] | None) -> str:
    """Return what to do, as the rule of a finding says; an empty text if there is no finding or no advice."""
    rule = find(finding["code"]) if finding else None
    return next((text for heading, text in rule.sections if heading == _WHAT_TO_DO), "") if rule else ""


def sides(finding: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows of a finding.

    None, for an absent attribute, is only shown on the left if that is a stored instance: where the left side says what
    would be right, None means that nothing is to be said.
    """
    expected, found, tags = finding["expected"], finding["found"], finding["tags"]
    if expected is None and found is None:
        return ()
    subject = _subject(tags, (expected, found))
    one, two = (_named(side, tags, subject, split=_is_split((expected, found), tags)) for side in (expected, found))
    if not finding["other"]:
        one = {name: value or "" for name, value in one.items()}
    return tuple((name, one.get(name, ""), two.get(name, "")) for name in dict.fromkeys((*one, *two)))


def _named(side: Any, tags: Sequence[str], subject: str, *, split: bool) -> dict[str, str | None]:
    """Return one side of a finding as values by name; no values if the side is None."""
    if side is None:
        return {}
    if isinstance(side, Mapping):
        said = {name: _text(value) for name, value in side.items()}
        return {name: value for name, value in said.items() if value is not None or not name.startswith(_COMMAND)}
    return {name: _text(value) for name, value in (zip(tags, side, strict=True) if split else ((subject, side),))}


def _subject(tags: Sequence[str], values: tuple[Any, Any]) -> str:
    """Return the name for a value that comes without one.

    That is the Transfer Syntax if all values are such, or else the first tag of the finding that is not of the command
    set.
    """
    plain = [value for value in values if isinstance(value, str)]
    if plain and all(value in AllTransferSyntaxes for value in plain):
        return _TRANSFER_SYNTAX
    return next((tag for tag in tags if not tag.startswith(_COMMAND)), tags[0] if tags else "")


def _is_split(values: tuple[Any, Any], tags: Sequence[str]) -> bool:
    """Whether both sides are lists with one value for each of several tags."""
    lists = [value for value in values if value is not None]
    return len(tags) > 1 and all(isinstance(one, list | tuple) and len(one) == len(tags) for one in lists)


def _text(value: Any) -> str | None:
    """Return a value of a case as text; None for an absent one."""
    return None if value is None else written(value)
