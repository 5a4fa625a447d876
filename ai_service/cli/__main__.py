"""`alchemorsel`: puts the commands together, and turns what goes wrong into a sentence and an exit status."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ai_service import __version__
from ai_service.cli.commands import bench, cache, models, services, status, sync, trial
from ai_service.cli.errors import CliError
from ai_service.cli.output import AsJson, errors, print_json
from ai_service.cli.service import become
from ai_service.cli.site import Site
from ai_service.config import environment

HELP = """Inspect, control and test the AI services of a host.

Exit status: 0 done · 1 failed · 64 unknown name · 69 a service does not respond ·
77 not permitted · 130 interrupted.
"""


class Commands(TyperGroup):
    """The commands; keeps what was typed after the options of `alchemorsel` itself."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve the command; see TyperGroup, whose types belong to the click bundled with typer."""
        ctx.meta["typed"] = list(args)
        return super().resolve_command(ctx, args)


app = typer.Typer(name="alchemorsel", cls=Commands, help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(status.status)
app.command()(status.health)
app.command()(services.start)
app.command()(services.stop)
app.command()(services.restart)
app.command()(services.logs)
app.command("exec")(services.execute)
app.command()(models.pull)
app.command("list")(models.list_models)
app.command()(models.remove)
app.command()(models.load)
app.command()(models.unload)
app.command("test")(trial.trial)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench.bench)
app.add_typer(cache.app, name="cache")
app.add_typer(sync.app, name="models")


@app.command()
def version(as_json: AsJson = False) -> None:
    """Show the release's version."""
    if as_json:
        print_json({"version": __version__})
    else:
        typer.echo(__version__)


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
    return ["ssh", *(["-F", config] if config else []), *terminal, host, "--", shlex.join(["alchemorsel", *arguments])]


def main() -> None:
    """Run the command and exit with its status."""
    try:
        app(prog_name="alchemorsel")
    except CliError as error:
        errors.print(f"[red]✗[/] {error}", soft_wrap=True)
        if error.hint:
            errors.print(f"  {error.hint}", soft_wrap=True)
        sys.exit(error.status)


if __name__ == "__main__":
    main()
