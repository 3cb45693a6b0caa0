"""``auditscp quarantine``: look at what was refused, and release, replace or drop it."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import orjson
import typer

from scp.cli import quarantine_text as text
from scp.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    LimitOption,
    OutputFormat,
    errors,
    fail,
    settings_from,
    write_json,
)
from scp.cli.reading import (
    RuleOption,
    SenderOption,
    SinceOption,
    account,
    check_owner,
    data_override,
    fail_at,
    ledger_of,
    number_of,
    rule_of,
    time_of,
)
from scp.config import Settings
from scp.errors import NodeFault
from scp.layout import LEDGER
from scp.ledger.acts import Wanted
from scp.ledger.queries import PAGE, HeldFilter, entry_document, held, held_numbers, patient_fingerprint
from scp.printable import printable
from scp.quarantine.acts import BadReason, Quarantine, Result, result_document
from scp.quarantine.listing import case_of
from scp.wiring import open_quarantine

app = typer.Typer(help="List, show, release, replace or drop what was refused.", no_args_is_help=True)


Numbers = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Numbers of receipts.", show_default=False)]
SeriesOption = Annotated[
    str | None, typer.Option("--series", metavar="UID", help="All objects of this series.", show_default=False)
]
StudyOption = Annotated[
    str | None, typer.Option("--study", metavar="UID", help="All objects of this study.", show_default=False)
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; the ledger keeps it: no patient data.", show_default=False)
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.command("list", short_help="List the objects in quarantine, newest first.")
def list_(
    since: SinceOption = None,
    ae_title: SenderOption = None,
    rule: RuleOption = None,
    series: SeriesOption = None,
    study: StudyOption = None,
    patient_id: Annotated[
        str | None,
        typer.Option("--patient-id", metavar="ID", help="Only of the patient with this ID.", show_default=False),
    ] = None,
    state: Annotated[Wanted, typer.Option("--state", help="Only objects in this state.")] = Wanted.HELD,
    limit: LimitOption = PAGE,
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the objects in quarantine, newest first; with --state, those that were."""
    settings = settings_from(config, data_override(data))
    with ledger_of(settings) as db:
        wanted = HeldFilter(
            since=time_of("--since", since),
            calling_ae_title=ae_title,
            rule=rule_of(rule),
            series=series,
            study=study,
            patient=None if patient_id is None else patient_fingerprint(settings.storage.folder / LEDGER, patient_id),
            state=state.state,
            limit=limit,
        )
        found = held(db, wanted)
    if output is OutputFormat.JSON:
        for entry in found:
            write_json(entry_document(entry))
    else:
        text.write_list(found, limit)


@app.command("show", short_help="Show why an object was refused (with patient data).")
def show(
    number: Annotated[str, typer.Argument(metavar="ID", help="The number of a receipt.", show_default=False)],
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the case of an object, with patient data: why it was refused, both sides, what differs, what was done.

    Exits with 0 if the case could be shown; with 1 if it is damaged or missing, so that only what the ledger has is
    shown; with 2 if there is no such receipt or the command could not run.
    """
    settings = settings_from(config, data_override(data))
    with ledger_of(settings) as db:
        case = case_of(db, settings.storage.folder, number_of(number))
    if case is None:
        fail(f"there is no receipt {number.upper()}")
    if output is OutputFormat.JSON:
        sys.stdout.write(orjson.dumps(case, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        text.write_case(case)
    if case["problem"]:
        errors.print(f"error: the case is damaged: {printable(case['problem'])}", markup=False)
        raise typer.Exit(1)


@app.command("release", short_help="Judge objects again; archive what is accepted.")
def release(
    numbers: Numbers = None,
    series: SeriesOption = None,
    study: StudyOption = None,
    force: Annotated[bool, typer.Option("--force", help="Archive whatever the rules say; needs --reason.")] = False,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Judge objects again, with the present settings and ledger, and move those that are accepted to the archive.

    Works while the node runs. Exits with 0 if all is done, 1 if anything stays in quarantine, 2 if it could not run.
    """
    if force and not reason.strip():
        fail("--force needs --reason")
    _act(
        lambda quarantine, one: quarantine.release(one, _who(), reason, force=force, dry_run=dry_run),
        settings_from(config, data_override(data)), numbers, series, study, output, dry_run=dry_run,
    )  # fmt: skip


@app.command("replace", short_help="Archive objects in place of the stored ones.")
def replace(
    reason: ReasonOption,
    numbers: Numbers = None,
    series: SeriesOption = None,
    study: StudyOption = None,
    dry_run: DryRunOption = False,
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Archive objects in place of the stored ones with the same SOP Instance UID, which go to quarantine.

    Works while the node runs. Exits with 0 if all is done, 1 if anything stays in quarantine, 2 if it could not run.
    """
    _act(
        lambda quarantine, one: quarantine.replace(one, _who(), reason, dry_run=dry_run),
        settings_from(config, data_override(data)), numbers, series, study, output, dry_run=dry_run,
    )  # fmt: skip


@app.command("drop", short_help="Remove objects from quarantine for good.")
def drop(
    reason: ReasonOption,
    numbers: Numbers = None,
    series: SeriesOption = None,
    study: StudyOption = None,
    dry_run: DryRunOption = False,
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove objects from quarantine for good, with their cases; their receipts stay.

    Works while the node runs. Exits with 0 if all is done, 1 if anything stays in quarantine, 2 if it could not run.
    """
    _act(
        lambda quarantine, one: quarantine.drop(one, _who(), reason, dry_run=dry_run),
        settings_from(config, data_override(data)), numbers, series, study, output, dry_run=dry_run,
    )  # fmt: skip


def _act(
    act: Callable[[Quarantine, int], Result],
    settings: Settings,
    numbers: Sequence[str] | None,
    series: str | None,
    study: str | None,
    output: OutputFormat,
    *,
    dry_run: bool,
) -> None:
    """Act on each object in turn, oldest first, and report each as soon as it is done."""
    folder = settings.storage.folder
    chosen = _chosen(settings, numbers, series, study)
    check_owner(folder)
    failed = 0
    try:
        with open_quarantine(settings) as quarantine:
            for number in chosen:
                result = act(quarantine, number)
                failed += not result.done
                if output is OutputFormat.JSON:
                    write_json(result_document(result))
                else:
                    text.write_result(result, rehearsed=dry_run)
    except BadReason as error:
        fail(f"--reason: {error}")
    except NodeFault as fault:
        fail_at(folder, fault)
    raise typer.Exit(1 if failed else 0)


def _chosen(settings: Settings, numbers: Sequence[str] | None, series: str | None, study: str | None) -> list[int]:
    """Return the receipts that are named, then those held of a series or study, oldest first."""
    if not (numbers or series or study):
        fail("name receipts, --series or --study")
    named = [number_of(number) for number in numbers or ()]
    if series or study:
        with ledger_of(settings) as db:
            named += reversed(held_numbers(db, HeldFilter(series=series, study=study, limit=None)))
    if not named:
        fail("nothing of it is in quarantine")
    return list(dict.fromkeys(named))


def _who() -> str:
    """Return who acts: the account that called sudo, if there is one, or else that of the process."""
    return f"os:{printable(os.environ.get('SUDO_USER') or account(os.getuid()))}"
