"""``auditscp rules``: lists the rules."""

from rich.table import Table

from scp.audit.catalogue import RULES
from scp.audit.rule import Rule
from scp.cli.options import FormatOption, OutputFormat, write_json
from scp.cli.tables import write_table


def rules(output: FormatOption = OutputFormat.TEXT) -> None:
    """List every rule: what it finds, how severe that is in each profile, and the status of a refusal."""
    if output is OutputFormat.JSON:
        for rule in RULES:
            write_json(_document(rule))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("code", "problem", "standard", "strict", "status", "applies to"):
        table.add_column(heading, no_wrap=heading in ("code", "status"))
    for rule in RULES:
        for case, grade in rule.grades.items():
            table.add_row(
                f"{rule.code}.{case}" if case else rule.code,
                "" if case else rule.problem,
                str(grade.standard),
                str(grade.strict),
                str(rule.status(case)) if rule.can_refuse(case) else "–",
                "" if case else rule.applies,
            )
    write_table(table)


def _document(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "problem": rule.problem,
        "family": rule.family,
        "scope": rule.scope.value,
        "applies": rule.applies,
        "reference": rule.reference,
        "cases": [
            {
                "case": case,
                "standard": str(grade.standard),
                "strict": str(grade.strict),
                "status": str(rule.status(case)) if rule.can_refuse(case) else None,
            }
            for case, grade in rule.grades.items()
        ],
    }
