"""What every table of the file is made from."""

from typing import Final

from pydantic import BaseModel, ConfigDict

KEYS: Final = "keys"
"""Under this name in a field's schema stands what the keys of its table are, if they are not rules."""


class Section(BaseModel):
    """A table of the file: frozen, and without room for unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
