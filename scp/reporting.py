"""Reports as JSON and CSV, as tables, and as an HTML page in a single file."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from scp.audit.catalogue import RULES, find
from scp.audit.policy import Profile
from scp.layout import timestamp
from scp.ledger.reports import Counts, Report, Tightened
from scp.ledger.scanners import COLUMNS
from scp.outcomes import Outcome

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_STRICTER: Final = (Profile.STANDARD.value, Profile.STRICT.value)
_SECTIONS: Final = ("totals", "senders", "scanners", "rules", "tightened", "acts")
_SPAN: Final = ("since", "until", "calling_ae_title")
"""The scope of a report, which in CSV is a part of the line of totals."""
_COLUMNS: Final = (
    "section", "calling_ae_title", "address", *COLUMNS, "code", "problem", "profile", "status", "codes", "received",
    *Outcome, "info", "findings", "rate", "refuse_rate", "warn_rate", "would_refuse", "would_refuse_standard",
    "would_refuse_strict", "bytes", "last_hour", "since", "until", "act", "objects",
)  # fmt: skip
_NUMERIC: Final = ' class="n"'
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; border-bottom: 1px solid #8884; white-space: nowrap; }
th { font-weight: 600; }
td.n, th.n { text-align: right; }
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a report as people read it; cells that are numbers are aligned as such."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


def report_document(report: Report) -> dict[str, Any]:
    """Return a report as a JSON document; rates are shares of the requests that were judged, 0 to 1."""
    return {
        "since": None if report.since is None else timestamp(report.since),
        "until": timestamp(report.until),
        "calling_ae_title": report.calling_ae_title,
        "totals": _counts(report.totals),
        "senders": [
            {"calling_ae_title": one.calling_ae_title, "address": one.address, **_counts(one.counts)}
            for one in report.senders
        ],
        "scanners": [{**one.names, **_counts(one.counts)} for one in report.scanners],
        "rules": [
            {
                "code": one.code,
                "problem": problem_of(one.code),
                "refuse": one.refused,
                "warn": one.warned,
                "info": one.noted,
                "findings": one.refused + one.warned + one.noted,
                "rate": round(one.rate, 6),
            }
            for one in report.rules
        ],
        "tightened": [
            {
                "profile": one.profile,
                "status": f"{one.status:04X}",
                "codes": list(codes_for(one)),
                "would_refuse": one.receipts,
                "rate": round(one.rate, 6),
            }
            for one in report.tightened
        ],
        "acts": dict(report.acts),
    }


def problem_of(code: str) -> str:
    """Return the problem that a rule finds; an empty text if this release does not know the rule."""
    rule = find(code)
    return rule.problem if rule else ""


def codes_for(tightened: Tightened) -> tuple[str, ...]:
    """Return the codes of the rules that refuse with the status of an entry, unless settings change that."""
    return tuple(
        rule.code
        for rule in RULES
        if tightened.status in [int(rule.status(case)) for case in rule.grades if rule.can_refuse(case)]
    )


def _counts(counts: Counts) -> Mapping[str, Any]:
    return {
        "received": counts.receipts,
        **{outcome.value: counts.outcomes.get(outcome, 0) for outcome in Outcome},
        "bytes": counts.bytes,
        "refuse_rate": round(counts.rate(Outcome.REFUSE), 6),
        "warn_rate": round(counts.rate(Outcome.WARN), 6),
        "would_refuse": {profile: counts.would_refuse.get(profile, 0) for profile in _STRICTER},
        "last_hour": timestamp(counts.last) if counts.last else None,
    }


def tables(report: Report) -> tuple[Table, ...]:
    """Return a report as tables; those without rows are left out."""
    counted = ("received", "stored", "with warnings", "refused", "try again", "aborted", "refused of judged")
    everything = (
        Table("All", (*counted, "bytes"), ((*_told(report.totals), report.totals.bytes),)),
        Table(
            "Senders",
            ("calling AE title", "address", *counted, "last seen"),
            tuple((one.calling_ae_title, one.address, *_told(one.counts), _hour(one.counts)) for one in report.senders),
        ),
        Table(
            "Scanners",
            ("manufacturer", "model", "serial number", "software", *counted, "last seen"),
            tuple(
                (*(one.names[name] or "–" for name in COLUMNS), *_told(one.counts), _hour(one.counts))
                for one in report.scanners
            ),
        ),
        Table(
            "Rules",
            ("code", "problem", "refused", "warned", "noted", "of judged"),
            tuple(
                (one.code, problem_of(one.code), one.refused, one.warned, one.noted, _percent(one.rate))
                for one in report.rules
            ),
        ),
        Table(
            "Stored, but a stricter profile would have refused it",
            ("profile", "status", "rules", "instances", "of judged"),
            tuple(
                (one.profile, f"{one.status:04X}", ", ".join(codes_for(one)) or "–", one.receipts, _percent(one.rate))
                for one in report.tightened
            ),
        ),
        Table("Done in quarantine", ("what", "objects"), tuple(sorted(report.acts.items()))),
    )
    return tuple(one for one in everything if one.rows)


def span(report: Report) -> str:
    """Return the scope of a report in words: from when to when it counts, and whose requests."""
    since = "the beginning" if report.since is None else timestamp(report.since)
    sender = "" if report.calling_ae_title is None else f", calling AE title {report.calling_ae_title}"
    return f"from {since} to {timestamp(report.until)}{sender}"


def as_csv(report: Report) -> str:
    """Return a report as one table of comma-separated values, with the columns of all sections.

    Each line begins with the name of its section. The line of totals also has the scope of the report. Cells that a
    spreadsheet would take for formulas begin with an apostrophe.
    """
    document = report_document(report)
    sections = document | {
        "totals": [{name: document[name] for name in _SPAN} | document["totals"]],
        "acts": [{"act": kind, "objects": number} for kind, number in sorted(document["acts"].items())],
    }
    lines = [{"section": section, **_flat(one)} for section in _SECTIONS for one in sections[section]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(_COLUMNS)
    writer.writerows([_defused(line.get(name, "")) for name in _COLUMNS] for line in lines)
    return out.getvalue()


def as_html(report: Report) -> str:
    """Return a report as an HTML page that loads nothing and has no scripts."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>auditscp report</title><style>{_STYLE}</style></head><body>",
        f"<h1>Report</h1><p>{escape(span(report))}</p>",
    ]
    for table in tables(report):
        head = _row("th", table.headings, table.rows[0])
        body = "".join(_row("td", row, row) for row in table.rows)
        parts.append(
            f"<h2>{escape(table.title)}</h2><div><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"
        )
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _row(tag: str, cells: Sequence[str | int], kinds: Sequence[str | int]) -> str:
    """Return a row of HTML; a column is one of numbers if its cell in ``kinds`` is a number."""
    shown = (
        f"<{tag}{_NUMERIC if is_numeric(kind) else ''}>{escape(f'{cell:,}' if isinstance(cell, int) else cell)}</{tag}>"
        for cell, kind in zip(cells, kinds, strict=True)
    )
    return f"<tr>{''.join(shown)}</tr>"


def is_numeric(cell: str | int) -> bool:
    """Whether a cell is a number or a percentage, and is to be aligned as one."""
    return isinstance(cell, int) or cell.endswith("%")


def _told(counts: Counts) -> tuple[str | int, ...]:
    outcomes = (counts.outcomes.get(outcome, 0) for outcome in Outcome)
    return (counts.receipts, *outcomes, _percent(counts.rate(Outcome.REFUSE)))


def _percent(rate: float) -> str:
    return f"{rate:.2%}"


def _hour(counts: Counts) -> str:
    return timestamp(counts.last)[:13].replace("T", " ") + "h"


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}_{key}": one for key, one in value.items()}
        else:
            flat[name] = " ".join(value) if isinstance(value, list) else value
    return flat


def _defused(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
