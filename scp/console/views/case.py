"""A case as a page tells it: what refused the object comes first, and both sides of each finding, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydicom.uid import AllTransferSyntaxes

from scp.audit.catalogue import find
from scp.audit.finding import Severity
from scp.audit.value import written
from scp.ledger.acts import ActKind

Row = tuple[str, str | None, str | None]
"""Name, what is stored or would be right, what came. None is an attribute that is absent, an empty text one of which
nothing is known, or nothing needs to be said."""

_REFUSE: Final = str(Severity.REFUSE)
_MOVING: Final = (ActKind.RELEASE, ActKind.REPLACE)
_COMMAND: Final = "(0000,"
"""How elements of a request begin, which no Data Set has."""
_TRANSFER_SYNTAX: Final = "TransferSyntaxUID"
_WHAT_TO_DO: Final = "What to do"
"""One of :data:`scp.audit.rule.SECTIONS`."""


def decisive(case: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the finding that gave the answer its status; None if nothing refused the object."""
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
    """Return the findings of a case: what gave the status, what else refuses, then warnings and notes."""
    first = decisive(case)
    return tuple(
        sorted(case["findings"], key=lambda one: (one is not first, -Severity[str(one["severity"]).upper()].value))
    )


def advice(finding: Mapping[str, Any] | None) -> str:
    """Return what the rule of a finding says that one should do, or nothing."""
    rule = find(finding["code"]) if finding else None
    return next((text for heading, text in rule.sections if heading == _WHAT_TO_DO), "") if rule else ""


def sides(finding: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return what a finding of a case is about. Only a stored instance can lack an attribute: what is right cannot."""
    expected, found, tags = finding["expected"], finding["found"], finding["tags"]
    if expected is None and found is None:
        return ()
    subject = _subject(tags, (expected, found))
    one, two = (_named(side, tags, subject, split=_is_split((expected, found), tags)) for side in (expected, found))
    if not finding["other"]:
        one = {name: value or "" for name, value in one.items()}
    return tuple((name, one.get(name, ""), two.get(name, "")) for name in dict.fromkeys((*one, *two)))


def _named(side: Any, tags: Sequence[str], subject: str, *, split: bool) -> dict[str, str | None]:
    """Return a side of a finding by names; one that has no value says nothing."""
    if side is None:
        return {}
    if isinstance(side, Mapping):
        said = {name: _text(value) for name, value in side.items()}
        return {name: value for name, value in said.items() if value is not None or not name.startswith(_COMMAND)}
    return {name: _text(value) for name, value in (zip(tags, side, strict=True) if split else ((subject, side),))}


def _subject(tags: Sequence[str], values: tuple[Any, Any]) -> str:
    """Return the name of a value that has none: rules name first what it is of, but for those of encodings."""
    plain = [value for value in values if isinstance(value, str)]
    if plain and all(value in AllTransferSyntaxes for value in plain):
        return _TRANSFER_SYNTAX
    return next((tag for tag in tags if not tag.startswith(_COMMAND)), tags[0] if tags else "")


def _is_split(values: tuple[Any, Any], tags: Sequence[str]) -> bool:
    """Whether lists have a value for each attribute."""
    lists = [value for value in values if value is not None]
    return len(tags) > 1 and all(isinstance(one, list | tuple) and len(one) == len(tags) for one in lists)


def _text(value: Any) -> str | None:
    """Write a value of a case."""
    return None if value is None else written(value)
