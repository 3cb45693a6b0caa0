"""Checks what a peer proves about itself, by its certificate and by user name and password."""

from dataclasses import dataclass
from typing import Final

from scp.config import TLS, UserIdentity
from scp.net.admission import Rejection
from scp.net.identity import Claim, Users
from scp.net.tls import Endpoint, Secured


@dataclass(frozen=True, slots=True)
class Trust:
    """Checks certificates and user identities. ``endpoint`` is None if connections are not encrypted."""

    endpoint: Endpoint | None
    users: Users

    @classmethod
    def of(cls, tls: TLS, identity: UserIdentity) -> "Trust":
        """Return the checks that the settings ask for. Raises ConfigurationError if certificates cannot be used."""
        return cls(Endpoint(tls) if tls.enabled else None, Users(identity))

    def rejection(self, calling: str, secured: Secured | None, claim: Claim | None) -> Rejection | None:
        """Return why a peer may not associate; None if it may. The claim is checked last, as that takes longest."""
        if self.endpoint and secured:
            settings = self.endpoint.settings
            if not settings.admits(calling, secured.subject, secured.fingerprint):
                return Rejection.CERTIFICATE
        return None if self.users.admits(claim) else Rejection.IDENTITY

    def proof(self, secured: Secured | None, claim: Claim | None) -> dict[str, str | None]:
        """Return what the log says about the identity of a peer that was let in."""
        told: dict[str, str | None] = {}
        if secured:
            told = {"tls_version": secured.version, "tls_cipher": secured.cipher}
            told |= {"certificate_subject": secured.subject, "certificate_fingerprint": secured.fingerprint}
        if claim:
            told["user"] = self.users.known(claim)
        return told


NO_PROOF: Final = Trust(None, Users(UserIdentity()))
"""For connections without TLS on which nobody may name a user."""
