"""``auditscp config``: checks the configuration, and shows the settings in force."""

import typer

from scp.cli.options import ConfigOption, fail_over, settings_from
from scp.config import ConfigurationError, render
from scp.renewal import prepared

app = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)


@app.command("check", short_help="Report everything that is wrong with it.")
def check(config: ConfigOption = None) -> None:
    """Report everything that is wrong with the configuration, including the certificates and secrets that it names.

    Exits with 0 if nothing is wrong, 2 otherwise.
    """
    settings = settings_from(config)
    try:
        prepared(settings)
    except ConfigurationError as error:
        fail_over(error)
    typer.echo(f"{config or 'the defaults'}: no problems")


@app.command("show", short_help="Write the settings in force, as TOML.")
def show(
    config: ConfigOption = None,
) -> None:
    """Write the settings in force as TOML: file, environment and defaults together."""
    typer.echo(render(settings_from(config)), nl=False)
