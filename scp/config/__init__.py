"""Configuration: one frozen :class:`Settings`, built once, from TOML, the environment and the command line.

::

    model      what can be set: sections, defaults, descriptions
    access     the same for certificates, users and passwords, with the kinds of values that those are
    notify     the same for webhook and e-mail
    values     the kinds of values, and the words for what would have been right
    expecting  marks on these kinds that say what a value should have been
    section    what every table of the file is made from
    locate     at which line of a TOML text a setting stands
    problems   what is wrong, where, and what would be right; raised together
    sources    command line over environment over file, each with its places
    render     effective settings as TOML
    reference  every setting as a row of documentation
"""

from scp.config.access import TLS, Console, UserIdentity
from scp.config.model import (
    Associations,
    Audit,
    Classes,
    Duplicates,
    Limits,
    Log,
    Node,
    Peer,
    Retention,
    Settings,
    Storage,
)
from scp.config.notify import Email, Notify, Webhook
from scp.config.problems import ConfigurationError, Problem
from scp.config.reference import Setting, reference
from scp.config.render import render
from scp.config.sources import OPTIONS, load

__all__ = [
    "OPTIONS",
    "TLS",
    "Associations",
    "Audit",
    "Classes",
    "ConfigurationError",
    "Console",
    "Duplicates",
    "Email",
    "Limits",
    "Log",
    "Node",
    "Notify",
    "Peer",
    "Problem",
    "Retention",
    "Setting",
    "Settings",
    "Storage",
    "UserIdentity",
    "Webhook",
    "load",
    "reference",
    "render",
]
