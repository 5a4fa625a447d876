"""`alchemorsel`: puts the commands together, and turns what goes wrong into a sentence and an exit status."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

from ai_service import __version__
from ai_service.cli.command_group import HELP_OPTIONS, RootGroup
from ai_service.cli.commands import ask, bench, cache, models, services, status, sync, trial
from ai_service.cli.completion import PROGRAM, completion
from ai_service.cli.errors import CliError
from ai_service.cli.output import AsJson, errors, print_json
from ai_service.cli.service import become
from ai_service.cli.site import Site
from ai_service.config import environment

HELP = "Ask, inspect and control the AI services of a host."
STATUSES = {
    0: "done",
    1: "failed, or the confirmation was declined",
    2: "wrong usage",
    64: "unknown name, or --yes is missing where nobody can be asked",
    69: "a service does not respond",
    75: "no capacity now; try again later",
    77: "not permitted",
    130: "interrupted",
    255: "no connection to the host named by --host",
}
"""What the command ends with, but for `exec` and `bench`."""
EPILOG = "\n".join(
    [
        "Exit status:",
        *(f"{status:>5}  {meaning}" for status, meaning in STATUSES.items()),
        "`exec` and `bench` end with the status of what they run.",
    ]
)
ANSWERS, SERVICES, MODELS, MORE = "Answers", "Services", "Models of Ollama", "More"

app = typer.Typer(
    name=PROGRAM,
    cls=RootGroup,
    help=HELP,
    epilog=EPILOG,
    context_settings=HELP_OPTIONS,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(ask.app, name="ask", rich_help_panel=ANSWERS)
app.command("test", rich_help_panel=ANSWERS)(trial.trial)
app.add_typer(cache.app, name="cache", rich_help_panel=ANSWERS)
app.command(rich_help_panel=SERVICES)(status.status)
app.command(rich_help_panel=SERVICES)(status.health)
app.command(rich_help_panel=SERVICES)(services.start)
app.command(rich_help_panel=SERVICES)(services.stop)
app.command(rich_help_panel=SERVICES)(services.restart)
app.command(rich_help_panel=SERVICES)(services.logs)
app.command("exec", rich_help_panel=SERVICES)(services.execute)
app.command("list", rich_help_panel=MODELS)(models.list_models)
app.command(rich_help_panel=MODELS)(models.ps)
app.command(rich_help_panel=MODELS)(models.show)
app.command(rich_help_panel=MODELS)(models.pull)
app.command(rich_help_panel=MODELS)(models.rm)
app.command(rich_help_panel=MODELS)(models.load)
app.command(rich_help_panel=MODELS)(models.unload)
app.command(deprecated=True, hidden=True)(models.remove)
app.add_typer(sync.app, name="models", rich_help_panel=MODELS)
app.command(rich_help_panel=MORE, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    bench.bench
)
app.command(rich_help_panel=MORE)(completion)


@app.command(rich_help_panel=MORE)
def version(as_json: AsJson = False) -> None:
    """Show the release's version."""
    if as_json:
        print_json({"version": __version__})
    else:
        typer.echo(__version__)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def choose(
    ctx: typer.Context,
    host: Annotated[str, typer.Option("--host", "-H", help="Run on this host over SSH.", metavar="HOST")] = "",
    ca_file: Annotated[
        str,
        typer.Option(
            envvar=f"{environment.PREFIX}CA_FILE",
            help="CA bundle for https:// (default: the operating system's).",
            metavar="FILE",
            show_default=False,
        ),
    ] = "",
    ssh_config: Annotated[
        str, typer.Option(help="OpenSSH configuration file.", metavar="FILE", show_default=False)
    ] = "",
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the release's version.")
    ] = False,
) -> None:
    """Choose the host: this one, or another one by the command installed there."""
    if host and ctx.invoked_subcommand != "bench":
        become(_over_ssh(host, ssh_config, ctx.meta["typed"]))
    ctx.obj = Site.from_env(os.environ, ca_file=ca_file)
    for warning in environment.deprecations(environment.of(Site), os.environ):
        errors.print(f"[yellow]![/] {warning}", soft_wrap=True)
    ctx.meta["host"], ctx.meta["ssh_config"] = host, ssh_config


def _over_ssh(host: str, config: str, arguments: list[str]) -> list[str]:
    terminal = ["-t", "-o", "LogLevel=ERROR"] if sys.stdout.isatty() else []
    return ["ssh", *(["-F", config] if config else []), *terminal, host, "--", shlex.join([PROGRAM, *arguments])]


def main() -> None:
    """Run the command and exit with its status."""
    try:
        app(prog_name=PROGRAM)
    except CliError as error:
        errors.print(f"[red]✗[/] {error}", soft_wrap=True)
        if error.hint:
            errors.print(f"  {error.hint}", soft_wrap=True)
        sys.exit(error.status)


if __name__ == "__main__":
    main()
