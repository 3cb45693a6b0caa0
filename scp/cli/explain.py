"""``auditscp explain CODE``: a rule's page."""

from difflib import get_close_matches
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scp.audit.catalogue import FAMILIES, RULES, find
from scp.audit.rule import Rule
from scp.cli.options import fail


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="For example GEO-103.", show_default=False)],
) -> None:
    """Say what a rule checks, why, and what to do about it."""
    rule = find(code)
    if rule is None:
        near = get_close_matches(code.upper(), [one.code for one in RULES], n=1)
        fail(f"there is no rule {code}" + (f"; did you mean {near[0]}?" if near else "; see: auditscp rules"))
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
