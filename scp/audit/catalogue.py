"""Every rule, in the order in which they run and in which the first refusal gives the status."""

from typing import Final

from scp.audit.rule import Rule
from scp.audit.rules import (
    dup,
    dup_series,
    enc,
    ent,
    ent_series,
    geo_frames,
    geo_pixels,
    geo_plane,
    internal,
    num,
    num_series,
    ref,
    req,
    ser_count,
    ser_line,
    ser_repeats,
    ser_spacing,
    ser_values,
    stk,
    uid,
)

INTERNAL: Final = internal.rule_failed

RULES: Final[tuple[Rule, ...]] = (
    *uid.RULES,
    *enc.RULES,
    *req.RULES,
    *dup.RULES,
    *dup_series.RULES,
    *num.RULES,
    *num_series.RULES,
    *sorted((*geo_plane.RULES, *geo_pixels.RULES, *geo_frames.RULES), key=lambda rule: rule.code),
    *ent.RULES,
    *ent_series.RULES,
    *stk.RULES,
    *sorted(
        (*ser_line.RULES, *ser_spacing.RULES, *ser_repeats.RULES, *ser_count.RULES, *ser_values.RULES),
        key=lambda rule: rule.code,
    ),
    *ref.RULES,
    INTERNAL,
)

REQUEST_RULES: Final = uid.REQUEST_RULES
"""Rules about the request itself: they are applied to identical resends too."""

FAMILIES: Final = {
    "UID": "Identity",
    "ENC": "Encoding",
    "REQ": "Required attributes",
    "DUP": "Duplicates",
    "NUM": "Numbering",
    "GEO": "Geometry of one instance",
    "ENT": "Consistency within the hierarchy",
    "STK": "Consistency within a stack",
    "SER": "The whole series",
    "REF": "References",
    "INT": "This software",
}


def find(code: str) -> Rule | None:
    """Return the rule with this code, whatever its case."""
    return next((rule for rule in RULES if rule.code == code.upper()), None)
