"""The order of arrival changes nothing: the same set gives the same findings of its series."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from scp.audit.policy import Profile
from tests.accuracy import crossed_defects, series_defects
from tests.accuracy.catalogue import DEFECTS
from tests.accuracy.sources import Series
from tests.accuracy.trial import as_paths, judge

_SHUFFLES = 3
_OF_SERIES = [
    one for one in (*series_defects.DEFECTS, *crossed_defects.DEFECTS)
    if not any(code.startswith("STK") for code in one.found_by)
]  # fmt: skip
"""Those of which nothing is refused: which of two that contradict each other is, depends on the order."""


@dataclass(frozen=True, slots=True)
class Order:
    """One set in several orders. ``differ`` names the orders in which the audit said something else."""

    what: str
    orders: int
    differ: Sequence[str]


def orders(sent: Sequence[Path], rng: Random) -> Iterator[tuple[str, Sequence[Path]]]:
    """Yield names and orders of arrival, that of the files first."""
    yield "as they are", sent
    yield "reversed", sent[::-1]
    for number in range(_SHUFFLES):
        yield f"shuffled {number + 1}", rng.sample(sent, len(sent))


def in_orders(what: str, sent: Sequence[Path], seed: int) -> Order:
    """Judge one set in several orders."""
    found: dict[str, Any] = {}
    for name, order in orders(sent, Random(f"{seed} {what}")):
        with TemporaryDirectory(prefix="accuracy-") as folder:
            judged = judge(order, Profile.STANDARD, Path(folder))
        found[name] = judged.refused, sorted(map(series_findings, judged.series), key=str)
    first, *others = found
    return Order(what, len(found), [name for name in others if found[name] != found[first]])


def series_findings(audit: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an audit says of a series, without what differs from one ledger to the next."""
    return {name: audit[name] for name in ("series_instance_uid", "verdict", "findings", "stacks", "instances")}


def of_series(series: Series, seed: int, *, planted: bool = True) -> Iterator[Order]:
    """Judge a series in several orders as it is, and with each defect in it that only the whole series shows."""
    yield in_orders(series.name, [one.path for one in series.sources], seed)
    if not planted:
        return
    for defect in DEFECTS:
        if defect not in _OF_SERIES or not defect.fits(series):
            continue
        rng = Random(f"{seed} {defect.name} {defect.size} {series.name} order")
        sent = defect.plant(series, rng.choice(defect.places(series, rng)), rng)
        if sent is not None:
            with TemporaryDirectory(prefix="accuracy-") as folder:
                what = f"{series.name}: {defect.name}, {defect.size}"
                yield in_orders(what, as_paths(sent, Path(folder)), seed)
