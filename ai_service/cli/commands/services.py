"""`alchemorsel start | stop | restart | logs | exec`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ai_service.cli import completion
from ai_service.cli.confirmation import Yes, confirm, require_answerable
from ai_service.cli.errors import CliError, UnknownNameError
from ai_service.cli.host_services import host_services
from ai_service.cli.log_text import as_record, for_people, parse_since, run_lines
from ai_service.cli.output import AsJson, console, print_json
from ai_service.cli.service import NOT_INSTALLED, become

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.cli.service import Service
    from ai_service.cli.site import Site

ALL = "all"
DEFAULT_LINES = 100

Name = Annotated[
    str,
    typer.Argument(
        help="redis, sentinel, redis-connection, ollama, api, page, edge, or all services of this host",
        show_default=False,
        autocompletion=completion.services,
    ),
]


def start(ctx: typer.Context, service: Name = ALL, as_json: AsJson = False) -> None:
    """Start one service, or all in order."""
    known = host_services(ctx.obj.container)
    _act(known, "start", _choose(known, service), as_json=as_json)


def stop(ctx: typer.Context, service: Name = ALL, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop one service, or all in order; the API drains first. Without a name it asks first."""
    known = host_services(ctx.obj.container)
    if service == ALL:
        require_answerable("stop all services of this host", yes=yes)
    chosen = _choose(known, service)[::-1]
    if service == ALL:
        loses = "Callers get no answers until they are started again."
        confirm(f"stop all services of this host ({', '.join(chosen)})", yes=yes, loses=loses)
    _act(known, "stop", chosen, as_json=as_json)


def restart(ctx: typer.Context, service: Name = ALL, as_json: AsJson = False) -> None:
    """Restart one service, or all in order; the API one instance at a time."""
    known = host_services(ctx.obj.container)
    _act(known, "restart", _choose(known, service), as_json=as_json)


def logs(
    ctx: typer.Context,
    service: Annotated[
        str,
        typer.Argument(
            help="redis, sentinel, redis-connection, ollama, api, page or edge", autocompletion=completion.services
        ),
    ] = "api",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log.")] = False,
    lines: Annotated[
        int | None,
        typer.Option("--lines", "-n", min=0, help="Number of lines to show (default: 100; all of them with --since)."),
    ] = None,
    since: Annotated[
        str, typer.Option(help="Show lines of the last 10m, 2h, 1d, or from 2026-11-30T12:00 on.", metavar="TIME")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for programs.")] = False,
) -> None:
    """Show a service's log."""
    site: Site = ctx.obj
    chosen = _known(host_services(site.container), service)
    oldest = parse_since(since, datetime.now().astimezone()) if since else None
    if not _is_here(chosen):
        raise CliError(f"{service} is {NOT_INSTALLED}.", hint="`alchemorsel status` shows the services of this host.")
    if lines is None and not since:
        lines = DEFAULT_LINES
    command = chosen.log_command(lines=lines, since=oldest, follow=follow)
    for line in run_lines(command):
        read = chosen.read_log_line(line)
        if as_json:
            console.print(as_record(read), markup=False, soft_wrap=True)
        else:
            console.print(for_people(read), soft_wrap=True)


def execute(
    ctx: typer.Context,
    command: Annotated[list[str], typer.Argument(help="Command to run, after --", show_default=False)],
) -> None:
    """Run a program in Ollama's container, such as: alchemorsel exec -- ollama show llama3.2:3b."""
    site: Site = ctx.obj
    terminal = ["--interactive", "--tty"] if console.is_terminal else ["--interactive"]
    become(["docker", "exec", *terminal, site.container, *command])


def _act(known: dict[str, Service], verb: str, chosen: Sequence[str], *, as_json: bool) -> None:
    for name in chosen:
        known[name].act(verb)
        if not as_json:
            console.print(f"{name}: {known[name].state().words}")
    if as_json:
        print_json({name: known[name].state().words for name in chosen})


def _choose(known: dict[str, Service], name: str) -> list[str]:
    """Return the service of this name, or all of this host, in the order of their start."""
    if name != ALL:
        _known(known, name)
        return [name]
    chosen = [each for each, service in known.items() if _is_here(service)]
    if not chosen:
        raise CliError("None of the services is on this host.", hint="--host HOST names another one.")
    return chosen


def _known(known: dict[str, Service], name: str) -> Service:
    if name not in known:
        raise UnknownNameError("service", name, known)
    return known[name]


def _is_here(service: Service) -> bool:
    return service.state().words != NOT_INSTALLED
