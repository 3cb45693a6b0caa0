"""HTTPS with the node's own certificate."""

from scp.config import TLS, Settings
from scp.net.tls import Endpoint


def console_endpoint(settings: Settings) -> Endpoint | None:
    """Return what HTTPS needs, or None without it. Raises ConfigurationError if the certificates cannot be used."""
    if not (settings.console.enabled and settings.console.tls):
        return None
    return Endpoint(console_tls(settings))


def console_tls(settings: Settings) -> TLS:
    """Return what is asked of browsers: no certificates of their own, as they say who they are by signing in."""
    return settings.tls.model_copy(update={"client_certificates": "none", "calling_ae_titles": {}})
