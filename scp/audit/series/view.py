"""The input and the output of a series rule."""

from dataclasses import dataclass

from scp.audit.finding import Value
from scp.audit.series.member import Context, Member
from scp.audit.series.result import Stack


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A whole series: its members by Instance Number, the stacks that they form, and the context."""

    members: tuple[Member, ...]
    stacks: tuple[Stack, ...]
    context: Context

    def name(self, stack: Stack) -> str:
        """Return the beginning of a message about one of several stacks; empty if there is only one."""
        return f"stack {stack.number} ({stack.plane}): " if len(self.stacks) > 1 else ""


@dataclass(frozen=True, slots=True)
class SeriesProblem:
    """What a series rule found wrong: see :class:`~scp.audit.series.result.SeriesFinding`."""

    message: str
    case: str = ""
    stack: int = 0
    tags: tuple[int, ...] = ()
    instances: tuple[str, ...] = ()
    expected: Value = None
    found: Value = None
