"""Annotations for types that say, in one sentence, what a value should have been.

``Annotated[int, Between(0, 65535, "a port")]`` accepts a port, and of anything else says
``65536 is not a port: 0–65535``. The check and its message come from one place, so they cannot disagree.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_EXPECTED: Final = "expected"
_SHOWN_CHARACTERS: Final = 60


def shown(value: object) -> str:
    """Return ``value`` as one line for a message, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def suggestion(word: str, known: Iterable[str], prefix: str = "") -> str:
    """Return ``; did you mean 'x'?`` for the word of ``known`` that is nearest, or an empty text if none is near.

    ``prefix`` is shown before the suggested word but not compared.
    """
    near = get_close_matches(word, known, n=1)
    return f"; did you mean '{prefix}{near[0]}'?" if near else ""


def complaint(message: str) -> PydanticCustomError:
    """Return an error for a validator to raise whose message reaches the administrator unchanged."""
    return PydanticCustomError(_EXPECTED, "{message}", {"message": message})


@dataclass(frozen=True, slots=True)
class Expecting:
    """Says what a value should have been. Errors about a part of it, such as an entry of a list, keep their message."""

    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the schema of the annotated type."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: object, inner: ValidatorFunctionWrapHandler) -> object:
        try:
            return inner(value)
        except ValidationError as error:
            if any(part["loc"] or part["type"] == _EXPECTED for part in error.errors(include_url=False)):
                raise
            raise complaint(f"{shown(value)} is not {self.what}") from None


@dataclass(frozen=True, slots=True)
class Between:
    """Requires a number from ``low`` to ``high``, both allowed; ``note`` is added to the message in parentheses."""

    low: float
    high: float
    name: str
    note: str = ""

    @property
    def what(self) -> str:
        """What follows "is not" in the message."""
        return f"{self.name}: {self.low}–{self.high}" + (f" ({self.note})" if self.note else "")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the schema of the annotated type."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: object, inner: ValidatorFunctionWrapHandler) -> float:
        # In Python, True is a number too.
        if not isinstance(value, bool):
            try:
                number: float = inner(value)
            except ValidationError:
                pass
            else:
                if self.low <= number <= self.high:
                    return number
        raise complaint(f"{shown(value)} is not {self.what}")
