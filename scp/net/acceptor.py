"""One association: pynetdicom's, with our admission, our C-STORE and our account of how it ended."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association as PynetdicomAssociation
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.pdu_primitives import A_ABORT

from scp.dicom.request import Association, Request
from scp.dicom.uid import strip_uid
from scp.errors import NodeFault
from scp.ids import as_text, new_id
from scp.net.contexts import VERIFICATION
from scp.net.respond import response
from scp.observe.lines import Tally, association_closed, association_opened, fault_line
from scp.outcomes import Ending

if TYPE_CHECKING:
    from scp.net.server import Server


class Acceptor(PynetdicomAssociation):
    """An association from its request to its end, in its own thread."""

    def __init__(self, server: "Server", address: str, port: int) -> None:
        super().__init__(server.ae, "acceptor")
        self._node = server
        self.address = address
        self._port = port
        self._opened = 0
        self._ending: Ending | None = None
        self._association: Association | None = None
        self._tally = Tally()
        self._busy_since = time.monotonic()
        self._busy = False
        self.bind(evt.EVT_REQUESTED, self._requested)
        self.bind(evt.EVT_ESTABLISHED, self._established)
        self.bind(evt.EVT_ACSE_RECV, self._acse_received)

    @property
    def idle_seconds(self) -> float:
        """Since when no request is being received or worked on."""
        if self._busy or self.dimse.message is not None or not self.dimse.msg_queue.empty():
            return 0.0
        return time.monotonic() - self._busy_since

    def run_reactor(self) -> None:
        """Negotiate, serve, and give an account of the end whatever happens."""
        try:
            super().run_reactor()
        finally:
            try:
                self._ended()
            finally:
                self._node.gone(self)

    def stop(self, ending: Ending) -> bool:
        """Abort without waiting for the peer; return whether this was the first to do so."""
        if self._sent_abort or not self.is_established:
            return False
        self._ending = self._ending or ending
        super().abort(block=False)
        return True

    def abort(self, block: bool = True) -> None:
        """Abort; unless a reason is known already, it is the peer's silence."""
        self._ending = self._ending or Ending.TIMEOUT
        super().abort(block)

    def _requested(self, _: evt.Event) -> None:
        primitive = self.requestor.primitive
        assert primitive is not None
        rejection = self._node.admission(self.address, primitive.calling_ae_title, primitive.called_ae_title)
        if rejection:
            self.acse.send_reject(*rejection.value.reason)
            self._node.rejected(self.address, self._port, primitive, rejection)
            self.kill()
            return
        self.acceptor.supported_contexts = self._node.offer.contexts_for(primitive.presentation_context_definition_list)

    def _established(self, _: evt.Event) -> None:
        primitive = self.requestor.primitive
        assert primitive is not None
        self._opened = time.time_ns() // 1000
        self._association = Association(
            id=as_text(new_id()),
            address=self.address,
            port=self._port,
            calling_ae_title=primitive.calling_ae_title.strip(),
            called_ae_title=primitive.called_ae_title.strip(),
            implementation_class_uid=str(self.requestor.implementation_class_uid or ""),
            implementation_version_name=str(self.requestor.implementation_version_name or ""),
        )
        association_opened(self._association)

    def _acse_received(self, event: evt.Event) -> None:
        if isinstance(getattr(event, "primitive", None), A_ABORT):
            self._ending = self._ending or Ending.ABORTED

    def _serve_request(self, msg: Any, context_id: int) -> None:
        """Answer one request. Overrides pynetdicom's dispatch, which would let other services reach storage."""
        context = self._accepted_cx.get(context_id)
        self._busy = True
        try:
            if (
                isinstance(msg, C_STORE)
                and msg.MessageIDBeingRespondedTo is None
                and context
                and msg.MessageID is not None
            ):
                self._store(msg, context_id)
            elif isinstance(msg, C_ECHO) and context and context.abstract_syntax == VERIFICATION:
                self._heard()
                super()._serve_request(msg, context_id)
            else:
                fault_line(None, NodeFault(f"{type(msg).__name__} is not offered on its Presentation Context"))
                self.stop(Ending.FAULT)
        finally:
            self._busy = False
            self._busy_since = time.monotonic()
            self.dul._idle_timer.restart()  # our work is not the peer's silence

    def _store(self, msg: C_STORE, context_id: int) -> None:
        assert self._association is not None
        request = self._request(msg, context_id, self._association)
        answer = self._node.intake.take(request, msg.DataSet.getbuffer() if msg.DataSet else b"")
        self._tally.add(answer.verdict, answer.size)
        if self.is_established:
            self.dimse.send_msg(response(request, answer.verdict), context_id)

    def _request(self, said: Any, context_id: int, association: Association) -> Request:
        """Return the request of a C-STORE primitive, or of a command set whose Data Set never was complete."""
        context = self._accepted_cx[context_id]
        sop_class_uid = _uid(said, "AffectedSOPClassUID")
        related = self.acceptor.accepted_common_extended.get(UID(sop_class_uid))
        return Request(
            association=association,
            message_id=int(getattr(said, "MessageID", None) or 0),
            sop_class_uid=sop_class_uid,
            sop_instance_uid=_uid(said, "AffectedSOPInstanceUID"),
            abstract_syntax=str(context.abstract_syntax),
            transfer_syntax=str(context.transfer_syntax[0]),
            related_general_classes=tuple(map(str, related[1])) if related else (),
        )

    def _heard(self) -> None:
        if self._association:
            self._node.intake.heard(self._association)

    def _ended(self) -> None:
        """Write receipts for requests that never were answered, and close the association's account."""
        association = self._association
        if association is None:
            return
        for said, context_id, size in self._unanswered():
            if context_id in self._accepted_cx:
                self._node.intake.aborted(self._request(said, context_id, association), size)
                self._tally.add_aborted(size)
        ending = Ending.RELEASED if self.is_released else (self._ending or Ending.LOST)
        self._node.intake.ended(association, self._opened, ending)
        association_closed(association, self._tally, ending)

    def _unanswered(self) -> Iterator[tuple[Any, int, int]]:
        """Give C-STORE requests that were complete but not served, and then the one that was on its way."""
        while not self.dimse.msg_queue.empty():
            context_id, primitive = self.dimse.msg_queue.get_nowait()
            if isinstance(primitive, C_STORE) and primitive.MessageIDBeingRespondedTo is None:
                yield (
                    primitive,
                    context_id or 0,
                    len(primitive.DataSet.getbuffer()) if primitive.DataSet else 0,
                )
        partial = self.dimse.message
        if isinstance(partial, C_STORE_RQ):
            yield (
                partial.command_set,
                partial.context_id or 0,
                len(partial.data_set.getbuffer()) if partial.data_set else 0,
            )


def _uid(said: Any, keyword: str) -> str:
    return strip_uid(str(getattr(said, keyword, None) or "").encode("utf-8", "replace"))
