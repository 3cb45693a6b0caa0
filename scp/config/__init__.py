"""Configuration: one frozen :class:`Settings`, built once, from TOML, the environment and the command line.

::

    model      what can be set: sections, defaults, descriptions
    values     the kinds of values, and the words for what would have been right
    locate     at which line of a TOML text a setting stands
    problems   what is wrong, where, and what would be right; raised together
    sources    command line over environment over file, each with its places
    render     effective settings as TOML
    reference  every setting as a row of documentation
"""

from scp.config.model import (
    TLS,
    Associations,
    Audit,
    Classes,
    Duplicates,
    Limits,
    Log,
    Node,
    Peer,
    Settings,
    Storage,
    UserIdentity,
)
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
    "Duplicates",
    "Limits",
    "Log",
    "Node",
    "Peer",
    "Problem",
    "Setting",
    "Settings",
    "Storage",
    "UserIdentity",
    "load",
    "reference",
    "render",
]
