"""The association and the C-STORE request: what is known before the Data Set is read."""

from dataclasses import dataclass, fields, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Association:
    """An established association, as it was negotiated.

    AE titles are without padding. ``implementation_class_uid`` and ``implementation_version_name`` are as the peer sent
    them (PS3.7 Annex D.3.3.2); empty if it sent none.
    """

    id: str
    address: str
    port: int
    calling_ae_title: str
    called_ae_title: str
    implementation_class_uid: str = ""
    implementation_version_name: str = ""

    @property
    def sender(self) -> "Association":
        """What all associations of one sender have in common. Rules may not look at anything else of an association."""
        return replace(self, id="", port=0)


OF_SENDER: Final = tuple(one.name for one in fields(Association) if one.name not in ("id", "port"))
"""The fields that :attr:`Association.sender` keeps."""


@dataclass(frozen=True, slots=True)
class Request:
    """One C-STORE-RQ (PS3.7 §9.3.1.1) and the Presentation Context that it was sent in.

    ``sop_class_uid`` and ``sop_instance_uid`` are the Affected UIDs of the command set, without padding.
    ``related_general_classes`` are those that Common Extended Negotiation named for the class (PS3.7 D.3.3.6).
    """

    association: Association
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    abstract_syntax: str
    transfer_syntax: str
    related_general_classes: tuple[str, ...] = ()
