"""`alchemorsel start | stop | restart | logs | exec`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ai_service.cli.components import NOT_HERE, become
from ai_service.cli.errors import CliError, UnknownNameError
from ai_service.cli.output import AsJson, console, print_json
from ai_service.cli.parts import components

if TYPE_CHECKING:
    from ai_service.cli.components import Component
    from ai_service.cli.site import Site

Part = Annotated[
    str, typer.Argument(help="redis, ollama, api, page, edge, or all that is on this host", show_default=False)
]


def start(ctx: typer.Context, part: Part = "all", as_json: AsJson = False) -> None:
    """Start a part, or all of them in their order."""
    _act(ctx.obj, "start", part, as_json=as_json)


def stop(ctx: typer.Context, part: Part = "all", as_json: AsJson = False) -> None:
    """Stop a part, or all of them; the API ends what it has begun first."""
    _act(ctx.obj, "stop", part, as_json=as_json)


def restart(ctx: typer.Context, part: Part = "all", as_json: AsJson = False) -> None:
    """Restart a part, or all of them in their order; the API one instance after the other."""
    _act(ctx.obj, "restart", part, as_json=as_json)


def logs(
    ctx: typer.Context,
    part: Annotated[str, typer.Argument(help="redis, ollama, api, page or edge")] = "api",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many of the last lines.")] = 100,
) -> None:
    """Show a part's log."""
    site: Site = ctx.obj
    component = _known(components(site.container), part)
    if not _is_here(component):
        raise CliError(f"{part} is {NOT_HERE}.", hint="`alchemorsel status` shows what is.")
    become(component.follow_command(lines=lines, follow=follow))


def execute(
    ctx: typer.Context,
    command: Annotated[list[str], typer.Argument(help="What to run, after --", show_default=False)],
) -> None:
    """Run a program in Ollama's container, such as: alchemorsel exec -- ollama show llama3.2:3b."""
    site: Site = ctx.obj
    terminal = ["--interactive", "--tty"] if console.is_terminal else ["--interactive"]
    become(["docker", "exec", *terminal, site.container, *command])


def _act(site: Site, verb: str, part: str, *, as_json: bool) -> None:
    parts = components(site.container)
    chosen = {part: _known(parts, part)} if part != "all" else {n: p for n, p in parts.items() if _is_here(p)}
    if verb == "stop":
        chosen = dict(reversed(chosen.items()))
    for name, component in chosen.items():
        component.act(verb)
        if not as_json:
            console.print(f"{name}: {component.state().words}")
    if as_json:
        print_json({name: component.state().words for name, component in chosen.items()})


def _known(parts: dict[str, Component], name: str) -> Component:
    if name not in parts:
        raise UnknownNameError("part", name, parts)
    return parts[name]


def _is_here(part: Component) -> bool:
    return part.state().words != NOT_HERE
