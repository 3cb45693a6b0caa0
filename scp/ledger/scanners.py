"""The equipment that made an instance: one number for each combination of its names, so that receipts stay small."""

from typing import Final

import apsw

from scp.dicom.facts import Facts

_MOST: Final = 1024
"""How many scanners are remembered. Beyond that all are forgotten, and read again."""
_LONGEST: Final = 64
"""How many characters are kept of each value: as many as its VR allows (LO, PS3.5 §6.2)."""
COLUMNS: Final = ("manufacturer", "manufacturer_model_name", "device_serial_number", "software_versions")

_INSERT: Final = f"INSERT OR IGNORE INTO scanner ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?)"
_SELECT: Final = f"SELECT id FROM scanner WHERE ({', '.join(COLUMNS)}) = (?, ?, ?, ?)"


class Scanners:
    """Gives numbers to scanners, and remembers them."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._numbers: dict[tuple[str, str, str, str], int] = {}

    def number(self, facts: Facts) -> int | None:
        """Return the number of the scanner, a new one if need be; None if the instance names no scanner."""
        said = (
            facts.manufacturer, facts.manufacturer_model_name, facts.device_serial_number, facts.software_versions,
        )  # fmt: skip
        found = self._numbers.get(said)
        if found is None and any(said):
            if len(self._numbers) >= _MOST:
                self._numbers.clear()
            kept = tuple(value[:_LONGEST] for value in said)
            self._db.execute(_INSERT, kept)
            found = self._numbers[said] = self._db.execute(_SELECT, kept).get
        return found

    def forget(self) -> None:
        """Forget all of them: what was written may have been undone."""
        self._numbers.clear()
