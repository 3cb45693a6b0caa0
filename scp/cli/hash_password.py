"""``auditscp hash-password``: prints what the configuration has in place of a password."""

import getpass
import sys

import typer

from scp.cli.options import fail
from scp.passwords import hash_password as hashed


def hash_password() -> None:
    """Read a password, from the terminal or as the first line of standard input, and print its hash.

    The hash goes into [user_identity.users], [console.operators] or [console.viewers] of the configuration. The
    password is not shown and not kept.
    """
    try:
        raw = _given().encode()
    except UnicodeError:
        fail("the password cannot be read as text")
    if not raw:
        fail("no password was given")
    typer.echo(hashed(raw))


def _given() -> str:
    if sys.stdin is None:  # closed by the caller
        return ""
    return _from_terminal() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _from_terminal() -> str:
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        fail("the two are not the same")
    return password
