"""Negotiates with a peer by means of pynetdicom (PS3.7 Annex D.3), once for each different proposal.

pynetdicom's Association is a thread with a socket, a second thread, and queues between them. Here it is none of these:
it is given an A-ASSOCIATE-RQ, and its answer is kept. That answer depends only on what the peer proposes and what this
node offers. Most senders always propose the same, and many make a new association for each instance; so a proposal that
was accepted before is answered with the same bytes.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from pynetdicom import AE
from pynetdicom.association import Association as PynetdicomAssociation
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ

from scp.net.contexts import Context, Offer
from scp.net.identity import UNREADABLE, Claim, positive_response
from scp.net.proposal import Malformed, Proposal, as_shown

T = TypeVar("T")

_MOST: Final = 64
"""How many proposals are remembered."""
_LONGEST: Final = 16 * 1024
"""The most bytes of a proposal that is remembered: 128 contexts have some 9,000."""
_MOST_SHOWN: Final = 128
"""How many characters are kept of a peer's implementation UID and version name, which go with each of its objects."""


class Agreement(NamedTuple):
    """What was agreed. ``answer`` is the A-ASSOCIATE-AC; the contexts are the accepted ones, by number.

    ``refused`` are the SOP Classes for which the peer has no context now: it cannot say so in a request.
    ``implementation_class_uid`` and ``implementation_version_name`` are the peer's, as they can be shown.
    ``max_pdu`` is the most that it takes in one P-DATA-TF, in bytes; 0 is without a limit.
    """

    answer: bytes
    contexts: Mapping[int, Context]
    refused: tuple[str, ...]
    implementation_class_uid: str
    implementation_version_name: str
    max_pdu: int


@dataclass(frozen=True, slots=True)
class Negotiation:
    """A proposal that was read: what it claims about the user, and how to agree. ``agree`` may raise Malformed."""

    claim: Claim | None
    agree: Callable[[], Agreement]


class Negotiator:
    """Negotiates for a node. For many threads.

    A long proposal may take half a second of computing, and many at once would leave little of each second to those who
    send: so they are read one after the other. Short ones are too, among themselves, and do not wait for long ones.
    """

    def __init__(self, ae: AE, offer: Offer) -> None:
        self._ae = ae
        self.offer = offer
        self._agreements: dict[bytes, Agreement] = {}
        self._short, self._long = threading.Lock(), threading.Lock()

    def read(self, proposal: Proposal) -> Negotiation:
        """Read a proposal whose bounds are known. Raises Malformed if pynetdicom cannot."""
        known = self._agreements.get(proposal.body)
        if known:
            return Negotiation(None, lambda: known)
        with self._turn_of(proposal.body):
            acceptor = _by_pynetdicom(lambda: _Acceptor(self._ae, proposal.body))
        claim = Claim.of(acceptor.requestor.user_identity)
        if claim is None and proposal.has_user_identity:
            claim = UNREADABLE
        if claim:
            return Negotiation(claim, lambda: self._agree(acceptor, proposal.body, claim))
        return Negotiation(None, lambda: self._remember(proposal.body, self._agree(acceptor, proposal.body, None)))

    def _turn_of(self, body: bytes) -> threading.Lock:
        return self._short if len(body) <= _LONGEST else self._long

    def _agree(self, acceptor: "_Acceptor", body: bytes, claim: Claim | None) -> Agreement:
        if claim and claim.wants_response:
            acceptor.acceptor.add_negotiation_item(positive_response())
        with self._turn_of(body):
            return _by_pynetdicom(lambda: acceptor.agree(self.offer))

    def _remember(self, body: bytes, agreement: Agreement) -> Agreement:
        if len(body) <= _LONGEST:
            if len(self._agreements) >= _MOST:
                self._agreements.clear()
            self._agreements[body] = agreement
        return agreement


class _Acceptor(PynetdicomAssociation):
    """pynetdicom's side of one negotiation, without a connection; the thread that it is never starts."""

    def __init__(self, ae: AE, body: bytes) -> None:
        """``body`` is the variable part of the A-ASSOCIATE-RQ."""
        super().__init__(ae, "acceptor")
        self.acceptor.ae_title = ae.ae_title
        self.acceptor.maximum_length = ae.maximum_pdu_size
        self.acceptor.implementation_class_uid = ae.implementation_class_uid
        self.acceptor.implementation_version_name = ae.implementation_version_name
        request = A_ASSOCIATE_RQ()
        request.decode(b"\x01\0" + len(body).to_bytes(4, "big") + body)
        self._request = self.requestor.primitive = request.to_primitive()

    def agree(self, offer: Offer) -> Agreement:
        """Accept what is offered of what the peer proposes."""
        proposed = self._request.presentation_context_definition_list
        self.acceptor.supported_contexts = offer.contexts_for(proposed)
        self.acse.negotiate_association()
        answer = A_ASSOCIATE_AC(self.acceptor.primitive)
        # pynetdicom accepts none of these by itself; there is no answer to them (PS3.7 D.3.3.6.2).
        related = {
            str(uid): tuple(map(str, item.related_general_sop_class_identification))
            for uid, item in self.requestor.sop_class_common_extended.items()
            if offer.accepts(str(uid))
        }
        contexts = {
            number: Context(str(context.abstract_syntax), str(context.transfer_syntax[0]), related)
            for number, context in self._accepted_cx.items()
        }
        accepted = {context.abstract_syntax for context in contexts.values()}
        wanted = dict.fromkeys(str(context.abstract_syntax or "") for context in proposed)
        return Agreement(
            answer.encode(),
            contexts,
            tuple(uid for uid in wanted if uid not in accepted),
            _shown(self.requestor.implementation_class_uid),
            _shown(self.requestor.implementation_version_name),
            self.requestor.maximum_length or 0,
        )


def _by_pynetdicom(act: Callable[[], T]) -> T:
    """Call pynetdicom with what a peer sent. Raises Malformed for any error: the peer's bytes are the cause."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - see above
        raise Malformed(f"an A-ASSOCIATE-RQ that cannot be read: {type(error).__name__}") from None


def _shown(said: object) -> str:
    return as_shown(str(said or "").encode())[:_MOST_SHOWN]
