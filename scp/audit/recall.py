"""Remembers what rules found in the previous instance, so that rules whose input has not changed need not run again.

A rule is a pure function. While it runs, the values that it reads are recorded; as long as none of them changes, it
would come to the same outcome. The instances of a series have nearly everything in common, so after the first two of
them, most rules are settled, and only those that read changing values still run.

::

    first instance       every rule is watched: its outcome depends on the names that it has read
    next instances       a rule that read a name whose value has changed is run again, now and from now on, unwatched
    another series       everything is watched again

A name is that of a fact, or ``request.…``, ``tracked.…``, ``traits.…`` or ``snapshot.…``.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

from scp.audit.finding import Outcome, Problem
from scp.audit.policy import Found
from scp.audit.rule import Rule, Subject
from scp.audit.snapshot import Snapshot
from scp.dicom.decoder import Change

Check = tuple[Rule, Callable[..., Outcome]]
Ask = Callable[[Check, Subject, Snapshot | None], Outcome | None]
"""Runs one rule, and returns None if it failed: then nothing is remembered of it."""

_PREFIXES: Final = {"request": "request.", "facts": "", "tracked": "tracked.", "traits": "traits."}


class _Watched:
    """Stands in for a value, and records which of its attributes are read."""

    def __init__(self, of: object, prefix: str, read: set[str]) -> None:
        self._of, self._prefix, self._read = of, prefix, read

    def __getattr__(self, name: str) -> Any:
        derived = getattr(type(self._of), name, None)
        if isinstance(derived, property) and derived.fget:
            return derived.fget(self)  # so that what it reads is recorded
        self._read.add(f"{self._prefix}{name}")
        return getattr(self._of, name)


class Recall:
    """The outcomes of some rules for one instance after another. Not for two threads."""

    def __init__(self) -> None:
        self._checks: Sequence[Check] | None = None
        self._settled: list[tuple[Check, Outcome, frozenset[str]]] = []
        self._moving: list[Check] = []
        self._depends: frozenset[str] = frozenset()
        self._found: tuple[Found, ...] = ()

    def known(self, checks: Sequence[Check], change: Change) -> tuple[Found, ...] | None:
        """Return the findings, in any order, if they are known without running a rule; else None: call :meth:`run`.

        ``change`` is what has changed since the previous run.
        """
        if change is None or checks is not self._checks or self._moving or not self._depends.isdisjoint(change):
            return None
        return self._found

    def run(
        self, checks: Sequence[Check], subject: Subject, snapshot: Snapshot | None, change: Change, ask: Ask
    ) -> list[Found]:
        """Return the findings, in any order. ``change`` is what has changed since the previous run."""
        if change is None or checks is not self._checks:
            self._watch(checks, subject, snapshot, ask)
            return list(self._found)
        if not self._depends.isdisjoint(change):
            self._unsettle(change)
        found = list(self._found)
        for check in self._moving:
            outcome = ask(check, subject, snapshot)
            if isinstance(outcome, Problem):
                found.append(Found(check[0], outcome))
        return found

    def _watch(self, checks: Sequence[Check], subject: Subject, snapshot: Snapshot | None, ask: Ask) -> None:
        self._checks, self._moving, self._settled = checks, [], []
        for check in checks:
            read: set[str] = set()
            watched: Any = SimpleNamespace(
                **{name: _Watched(getattr(subject, name), prefix, read) for name, prefix in _PREFIXES.items()}
            )
            state: Any = None if snapshot is None else _Watched(snapshot, "snapshot.", read)
            outcome = ask(check, watched, state)
            if outcome is None:
                self._moving.append(check)
            else:
                self._settled.append((check, outcome, frozenset(read)))
        self._summarise()

    def _unsettle(self, change: frozenset[str]) -> None:
        """From now on, run the rules that depend on what has changed: it will probably change again."""
        self._moving += [check for check, _, read in self._settled if not change.isdisjoint(read)]
        self._settled = [one for one in self._settled if change.isdisjoint(one[2])]
        self._summarise()

    def _summarise(self) -> None:
        self._depends = frozenset[str]().union(*(read for _, _, read in self._settled))
        self._found = tuple(
            Found(check[0], outcome) for check, outcome, _ in self._settled if isinstance(outcome, Problem)
        )
