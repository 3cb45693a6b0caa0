"""Whole series for rule tests: members made of numbers, as the ledger gives them, and a table of what rules say."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pytest
from _pytest.mark import ParameterSet
from pydicom.uid import CTImageStorage

from scp.audit.rule import Rule
from scp.audit.series.member import Context, Member
from scp.audit.series.stacks import stacks_of
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.dicom.geometry import Geometry

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


class SeriesCase(NamedTuple):
    """One example for one rule (and one of its cases): it fires, or it stays quiet."""

    code: str
    case: str
    fires: bool
    members: Callable[[], Sequence[Member]]
    context: Context = Context()


def member(number: int | None, place: Sequence[float] | None, *, uid: str = "", **changes: Any) -> Member:
    """Return a CT slice at x, y, z; ``changes`` are fields of the member or of its geometry."""
    own = {name: changes.pop(name) for name in list(changes) if name in Member._fields}
    geometry = Geometry(
        stack="a", variant="v", position=place, orientation=AXIAL if place else None, spacing=(0.5, 0.5), rows=512,
        columns=512, thickness=2.5, acquisition="1.0", frame_count=1,
    )._replace(**changes)  # fmt: skip
    identity = number if number is not None else abs(hash((uid, place))) % 10_000 + 1000
    made = Member(identity, uid or f"1.2.{identity}", CTImageStorage, number, "", "", None, geometry)
    return made._replace(**own)


def slices(count: int = 10, step: float = 2.5, first: int = 1, begin: float = -100.0, **changes: Any) -> list[Member]:
    """Return axial CT slices, so many mm apart."""
    return [member(first + index, (-120.0, -110.0, begin + index * step), **changes) for index in range(count)]


def moved(members: Sequence[Member], index: int, by: Sequence[float]) -> list[Member]:
    """Return members of which one is elsewhere."""
    one = members[index]
    place = [coordinate + change for coordinate, change in zip(one.geometry.position or (), by, strict=True)]
    return changed(members, index, position=tuple(place))


def changed(members: Sequence[Member], index: int, **changes: Any) -> list[Member]:
    """Return members of which one has other geometry."""
    one = members[index]
    return [*members[:index], one._replace(geometry=one.geometry._replace(**changes)), *members[index + 1 :]]


def without(members: Sequence[Member], *indexes: int) -> list[Member]:
    """Return members but for some."""
    return [one for index, one in enumerate(members) if index not in indexes]


def again(members: Iterable[Member], **changes: Any) -> list[Member]:
    """Return the same slices under other UIDs and numbers."""
    geometry = {name: changes.pop(name) for name in list(changes) if name in Geometry._fields}
    return [
        one._replace(
            id=one.id + 1000, sop_instance_uid=f"{one.sop_instance_uid}.9",
            instance_number=(one.instance_number or 0) + 1000,
            geometry=one.geometry._replace(**geometry), **changes,
        )
        for one in members
    ]  # fmt: skip


def view_of(members: Iterable[Member], context: Context | None = None) -> SeriesView:
    """Return what rules look at."""
    ordered = tuple(members)
    return SeriesView(ordered, stacks_of(ordered), context or Context())


def found_by(rule: Rule, members: Iterable[Member], context: Context | None = None) -> list[SeriesProblem]:
    """Ask a series rule."""
    assert rule.series is not None
    return list(rule.series(view_of(members, context)))


def fires(code: str, what: str, members: Callable[[], Sequence[Member]], case: str = "", **more: Any) -> ParameterSet:
    """Make an entry of a table of cases: the rule finds something, all of it with this case."""
    return pytest.param(SeriesCase(code, case, True, members, **more), id=f"{code}-fires-{what.replace(' ', '-')}")


def quiet(code: str, what: str, members: Callable[[], Sequence[Member]], case: str = "", **more: Any) -> ParameterSet:
    """Make an entry of a table of cases: the rule finds nothing."""
    return pytest.param(SeriesCase(code, case, False, members, **more), id=f"{code}-quiet-{what.replace(' ', '-')}")


def check(rules: Iterable[Rule], row: SeriesCase) -> None:
    """Hold a row of a table against its rule."""
    (rule,) = (rule for rule in rules if rule.code == row.code)
    found = found_by(rule, row.members(), row.context)
    assert {one.case for one in found} == ({row.case} if row.fires else set())
    assert all(one.message for one in found)
