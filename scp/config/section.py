"""The base class of every table of the file."""

from typing import Final

from pydantic import BaseModel, ConfigDict

KEYS: Final = "keys"
"""Name in a field's ``json_schema_extra`` of the placeholder for the keys of a table, if these are not rules."""


class Section(BaseModel):
    """A table of the file: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
