"""``auditscp verify``: checks the files against the ledger, and finds files that the ledger does not know."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ByteSize, TypeAdapter, ValidationError
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from scp.checking import shown
from scp.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    OutputFormat,
    errors,
    fail,
    lines,
    settings_from,
    write_json,
)
from scp.cli.reading import SinceOption, data_override, ledger_of, time_of
from scp.ids import as_text
from scp.ledger.kept import extent
from scp.printable import count, printable
from scp.upkeep.pace import Pace
from scp.upkeep.verify import Flaw, Sort, Verifier

_SIZE: Final = TypeAdapter(ByteSize)


def rate_of(text: str) -> int:
    """Read a rate, in bytes per second: a number, or text such as "50MB/s". Raises ValueError."""
    try:
        rate = int(_SIZE.validate_python(text.strip().removesuffix("/s")))
    except ValidationError as error:
        raise ValueError(text) from error
    if rate < 1:
        raise ValueError(text)
    return rate


def verify(
    since: SinceOption = None,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="R", help="Most bytes to read per second, such as 50MB/s.")
    ] = None,
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Read archive and quarantine, and name each file that is missing, changed, unreadable or unknown to the ledger.

    Works while the node runs. Exits with 0 if everything is as it was received, 1 if anything is not, 2 if it could
    not run.
    """
    settings = settings_from(config, data_override(data))
    folder, started = settings.storage.folder, time.perf_counter()
    begin = time_of("--since", since) or 0
    pace = Pace(_rate(rate))
    tally = Counter[str]()
    with ledger_of(settings) as db:
        verifier = Verifier(folder, db, pace, begin)
        with _bar(extent(db, begin)[1]) as progress:
            for flaw in verifier.run(progress):
                tally[flaw.sort.value] += 1
                _write(flaw, output)
    _summary(verifier, tally, time.perf_counter() - started, output)
    raise typer.Exit(1 if tally else 0)


def _rate(text: str | None) -> int | None:
    try:
        return None if text is None else rate_of(text)
    except ValueError:
        fail(f"--rate {printable(text or '')}: expected bytes per second, such as 50MB/s")


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if standard error is a terminal."""
    if not errors.is_terminal:
        yield lambda _: None
        return
    console = lines if lines.is_terminal else errors
    columns = TextColumn("verifying"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, redirect_stdout=lines.is_terminal) as bar:
        task = bar.add_task("verifying", total=total)
        yield lambda done: bar.advance(task, done)


def _write(flaw: Flaw, output: OutputFormat) -> None:
    receipt = None if flaw.receipt is None else as_text(flaw.receipt)
    if output is OutputFormat.JSON:
        document = {
            "type": "flaw", "sort": flaw.sort.value, "path": shown(Path(flaw.path)), "receipt": receipt,
            "detail": flaw.detail,
        }  # fmt: skip
        write_json(document)
        return
    named = f" (receipt {receipt})" if receipt else ""
    lines.print(f"{flaw.sort.value:10}  {shown(Path(flaw.path))}{named}: {flaw.detail}", markup=False)


def _summary(verifier: Verifier, tally: Counter[str], seconds: float, output: OutputFormat) -> None:
    done = verifier.extent
    if output is OutputFormat.JSON:
        counts = {sort.value.replace(" ", "_"): tally[sort.value] for sort in Sort}
        write_json(
            {"type": "summary", "objects": done.objects, "bytes": done.bytes, "files": done.files, **counts,
             "seconds": round(seconds, 3)}
        )  # fmt: skip
        return
    found = ", ".join(f"{tally[sort.value]} {sort.value}" for sort in Sort)
    typer.echo(f"{count(done.objects, 'object')}, {done.bytes >> 20} MiB read; {found}; {seconds:.2f} s")
