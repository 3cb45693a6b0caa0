"""What was tried and what came of it: as values, and as tables for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from scp.audit.finding import Severity
from scp.audit.policy import Profile
from tests.accuracy.arrival import Order
from tests.accuracy.rows import OUTCOMES, Row
from tests.accuracy.sources import Series
from tests.accuracy.trial import Judged
from tests.accuracy.wire import CONTRADICTED, Sampled


@dataclass(frozen=True, slots=True)
class CleanSeries:
    """A series as it is, in one profile: ``codes`` are those of warnings and refusals."""

    series: str
    origin: str
    instances: int
    profile: Profile
    refused: int
    warned: int
    verdict: str
    codes: Sequence[str]
    flaw: str = ""

    @property
    def is_right(self) -> bool:
        """Nothing is said against a clean series, but in ``strict``; the flaw of a flawed one is found."""
        if self.flaw:
            return bool(self.codes)
        return self.profile is Profile.STRICT or not (self.refused or self.codes or self.verdict != "consistent")


def clean_series(series: Series, profile: Profile, judged: Judged, flaw: str) -> CleanSeries:
    """Sum up what was found in a series as it is."""
    verdicts = {one["verdict"] for one in judged.series} or {"consistent"}
    return CleanSeries(
        series=series.name,
        origin=series.origin,
        instances=len(series.sources),
        profile=profile,
        refused=judged.refused,
        warned=sum(decision == "warn" for decision, _ in judged.answers),
        verdict=", ".join(sorted(verdicts)),
        codes=sorted({key for key, severity in judged.codes if severity >= Severity.WARN}),
        flaw=flaw,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was tried."""

    seed: int
    seconds: float
    series: Sequence[CleanSeries]
    rows: Mapping[Profile, Sequence[Row]]
    orders: Sequence[Order]
    wire: Sequence[Sampled]
    wrong: Sequence[str] = field(default=())

    def failures(self) -> Iterator[str]:
        """Say each thing that is not as it has to be."""
        for one in self.series:
            if not one.is_right:
                yield f"{one.series} ({one.profile}): {one.refused} refused, {one.verdict}, {', '.join(one.codes)}"
        yield from self.wrong
        for order in self.orders:
            if order.differ:
                yield f"{order.what}: other findings when {', '.join(order.differ)}"
        for sampled in self.wire:
            if sampled.differs:
                yield f"over the wire: {sampled.what}: {sampled.differs}"

    def document(self) -> dict[str, Any]:
        """Return everything as what JSON can hold."""
        return asdict(self) | {"failures": list(self.failures())}


def markdown(report: Report) -> str:
    """Write the tables as Markdown."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield _clean_table([one for one in report.series if not one.flaw])
    flawed = [one for one in report.series if one.flaw and one.profile is Profile.STANDARD]
    if flawed:
        yield _table(
            ("series with a known flaw", "instances", "flaw", "verdict", "found by"),
            ([one.series, str(one.instances), one.flaw, one.verdict, ", ".join(one.codes)] for one in flawed),
        )
    for profile, rows in report.rows.items():
        columns = f"planted ({profile})", "how", "series", "trials", *OUTCOMES, "found by"
        yield _table(columns, (_cells(row) for row in rows))
    sets, orders = len(report.orders), sum(one.orders for one in report.orders)
    if sets:
        differ = sum(bool(one.differ) for one in report.orders)
        yield f"Order of arrival: {sets} sets in {orders} orders; other findings in {differ}."
    if report.wire:
        against = [one for one in report.wire if one.what.startswith(CONTRADICTED)]
        others = len(report.wire) - len(against)
        differ = sum(bool(one.differs) for one in report.wire if one not in against)
        yield f"Over the wire, to a node: {others} samples; another answer than `auditscp check` in {differ}."
        wrong = sum(bool(one.differs) for one in against)
        yield f"{CONTRADICTED}, over the wire: {len(against)} samples, {len(against) - wrong} refused by UID-007."


def _clean_table(series: Sequence[CleanSeries]) -> str:
    """Return one row for each folder that series are from."""
    by_origin: dict[str, list[CleanSeries]] = {}
    for one in series:
        by_origin.setdefault(one.origin, []).append(one)
    profiles = [f"refused, warned: {profile}" for profile in Profile]
    rows = []
    for origin, found in by_origin.items():
        per_profile = [[one for one in found if one.profile is profile] for profile in Profile]
        first = per_profile[0]
        counts = str(len(first)), str(sum(one.instances for one in first))
        rows.append([origin, *counts, *(_said(ones) for ones in per_profile)])
    return _table(("clean series in", "series", "instances", *profiles), rows)


def _said(series: Sequence[CleanSeries]) -> str:
    codes = sorted({code for one in series for code in one.codes})
    blamed = f" ({', '.join(codes)})" if codes else ""
    return f"{sum(one.refused for one in series)}, {sum(one.warned for one in series)}{blamed}"


def _cells(row: Row) -> Sequence[str]:
    found_by = ", ".join(row.found_by)
    if row.unseen:
        found_by = f"cannot be seen: {row.unseen}"
    counts = [str(row.outcomes.get(outcome, 0) or "") for outcome in OUTCOMES]
    return [row.defect, ", ".join(row.sizes), str(row.series), str(row.trials), *counts, found_by or "within tolerance"]


def _table(heading: Sequence[str], rows: Any) -> str:
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
