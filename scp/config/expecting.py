"""Marks on annotated types that say, in one sentence, what a value should have been.

``Annotated[int, Between(0, 65535, "a port")]`` accepts a port and complains ``65536 is not a port: 0–65535``.
So the check and its message cannot part ways.
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
    """Return ``; did you mean 'x'?`` for the nearest of ``known``, or an empty text if none is near.

    A ``prefix`` that all have in common is shown, not compared.
    """
    near = get_close_matches(word, known, n=1)
    return f"; did you mean '{prefix}{near[0]}'?" if near else ""


def complaint(message: str) -> PydanticCustomError:
    """Return the error to raise in a validator whose message is to reach the administrator as it is."""
    return PydanticCustomError(_EXPECTED, "{message}", {"message": message})


@dataclass(frozen=True, slots=True)
class Expecting:
    """Says what a value should have been. Errors deeper inside (an entry of a list) keep their own words."""

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
    """Says what a number should have been: ``low`` to ``high``, both allowed; ``note`` explains the rest."""

    low: float
    high: float
    name: str
    note: str = ""

    @property
    def what(self) -> str:
        """The sentence that follows "is not"."""
        return f"{self.name}: {self.low}–{self.high}" + (f" ({self.note})" if self.note else "")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the schema of the annotated type."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: object, inner: ValidatorFunctionWrapHandler) -> float:
        # To Python, true is a number.
        if not isinstance(value, bool):
            try:
                number: float = inner(value)
            except ValidationError:
                pass
            else:
                if self.low <= number <= self.high:
                    return number
        raise complaint(f"{shown(value)} is not {self.what}")
