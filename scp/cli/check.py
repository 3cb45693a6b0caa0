"""``auditscp check``: applies the same rules to files and folders, without a network."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress
from rich.text import Text

from scp.audit.catalogue import find
from scp.audit.finding import Decision, Severity
from scp.audit.policy import Profile
from scp.audit.series.result import SeriesAudit, SeriesVerdict
from scp.audit.series.result import document as series_document
from scp.audit.value import written
from scp.checking import Checked, Checker, Skipped, files_under, shown
from scp.cli.options import (
    COULD_NOT_RUN,
    ConfigOption,
    FormatOption,
    OutputFormat,
    errors,
    fail,
    lines,
    settings_from,
    write_json,
)
from scp.cli.plot import PlotOption, draw_into, picture_folder
from scp.cli.series import print_series
from scp.observe import logs
from scp.printable import count, printable
from scp.wiring import policy_of, walk_limits

_COLOURS: Final = {"accept": "green", "warn": "yellow", "refuse": "red", "skipped": "dim"}


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders.", show_default=False)],
    output: FormatOption = OutputFormat.TEXT,
    profile: Annotated[Profile | None, typer.Option("--profile", help="Instead of the configured profile.")] = None,
    pixels: Annotated[bool, typer.Option("--pixels", help="Also look for copied pixel data (DUP-008).")] = False,
    plot: PlotOption = None,
    config: ConfigOption = None,
) -> None:
    """Judge files as if each had been sent, in the order given, and then each series as a whole.

    Exits with 0 if nothing would be refused, 1 if something would be, 2 if it could not run. If something could not be
    read, it also exits with 2, unless something would be refused.
    """
    if missing := [path for path in paths if not path.exists()]:
        fail("\nerror: ".join(f"{shown(path)}: there is no such file or folder" for path in missing))
    settings = settings_from(config, {"--profile": profile})
    logs.configure("auto", "error", sys.stderr)
    pictures = picture_folder(plot)
    limits = walk_limits(settings, Path(gettempdir()))
    checker = Checker(policy_of(settings), limits, settings.limits.object_bytes)
    started, tally, codes = time.perf_counter(), Counter[str](), Counter[str]()
    unread = 0
    for file in _progress(files_under(paths)):
        result = checker.check(file)
        tally[result.verdict.decision.value if isinstance(result, Checked) else "skipped"] += 1
        if isinstance(result, Checked):
            codes.update(finding["code"] for finding in result.findings)
        else:
            unread += result.unread
        if output is OutputFormat.JSON:
            write_json(_document(result))
        else:
            _write_text(result)
    for number, audit in enumerate(checker.series(pixels=pixels), 1):
        if pictures:
            draw_into(pictures, number, audit)
        codes.update(finding.code for finding in audit.findings)
        _write_series(output, audit)
    _write_summary(output, tally, codes, unread, time.perf_counter() - started)
    raise typer.Exit(1 if tally[Decision.REFUSE.value] else COULD_NOT_RUN if unread else 0)


def _progress(files: list[Path]) -> Iterator[Path]:
    """Show a progress bar if standard error is a terminal; the results still go to standard output."""
    if not errors.is_terminal:
        yield from files
        return
    console = lines if lines.is_terminal else errors
    with Progress(console=console, transient=True, redirect_stdout=lines.is_terminal) as bar:
        yield from bar.track(files, description="checking")


def _document(result: Checked | Skipped) -> dict[str, Any]:
    if isinstance(result, Skipped):
        return {"type": "skipped", "path": shown(result.path), "reason": result.reason}
    return {
        "type": "instance",
        "path": shown(result.path),
        "sop_instance_uid": result.facts.sop_instance_uid,
        "series_instance_uid": result.facts.series_instance_uid,
        "verdict": result.verdict.decision.value,
        "status": f"{result.verdict.status:04X}",
        "findings": result.findings,
    }


def _write_text(result: Checked | Skipped) -> None:
    if isinstance(result, Skipped):
        lines.print(Text.assemble(("skipped ", _COLOURS["skipped"]), f"{shown(result.path)}: {result.reason}"))
        return
    verdict = result.verdict.decision.value
    told = [finding for finding in result.findings if finding["severity"] != str(Severity.INFO)]
    if not told:
        return
    lines.print(
        Text.assemble((f"{verdict:7} ", _COLOURS[verdict]), f"{result.verdict.status:04X} {shown(result.path)}")
    )
    for finding in told:
        lines.print(Text(f"        {finding['severity']:6} {finding['code']}  {printable(finding['message'])}"))
        for side in ("expected", "found"):
            if finding[side] is not None:
                lines.print(Text(f"               {side}: {printable(_shown(finding[side]))}"))
        if finding["other"]:
            lines.print(Text(f"               other: {printable(finding['other']['path'])}"))


def _write_series(output: OutputFormat, audit: SeriesAudit) -> None:
    if output is OutputFormat.JSON:
        write_json(series_document(audit))
    elif audit.verdict is not SeriesVerdict.CONSISTENT:
        shown = series_document(audit)
        shown["findings"] = [one for one in shown["findings"] if one["severity"] != str(Severity.INFO)]
        print_series(lines, shown)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} = {'(absent)' if one is None else written(one)}" for name, one in value.items())
    return written(value)


def _write_summary(output: OutputFormat, tally: Counter[str], codes: Counter[str], unread: int, seconds: float) -> None:
    instances = tally.total() - tally["skipped"]
    if output is OutputFormat.JSON:
        write_json(
            {
                "type": "summary",
                "files": tally.total(),
                "instances": instances,
                "accepted": tally["accept"],
                "warned": tally["warn"],
                "refused": tally["refuse"],
                "skipped": tally["skipped"],
                "unread": unread,
                "codes": dict(sorted(codes.items())),
                "seconds": round(seconds, 3),
            }
        )
        return
    unknown = f", {unread} not readable" if unread else ""
    typer.echo(
        f"{count(instances, 'instance')}: {tally['accept']} accepted, {tally['warn']} with warnings, "
        f"{tally['refuse']} refused; {count(tally['skipped'], 'other file')}{unknown}; {seconds:.2f} s"
    )
    for code, times in sorted(codes.items()):
        rule = find(code)
        typer.echo(f"{times:7} × {code}  {rule.problem if rule else ''}")
