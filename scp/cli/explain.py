"""``auditscp explain CODE``: shows the documentation of a rule."""

from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scp.audit.catalogue import FAMILIES, find
from scp.audit.rule import Rule
from scp.cli.options import fail, fail_without_rule
from scp.printable import printable


def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="For example GEO-103, or SER-304.pitch.", show_default=False)
    ],
) -> None:
    """Say what a rule checks, why, and what to do about it."""
    name, _, case = code.partition(".")
    rule = find(name)
    if code.upper() in FAMILIES:
        fail(f"{code.upper()} is a family of rules; see: auditscp rules")
    if rule is None:
        fail_without_rule(code)
    if case not in rule.grades:
        fail(f"{rule.code} has no case {printable(case)}; its cases: {', '.join(filter(None, rule.grades)) or 'none'}")
    _print(rule)


def _print(rule: Rule) -> None:
    out = Console(highlight=False)
    out.print(Text(f"{rule.code}  {rule.problem}", style="bold"))
    out.print(
        Text(
            f"{FAMILIES[rule.family]} · {rule.name} · applies to: {rule.applies} · {rule.reference}",
            style="dim",
        )
    )
    for case, grade in rule.grades.items():
        status = f", answered {rule.status(case)}" if rule.can_refuse(case) else ""
        name = f"{case}: " if case else ""
        out.print(Text(f"{name}{grade.standard} in standard, {grade.strict} in strict{status}", style="dim"))
    for heading, text in rule.sections:
        if heading:
            out.print(Text(f"\n{heading}", style="bold"))
        out.print(Padding(Text(text), (0 if heading else 1, 0, 0, 2)))
