"""HTTPS with the node's own certificate."""

import ssl

from scp.config import Settings
from scp.net.tls import Endpoint


def console_endpoint(settings: Settings) -> Endpoint | None:
    """Return what HTTPS needs, or None without it. Raises ConfigurationError if the certificates cannot be used."""
    if not (settings.console.enabled and settings.console.tls):
        return None
    # Browsers show no certificates of their own here: who they are, they say by signing in.
    return Endpoint(settings.tls.model_copy(update={"client_certificates": "none", "calling_ae_titles": {}}))


def renewable(endpoint: Endpoint) -> ssl.SSLContext:
    """Return a context that stays the same and goes by the endpoint's present certificates for each connection."""
    context = endpoint.context

    def swap(connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        if connection.context is not endpoint.context:
            connection.context = endpoint.context

    context.sni_callback = swap  # runs at the beginning of every handshake
    return context
