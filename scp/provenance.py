"""Where a stored object came from, kept in the object's own file: enough to make the ledger anew without the ledger.

It is JSON in Private Information (0002,0102) of the File Meta Information that we write (PS3.10 §7.1): the receipt,
when the request came, its Message ID and abstract syntax, and the association. It has no patient data. Thousands of
related general classes may have been negotiated; the abstract syntax is kept if it is one of them, as no rule looks at
any other.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

import orjson

from scp.dicom.request import Association, Request
from scp.ids import as_text, from_text

_TEXTS: Final = tuple(one.name for one in fields(Association) if one.name != "port")
_LARGEST: Final = (1 << 53) - 1
"""The largest number: as microseconds it is in the year 2255, and everything else can read it."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How an object was received. ``received`` is in microseconds UTC since 1970."""

    receipt: int
    received: int
    message_id: int
    abstract_syntax: str
    association: Association
    related_general_classes: tuple[str, ...] = ()


def written(receipt: int, received: int, request: Request) -> bytes:
    """Return what is kept in an object's header, as JSON."""
    general = [one for one in request.related_general_classes if one == request.abstract_syntax]
    return orjson.dumps(
        {
            "receipt": as_text(receipt),
            "received": received,
            "message_id": request.message_id,
            "abstract_syntax": request.abstract_syntax,
            "association": orjson.Fragment(_association(request.association)),
            **({"related_general_classes": general} if general else {}),
        }
    )


@lru_cache(maxsize=256)
def _association(association: Association) -> bytes:
    return orjson.dumps(association)


def read(raw: bytes) -> Provenance | None:
    """Read what was kept in an object's header; None if it is not ours, or damaged."""
    try:
        found = orjson.loads(raw)
        association = Association(**found["association"])
        general = found.get("related_general_classes", [])
        numbers = (found["received"], found["message_id"], association.port)
        texts = (found["abstract_syntax"], *(getattr(association, name) for name in _TEXTS))
        if not (isinstance(general, list) and all(map(_is_number, numbers)) and all(map(_is_text, (*texts, *general)))):
            return None
        from_text(association.id)
        return Provenance(
            receipt=from_text(found["receipt"]),
            received=found["received"],
            message_id=found["message_id"],
            abstract_syntax=found["abstract_syntax"],
            association=association,
            related_general_classes=tuple(general),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST
