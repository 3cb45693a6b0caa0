"""UID: identity. The rules are listed in the order of their codes."""

from typing import Final

from scp.audit.rules import uid_request, uid_roots, uid_values

RULES: Final = (
    uid_values.sop_instance_uid_malformed,
    uid_values.hierarchy_uid_malformed,
    uid_values.other_uid_malformed,
    uid_values.uid_padded_wrongly,
    uid_roots.uid_root_implausible,
    uid_roots.one_uid_at_two_levels,
    uid_request.data_set_contradicts_request,
    uid_request.sop_class_not_negotiated,
    uid_request.sop_class_cannot_be_stored,
    uid_request.sop_class_retired_or_private,
    uid_request.data_set_with_foreign_elements,
    uid_request.sender_without_implementation_class,
    uid_roots.uids_of_different_roots,
)

REQUEST_RULES: Final = (
    uid_request.data_set_contradicts_request,
    uid_request.sop_class_not_negotiated,
    uid_request.sop_class_cannot_be_stored,
)
"""Rules about the request itself: they are applied to identical resends too."""
