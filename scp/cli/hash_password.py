"""``auditscp hash-password``: what stands in the configuration for a password."""

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
    password = _from_terminal() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        fail("no password was given")
    typer.echo(hashed(password.encode()))


def _from_terminal() -> str:
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        fail("the two are not the same")
    return password
