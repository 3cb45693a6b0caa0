"""Times as people write them: ``2h`` and ``3d`` ago, or a date, with or without a time of day."""

import re
from datetime import datetime
from typing import Final

_AGO: Final = re.compile(r"(\d{1,6})\s*([mhdw])")
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

EXPECTED: Final = "a time such as 2h, 3d, 2026-01-31, or 2026-01-31T08:30"


def moment(text: str, now: int) -> int:
    """Return the time that a text means; it and ``now`` are in microseconds UTC since 1970.

    A number with m, h, d or w is so many minutes, hours, days or weeks before ``now``; a date or time without an offset
    is local. Raises ValueError with a text that says what would be right.
    """
    stripped = text.strip()
    ago = _AGO.fullmatch(stripped)
    if ago:
        return max(now - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000, 0)
    try:
        return max(int(datetime.fromisoformat(stripped).timestamp() * 1_000_000), 0)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"expected {EXPECTED}") from None
