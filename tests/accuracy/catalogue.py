"""Every defect that is planted, in the order of the table."""

from collections.abc import Sequence
from typing import Final

from tests.accuracy import crossed_defects, instance_defects, pairwise_defects, series_defects
from tests.accuracy.defect import Defect

DEFECTS: Final[Sequence[Defect]] = (
    *instance_defects.DEFECTS,
    *pairwise_defects.DEFECTS,
    *series_defects.DEFECTS,
    *crossed_defects.DEFECTS,
)
