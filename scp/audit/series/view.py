"""What a series rule looks at, and what it says."""

from dataclasses import dataclass

from scp.audit.finding import Value
from scp.audit.series.member import Context, Member
from scp.audit.series.result import Stack


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A whole series: its members by Instance Number, the stacks that they make, and what is known beside them."""

    members: tuple[Member, ...]
    stacks: tuple[Stack, ...]
    context: Context

    def name(self, stack: Stack) -> str:
        """Return what a message about one of several stacks begins with."""
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
