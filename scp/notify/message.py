"""The contents of messages: as JSON for the webhook, and as text for mail.

Messages hold codes, statuses, UIDs, AE titles, addresses, counts and numbers of cases, but no patient data.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from scp.audit.catalogue import find
from scp.errors import Trouble
from scp.ids import as_text
from scp.layout import timestamp
from scp.ledger.notices import Audited, Refusals
from scp.printable import count, printable

VERSION: Final = 1
"""Version of the form of messages; keys may be added without a new number."""

Body = Mapping[str, Any]


class Kind(StrEnum):
    """What a message is about."""

    REFUSALS = "refusals"
    SERIES = "series"
    HEALTH = "health"
    TEST = "test"


def envelope(identifier: int, kind: Kind, made: int, node: str, about: Body) -> Body:
    """Return the body of a message: ``about`` with the keys that all messages have; ``made`` is microseconds UTC."""
    return {
        "id": as_text(identifier),
        "version": VERSION,
        "kind": kind.value,
        "made": timestamp(made),
        "node": node,
        **about,
    }


def refusals_body(found: Sequence[Refusals], link: str, further: int = 0) -> Body:
    """Return what was refused, by association; ``further`` is how many more associations there are."""
    return {
        "refused": sum(one.refused for one in found),
        "associations": [_association(one, link) for one in found],
        "further_associations": further,
    }


def _association(one: Refusals, link: str) -> Body:
    return {
        "association": as_text(one.association),
        "calling_ae_title": one.calling_ae_title,
        "called_ae_title": one.called_ae_title,
        "address": one.address,
        "refused": one.refused,
        "codes": dict(one.by_code),
        "statuses": {f"{status:04X}": number for status, number in one.by_status.items()},
        "series_instance_uids": list(one.series),
        "cases": [
            {
                "case": as_text(case.receipt),
                "code": case.code,
                "status": f"{case.status:04X}",
                "sop_instance_uid": case.sop_instance_uid,
                **_link(link, "quarantine", as_text(case.receipt)),
            }
            for case in one.cases
        ],
    }


def series_body(found: Sequence[Audited], link: str) -> Body:
    """Return which series are not consistent, and why."""
    return {
        "series": [
            {
                "series_instance_uid": one.series_instance_uid,
                "study_instance_uid": one.study_instance_uid,
                "verdict": one.verdict,
                "instances": one.instances,
                "codes": dict(one.codes),
                "audited": timestamp(one.made),
                **_link(link, "series", one.series_instance_uid),
            }
            for one in found
        ]
    }


def health_body(troubles: Mapping[Trouble, str], link: str) -> Body:
    """Return what is wrong with the node; without troubles, that it is healthy again."""
    return {"healthy": not troubles, "troubles": {one.value: reason for one, reason in troubles.items()}, **_link(link)}


def _link(base: str, *parts: str) -> Body:
    return {"link": "/".join((base.rstrip("/"), *parts))} if base else {}


def subject(body: Body) -> str:
    """Return one line that says what a message is about: the subject of the mail."""
    return printable(f"[{body['node']}] {_SUBJECTS[Kind(body['kind'])](body)}")


def text(body: Body) -> str:
    """Return the message as text, for mail."""
    return "\n".join([*_TEXTS[Kind(body["kind"])](body), "", f"{body['made']}  message {body['id']}", ""])


def _refusals_subject(body: Body) -> str:
    senders = list(dict.fromkeys(one["calling_ae_title"] for one in body["associations"]))
    more = " and others" if len(senders) > 1 or body["further_associations"] else ""
    return f"{count(body['refused'], 'instance')} refused from {senders[0]}{more}"


def _refusals_text(body: Body) -> Iterable[str]:
    for one in body["associations"]:
        yield f"{count(one['refused'], 'instance')} refused from {one['calling_ae_title']} at {one['address']}"
        yield f"  association {one['association']}"
        for code, number in one["codes"].items():
            yield f"  {number:6}  {_explained(code) if code else 'without a rule'}"
        for uid in one["series_instance_uids"]:
            yield f"  series {uid}"
        for case in one["cases"]:
            yield f"  case {case['case']}  {case['status']}  {case['code']}"
            if "link" in case:
                yield f"    {case['link']}"
        if one["refused"] > len(one["cases"]):
            yield "  …"
        if one["cases"] and "link" not in one["cases"][0]:
            yield f"  To see more: auditscp quarantine show {one['cases'][0]['case']}"
        yield ""
    if body["further_associations"]:
        yield f"Refusals on {count(body['further_associations'], 'further association')} are in the ledger."


def _series_subject(body: Body) -> str:
    verdicts = ", ".join(dict.fromkeys(one["verdict"] for one in body["series"]))
    return f"{count(len(body['series']), 'series', 'series')} to look at: {verdicts}"


def _series_text(body: Body) -> Iterable[str]:
    for one in body["series"]:
        yield f"{one['verdict']}: series {one['series_instance_uid']}"
        yield f"  study {one['study_instance_uid']}"
        yield f"  {count(one['instances'], 'instance')}"
        yield from (f"  {number:6}  {_explained(code)}" for code, number in one["codes"].items())
        if not one["codes"]:
            yield "  instances were refused"
        yield (
            f"  {one['link']}" if "link" in one else f"  To see more: auditscp series show {one['series_instance_uid']}"
        )
        yield ""


def _health_subject(body: Body) -> str:
    return "healthy again" if body["healthy"] else f"not healthy: {', '.join(body['troubles'])}"


def _health_text(body: Body) -> Iterable[str]:
    if body["healthy"]:
        yield "The node is healthy again."
    else:
        yield "The node is not healthy. What it cannot store it answers with A700, and senders try again."
        yield from (f"  {trouble}: {reason}" for trouble, reason in body["troubles"].items())
    if "link" in body:
        yield body["link"]


_SUBJECTS: Final[Mapping[Kind, Callable[[Body], str]]] = {
    Kind.REFUSALS: _refusals_subject,
    Kind.SERIES: _series_subject,
    Kind.HEALTH: _health_subject,
    Kind.TEST: lambda _: "test of notifications",
}
_TEXTS: Final[Mapping[Kind, Callable[[Body], Iterable[str]]]] = {
    Kind.REFUSALS: _refusals_text,
    Kind.SERIES: _series_text,
    Kind.HEALTH: _health_text,
    Kind.TEST: lambda _: ["This is a test. Notifications arrive here."],
}


def _explained(code: str) -> str:
    """Return the code of a rule with the problem that it finds."""
    rule = find(code)
    return f"{code}  {rule.problem}" if rule else code
