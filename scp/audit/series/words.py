"""How messages name slices, positions and numbers."""

from collections.abc import Iterable, Sequence
from typing import Final

from scp.audit.series.member import Member
from scp.audit.series.result import Stack

MOST_NAMED: Final = 100
"""SOP Instance UIDs that a finding names at most."""
_SHOWN: Final = 3
"""Numbers that a message names at most."""
_LISTED: Final = 4
"""Entries that a message lists at most."""
_HUGE: Final = 1e9
_FINE: Final = 0.1
"""Distance of slices in mm below which two decimals are too few to distinguish them."""


def number(value: float, digits: int = 2) -> str:
    """Write a number with so many decimals at most, a huge one in short, and a real minus sign."""
    text = f"{value:.{digits}f}" if abs(value) < _HUGE else f"{value:.3g}"
    text = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    return "0" if text == "-0" else text.replace("-", "−")


def distance(value: float) -> str:
    """Write a distance of slices in mm, one below 0.1 mm with more decimals: those that differ must look different."""
    return number(value, 3 if abs(value) >= _FINE else 6)


def listed(numbers: Iterable[int], amount: int = 0) -> str:
    """Write numbers: ``4, 7 and 9``, or ``4, 7, 9 and 12 more``; ``amount`` says how many there are, if more."""
    texts = [str(one) for one in numbers]
    amount = max(amount, len(texts))
    if amount > min(_SHOWN + 1, len(texts)):
        shown = texts[:_SHOWN]
        return f"{', '.join(shown)} and {amount - len(shown)} more"
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def some(texts: Iterable[str]) -> str:
    """Write the first four of some texts, and how many more there are."""
    every = list(texts)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + more


def at(stack: Stack, position: int) -> str:
    """Write a position as people know it: ``z −82.5``."""
    digits = 2 if stack.step is None or stack.step >= _FINE else 5
    return f"{stack.axis} {number(stack.coordinates[position], digits)}"


def planes_at(stack: Stack, position: int) -> range:
    """Return the indexes of the planes at a position."""
    first = sum(stack.counts[:position])
    return range(first, first + stack.counts[position])


def where(stack: Stack, position: int, *, short: bool = False) -> str:
    """Write a position with its planes: ``Instance Number 41 (z −82.5)``; ``short`` leaves out the words before it."""
    return f"{who(stack, planes_at(stack, position), short=short)} ({at(stack, position)})"


def who(stack: Stack, planes: Sequence[int], *, short: bool = False) -> str:
    """Write which planes: by frame in a single volume, otherwise by Instance Number, else by their SOP Instance UID."""
    if all(stack.frames[one] for one in planes):
        word, numbers = "frame", [stack.frames[one] for one in planes]
    else:
        word, numbers = (
            "Instance Number",
            [one for one in (stack.numbers[plane] for plane in planes) if one is not None],
        )
    if not numbers:
        return f"SOP Instance UID {stack.uids[planes[0]]}"
    return listed(numbers) if short else f"{word} {listed(numbers)}"


def named(stack: Stack, planes: Iterable[int]) -> tuple[str, ...]:
    """Return the SOP Instance UIDs of planes, each once, at most a hundred."""
    return tuple(dict.fromkeys(stack.uids[one] for one in planes))[:MOST_NAMED]


def who_of(members: Sequence[Member]) -> str:
    """Write which instances: by Instance Number, else by their SOP Instance UID."""
    numbers = [one.instance_number for one in members if one.instance_number is not None]
    return f"Instance Number {listed(numbers)}" if numbers else f"SOP Instance UID {members[0].sop_instance_uid}"


def uids_of(members: Iterable[Member]) -> tuple[str, ...]:
    """Return the SOP Instance UIDs of members, at most a hundred."""
    return tuple(one.sop_instance_uid for one in members)[:MOST_NAMED]
