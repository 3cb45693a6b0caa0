"""Tables on a terminal, in a pipe or in a file, in which no text is ever cut off."""

import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table

_WIDE: Final = 300
"""Width of a pipe or a file, in characters: enough for each row to take one line."""
_GAP: Final = 2


def console() -> Console:
    """Return standard output, for tables and the text around them."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDE)


def write_table(table: Table) -> None:
    """Write a table without a box to standard output.

    On a terminal, cells are wrapped between words. Where that is not enough, rows are longer than the terminal is wide:
    a UID without its end would be useless.
    """
    out = console()
    gaps = _GAP * (len(table.columns) - 1)
    widths = shared([_needs(out, column) for column in table.columns], out.width - gaps)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    out.width = max(out.width, sum(widths) + gaps)
    out.print(table)


def shared(needs: Sequence[tuple[int, int]], total: int) -> list[int]:
    """Return the widths of columns, given the least and the most that each of them ``needs``, and the ``total`` width.

    Each gets its least, and a share of the rest up to its most. If the total is less than all the least widths, each
    gets its most: a table that is too wide in any case need not be wrapped as well.
    """
    widths = [least for least, _ in needs]
    if sum(widths) > total:
        return [most for _, most in needs]
    spare = total - sum(widths)
    modest_first = sorted(range(len(needs)), key=lambda place: needs[place][1] - needs[place][0])
    for done, place in enumerate(modest_first):
        least, most = needs[place]
        more = min(most - least, spare // (len(needs) - done))
        widths[place] += more
        spare -= more
    return widths


def _needs(out: Console, column: Column) -> tuple[int, int]:
    """Return the width of the longest word in a column, and of the longest text."""
    wide = Console(width=_WIDE).options
    found = [Measurement.get(out, wide, cell) for cell in (column.header, *column.cells)]
    most = max(one.maximum for one in found)
    return (most if column.no_wrap else max(one.minimum for one in found)), most
