"""An examiner for each association, which knows what the association brought before.

Many senders make a new association for each instance. So what an association leaves behind (how its Data Sets are
encoded, what rules said of the last of them) is kept for the next association of the same sender.

An element takes about 200 bytes while a Data Set is read, and there may be a million of them. So Data Sets that may
have many elements are read one at a time; that costs no time, as the interpreter would not read two at once anyway.
"""

import threading
from collections import deque
from contextlib import nullcontext
from typing import Final

from scp.audit.engine import Examination
from scp.audit.examiner import Examiner
from scp.dicom.read import may_be_many
from scp.dicom.request import Association, Request
from scp.dicom.walk import Limits

_AT_REST: Final = 16
"""How many examiners wait for the next association of their senders. Each takes about 100 kB."""


class Examiners:
    """Examiners by association. For any number of threads, but only one for each association."""

    def __init__(self, limits: Limits, key: bytes) -> None:
        """``key`` is the fingerprint key of the ledger."""
        self._limits = limits
        self._key = key
        self._at_work: dict[str, Examiner] = {}
        self._at_rest: deque[tuple[Association, Examiner]] = deque(maxlen=_AT_REST)
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def of(self, association: Association) -> Examiner:
        """Return the examiner of an association; if it is new, one that knows its sender, if there is one."""
        examiner = self._at_work.get(association.id)
        if examiner is None:
            examiner = self._known(association.sender) or Examiner(self._limits, self._key)
            self._at_work[association.id] = examiner
        return examiner

    def examine(self, data: memoryview, request: Request) -> Examination:
        """Read a whole Data Set and run the instance rules. This may wait until other Data Sets have been read."""
        with self._reading if may_be_many(len(data), request.transfer_syntax) else nullcontext():
            return self.of(request.association).examine(data, request)

    def ended(self, association: Association) -> None:
        """Keep the examiner of an association that has ended for the next one of its sender."""
        examiner = self._at_work.pop(association.id, None)
        if examiner:
            with self._lock:
                self._at_rest.append((association.sender, examiner))

    def _known(self, sender: Association) -> Examiner | None:
        with self._lock:
            for one in reversed(self._at_rest):
                known, examiner = one
                if known == sender:
                    self._at_rest.remove(one)
                    return examiner
        return None
