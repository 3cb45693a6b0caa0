"""HTTPS with the node's own certificate."""

from scp.config import Settings
from scp.net.tls import Endpoint


def console_endpoint(settings: Settings) -> Endpoint | None:
    """Return what HTTPS needs, or None without it. Raises ConfigurationError if the certificates cannot be used."""
    if not (settings.console.enabled and settings.console.tls):
        return None
    # Browsers show no certificates of their own here: who they are, they say by signing in.
    return Endpoint(settings.tls.model_copy(update={"client_certificates": "none", "calling_ae_titles": {}}))
