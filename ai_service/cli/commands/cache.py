"""`alchemorsel cache stats | purge | warm`."""

from __future__ import annotations

from typing import Annotated

import typer

from ai_service.cli import completion
from ai_service.cli.api import TASKS, Api
from ai_service.cli.command_group import CommandGroup
from ai_service.cli.confirmation import Yes, confirm, require_answerable
from ai_service.cli.errors import UnknownNameError
from ai_service.cli.output import AsJson, console, print_json, table
from ai_service.cli.service import megabytes

app = typer.Typer(cls=CommandGroup, help="Inspect, purge or warm up the cache.")


@app.command()
def stats(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the number of cached answers by task."""
    data = Api(ctx.obj).cache_stats()
    if as_json:
        print_json(data)
        return
    store, memory = data["store"], data["memory"]
    rows = [(task, "unknown" if count is None else count) for task, count in store["entries"].items()]
    table((f"in {store['name']}", "answers"), rows)
    console.print(f"in memory of this instance: {memory['entries']} answers, {megabytes(memory['bytes'])}")


@app.command()
def purge(
    ctx: typer.Context,
    task: Annotated[
        str | None, typer.Option(help="Only answers of this task.", autocompletion=completion.tasks, metavar="TASK")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete cached answers, on every instance within two seconds. Without --task it asks first."""
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    api = Api(ctx.obj)
    if task is None and not yes:
        require_answerable("purge the cached answers of all tasks", yes=yes)
        counts = api.cache_stats()["store"]["entries"]
        counted = ", ".join(f"{name} {'unknown' if count is None else count}" for name, count in counts.items())
        confirm(f"purge all cached answers ({counted})", yes=yes, loses="Each is computed again when it is asked for.")
    data = api.purge(task)
    if as_json:
        print_json(data)
    else:
        table(("task", "deleted"), data["purged"].items())


@app.command()
def warm(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Answer the configured requests in the background, so that they are cached."""
    data = Api(ctx.obj).warm_up()
    if as_json:
        print_json(data)
    else:
        console.print("Warm-up started; `alchemorsel cache stats --json` shows its progress.")
