"""TLS of the console, with the node's certificate."""

from scp.config import TLS, Settings
from scp.net.tls import Endpoint


def console_endpoint(settings: Settings) -> Endpoint | None:
    """Return the TLS endpoint, or None without HTTPS. Raises ConfigurationError if the certificate cannot be used."""
    if not (settings.console.enabled and settings.console.tls):
        return None
    return Endpoint(console_tls(settings))


def console_tls(settings: Settings) -> TLS:
    """Return the TLS settings of the console: no certificates of browsers, as people sign in instead."""
    return settings.tls.model_copy(update={"client_certificates": "none", "calling_ae_titles": {}})
