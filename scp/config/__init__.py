"""Configuration: one frozen :class:`Settings`, built once, from TOML, the environment and the command line.

::

    model      what can be set: sections, defaults, descriptions
    access     the same for certificates, users, passwords and the console
    notify     the same for webhook and e-mail
    values     the types of values, each with the words that say what would have been right
    expecting  annotations for these types: a check together with its message
    section    the base class of every table of the file
    locate     on which line of a TOML text a setting stands
    problems   what is wrong, where, and what would be right; raised together
    sources    command line over environment over file; each source knows where its settings stand
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
