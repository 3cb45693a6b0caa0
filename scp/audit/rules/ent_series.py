"""ENT: what a series must share, judged over all of its instances."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.member import Member
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import uids_of, who_of
from scp.audit.tracked import SERIES, STUDY, comparable
from scp.dicom.sop_classes import PLANES
from scp.dicom.tags import name_of

SHARED: Final = (
    "patient", "patient_name", "patient_name_ideographic", "patient_birth_date", "patient_sex", "accession_number",
    "modality", "frame_of_reference_uid", "series_number", "manufacturer", "device_serial_number",
)  # fmt: skip
"""What all instances of a series have in common, by name of :mod:`scp.audit.tracked`.

Not Laterality, nor Patient Position, which is that of the image in some IODs (ENT-206), and not the SOP Class.
"""
_OF_PLANES: Final = frozenset({"frame_of_reference_uid"})
_CONTRADICTIONS: Final = frozenset({"ENT", "STK"})


@series_rule(
    "ENT-299",
    grades(
        Severity.WARN, Severity.WARN, tie=(Severity.WARN, Severity.WARN), refused=(Severity.WARN, Severity.WARN),
    ),
    reference="PS3.3 A.1.2",
)  # fmt: skip
def majority_contradicts(view: SeriesView) -> Iterator[SeriesProblem]:
    """Instances contradict most of the series.

    Checks: that all instances of the series have the same patient (ID, name, birth date, sex), Accession Number,
    Modality, Series Number, Manufacturer and Device Serial Number, and all slices of CT, MR and PET the same Frame of
    Reference. The finding names those that differ from most. The case `tie`: no value is more frequent than all others.
    The case `refused`: more instances were refused for contradicting the series than are stored.

    Why: when instances arrive, each is compared with the first that was stored, and which one that is depends on
    chance. The whole set shows which one is wrong. It may be the first one, and all others were refused or got a
    warning because of it.

    Exceptions: an empty value contradicts nothing.

    What to do: look at the instances that are named. If they are wrong, remove them from the archive, and have them
    corrected and sent again. In the case `refused`, look at the stored instances first: the others are in quarantine,
    from where they can be released.
    """
    by_variant: dict[str, list[Member]] = defaultdict(list)
    for member in view.members:
        by_variant[member.geometry.variant].append(member)
    for name in SHARED:
        sides: dict[str, list[Member]] = defaultdict(list)
        for variant, members in by_variant.items():
            value = view.context.variants.get(variant, {}).get(name)
            if value:
                sides[comparable(name, value)].extend(
                    members if name not in _OF_PLANES else [one for one in members if one.kind in PLANES]
                )
        if len(sides := {value: members for value, members in sides.items() if members}) > 1:
            yield _split(name, sides)
    refused = sum(n for code, n in view.context.refused.items() if code.partition("-")[0] in _CONTRADICTIONS)
    if refused > len(view.members) > 0:
        codes = Counter(view.context.refused).most_common(1)
        stored = "the one that is stored" if len(view.members) == 1 else f"the {len(view.members)} that are stored"
        yield SeriesProblem(
            f"{refused} instances were refused for contradicting {stored}",
            case="refused", instances=uids_of(view.members), found=codes[0][0],
        )  # fmt: skip


def _split(name: str, sides: dict[str, list[Member]]) -> SeriesProblem:
    """Say which instances differ from most, whichever came first. Values are not shown, because some are personal."""
    attribute = {**STUDY, **SERIES}[name]
    largest = max(map(len, sides.values()))
    total = sum(map(len, sides.values()))
    word = name_of(attribute.tag)
    few = [one for members in sides.values() if len(members) < largest for one in members]
    if total - len(few) > largest:
        return SeriesProblem(
            f"{word}: {len(sides)} values, none in more instances than another", case="tie", tags=(attribute.tag,),
            found=len(sides), expected=1,
        )  # fmt: skip
    few.sort(key=attrgetter("order"))
    return SeriesProblem(
        f"{word} of {len(few)} of {total} instances differs from the others: {who_of(few)}", tags=(attribute.tag,),
        instances=uids_of(few), expected=1, found=len(sides),
    )  # fmt: skip


RULES: Final = (majority_contradicts,)
