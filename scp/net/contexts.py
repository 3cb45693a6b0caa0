"""Which Presentation Contexts are accepted: decided for each that a peer proposes, not listed beforehand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pynetdicom.presentation import PresentationContext

from scp.dicom.sop_classes import cannot_be_stored, is_private, is_standard_storage_class
from scp.dicom.syntax import COMPLETE_TRANSFER_SYNTAXES
from scp.dicom.uid import MAX_LENGTH

VERIFICATION: Final = "1.2.840.10008.1.1"

# Implicit VR loses the VRs of private elements, and big endian is retired: accepted only if nothing else is proposed.
_LAST = {ImplicitVRLittleEndian: 1, ExplicitVRBigEndian: 2}


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted Presentation Context."""

    abstract_syntax: str
    transfer_syntax: str
    related_general_classes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Offer:
    """What this node accepts."""

    transfer_syntaxes: frozenset[str] = COMPLETE_TRANSFER_SYNTAXES
    private: bool = True
    unknown: bool = True
    refused_sop_classes: frozenset[str] = frozenset()

    def accepts(self, abstract_syntax: str) -> bool:
        """Whether Presentation Contexts for a class are accepted: always for Verification, never for overlong UIDs."""
        if abstract_syntax == VERIFICATION:
            return True
        if len(abstract_syntax) > MAX_LENGTH:
            return False
        if abstract_syntax in self.refused_sop_classes or cannot_be_stored(abstract_syntax):
            return False
        if is_standard_storage_class(abstract_syntax):
            return True
        return self.private if is_private(abstract_syntax) else self.unknown

    def contexts_for(self, proposed: Iterable[PresentationContext]) -> list[PresentationContext]:
        """Return the contexts to support for what one association proposes (PS3.8 §9.3.2.2).

        The Transfer Syntaxes of a class keep the order in which they were proposed, but Implicit VR Little Endian and
        then Explicit VR Big Endian come last; pynetdicom accepts the first.
        """
        wanted: dict[str, list[str]] = {}
        for context in proposed:
            abstract = str(context.abstract_syntax or "")
            if self.accepts(abstract):
                wanted.setdefault(abstract, []).extend(map(str, context.transfer_syntax))
        return [_context(abstract, self._ordered(syntaxes)) for abstract, syntaxes in wanted.items()]

    def _ordered(self, proposed: Sequence[str]) -> list[str]:
        known = [syntax for syntax in dict.fromkeys(proposed) if syntax in self.transfer_syntaxes]
        return sorted(known, key=lambda syntax: _LAST.get(UID(syntax), 0))


def _context(abstract_syntax: str, transfer_syntaxes: Collection[str]) -> PresentationContext:
    context = PresentationContext()
    context.abstract_syntax = UID(abstract_syntax)
    context.transfer_syntax = [UID(syntax) for syntax in transfer_syntaxes]
    return context
