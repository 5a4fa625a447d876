"""`alchemorsel start | stop | restart | logs | exec`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ai_service.cli.errors import CliError, UnknownNameError
from ai_service.cli.host_services import host_services
from ai_service.cli.output import AsJson, console, print_json
from ai_service.cli.service import NOT_INSTALLED, become

if TYPE_CHECKING:
    from ai_service.cli.service import Service
    from ai_service.cli.site import Site

Name = Annotated[
    str,
    typer.Argument(
        help="redis, sentinel, redis-connection, ollama, api, page, edge, or all services of this host",
        show_default=False,
    ),
]


def start(ctx: typer.Context, service: Name = "all", as_json: AsJson = False) -> None:
    """Start one service, or all in order."""
    _act(ctx.obj, "start", service, as_json=as_json)


def stop(ctx: typer.Context, service: Name = "all", as_json: AsJson = False) -> None:
    """Stop one service, or all in order; the API drains first."""
    _act(ctx.obj, "stop", service, as_json=as_json)


def restart(ctx: typer.Context, service: Name = "all", as_json: AsJson = False) -> None:
    """Restart one service, or all in order; the API one instance at a time."""
    _act(ctx.obj, "restart", service, as_json=as_json)


def logs(
    ctx: typer.Context,
    service: Annotated[
        str, typer.Argument(help="redis, sentinel, redis-connection, ollama, api, page or edge")
    ] = "api",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Number of lines to show.")] = 100,
) -> None:
    """Show a service's log."""
    site: Site = ctx.obj
    chosen_service = _known(host_services(site.container), service)
    if not _is_here(chosen_service):
        raise CliError(f"{service} is {NOT_INSTALLED}.", hint="`alchemorsel status` shows the services of this host.")
    become(chosen_service.follow_command(lines=lines, follow=follow))


def execute(
    ctx: typer.Context,
    command: Annotated[list[str], typer.Argument(help="Command to run, after --", show_default=False)],
) -> None:
    """Run a program in Ollama's container, such as: alchemorsel exec -- ollama show llama3.2:3b."""
    site: Site = ctx.obj
    terminal = ["--interactive", "--tty"] if console.is_terminal else ["--interactive"]
    become(["docker", "exec", *terminal, site.container, *command])


def _act(site: Site, verb: str, service: str, *, as_json: bool) -> None:
    known = host_services(site.container)
    chosen = {service: _known(known, service)} if service != "all" else {n: p for n, p in known.items() if _is_here(p)}
    if verb == "stop":
        chosen = dict(reversed(chosen.items()))
    for name, chosen_service in chosen.items():
        chosen_service.act(verb)
        if not as_json:
            console.print(f"{name}: {chosen_service.state().words}")
    if as_json:
        print_json({name: chosen_service.state().words for name, chosen_service in chosen.items()})


def _known(known: dict[str, Service], name: str) -> Service:
    if name not in known:
        raise UnknownNameError("service", name, known)
    return known[name]


def _is_here(service: Service) -> bool:
    return service.state().words != NOT_INSTALLED
