"""SER: whether pixel values and pixel sizes mean the same in the whole stack."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.rules.stk import SAME_SPACING
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import named, who
from scp.audit.value import written
from scp.dicom import tags as t
from scp.printable import count

_Rescale = tuple[float | None, ...]


@series_rule(
    "SER-312", grades(Severity.WARN, Severity.WARN), applies="CT except derived images",
    reference="PS3.3 C.8.2.1, C.11.1",
)  # fmt: skip
def rescale_differs(view: SeriesView) -> Iterator[SeriesProblem]:
    """Rescale Slope or Intercept differs between the slices.

    Checks: that all slices of a stack of CT have the same Rescale Slope (0028,1053) and Rescale Intercept (0028,1052),
    or none has any. The finding names the slices that differ from most.

    Why: these two convert pixel values into Hounsfield units, and equipment gives them the same values in a whole
    series. Software that takes those of the first slice for all is wrong by hundreds of units in the slices that
    differ.

    Exceptions: images whose Image Type says DERIVED. PET has other values in each slice, and so may MR.

    What to do: compare the Hounsfield units of air in the slices that are named with those in the others. If they
    agree, the pixel values were converted too, and only software that reads one slice goes wrong. If not, a program
    changed or removed the attributes: export the series again from the equipment.

    Evidence: every CT series in the corpus of real series and in pydicom's test files has one pair of values.
    """
    rescale = {one.id: one.geometry.rescale for one in view.members}
    for stack in view.stacks:
        pairs = [tuple(pair) for one in stack.members if (pair := rescale[one]) is not None]
        counted = Counter(pairs)
        if len(pairs) == len(stack.members) and len(counted) > 1:
            usual = max(counted, key=lambda pair: (counted[pair], None not in pair, repr(pair)))
            odd = [plane for plane, pair in enumerate(pairs) if pair != usual]
            yield SeriesProblem(
                f"{view.name(stack)}Rescale Slope and Intercept of {count(len(odd), 'slice')}: "
                f"{_shown(pairs[odd[0]])}, of the others {_shown(usual)}: {who(stack, odd)}",
                stack=stack.number,
                tags=(t.RESCALE_SLOPE, t.RESCALE_INTERCEPT),
                instances=named(stack, odd),
                expected=_shown(usual),
                found=_shown(pairs[odd[0]]),
            )


def _shown(pair: _Rescale) -> str:
    return " and ".join("missing" if value is None else written(value).replace("-", "−") for value in pair)


@series_rule(
    "SER-313", grades(Severity.WARN, Severity.WARN), applies="CT, MR, PET (single frame)",
    reference="PS3.3 A.1.2.3, §10.7",
)  # fmt: skip
def fields_of_view_overlap(view: SeriesView) -> Iterator[SeriesProblem]:
    """Images of several fields of view overlap.

    Checks: that images of a stack with different Pixel Spacing (0028,0030), by more than 0.1 %, follow each other along
    the normal, and do not overlap.

    Why: two fields of view over the same slices are two reconstructions. A volume that is made of both is wrong in
    every distance, and nothing shows it.

    Exceptions: fields of view that follow each other: the head is often scanned in two groups, each with its own.

    What to do: two reconstructions were put into one series: have the equipment give each a series of its own
    (STK-252).
    """
    spacing = {one.id: tuple(one.geometry.spacing or ()) for one in view.members}
    for stack in view.stacks:
        fields = _fields([spacing[one] for one in stack.members])
        spans = sorted((stack.offsets[planes[0]], stack.offsets[planes[-1]], planes) for planes in fields)
        beyond = [
            spans[n + 1][2] for n in range(len(spans) - 1) if spans[n + 1][0] <= max(s[1] for s in spans[: n + 1])
        ]
        if beyond:
            few = min((planes for _, _, planes in spans), key=len)
            yield SeriesProblem(
                f"{view.name(stack)}{len(fields)} fields of view overlap: {who(stack, few)}",
                stack=stack.number,
                tags=(t.PIXEL_SPACING,),
                instances=named(stack, few),
                expected=1,
                found=len(fields),
            )


def _fields(spacings: Sequence[tuple[float, ...]]) -> list[list[int]]:
    """Return the planes of each Pixel Spacing; planes without one are left out."""
    fields: dict[tuple[float, ...], list[int]] = {}
    for plane, mine in enumerate(spacings):
        if mine and min(mine) > 0:
            known = next((one for one in fields if _are_same(mine, one)), mine)
            fields.setdefault(known, []).append(plane)
    return list(fields.values())


def _are_same(mine: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= SAME_SPACING * b for a, b in zip(mine, other, strict=True))


RULES: Final = (rescale_differs, fields_of_view_overlap)
