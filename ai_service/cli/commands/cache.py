"""`alchemorsel cache stats | purge | warm`."""

from __future__ import annotations

from typing import Annotated

import typer

from ai_service.cli.api import SAMPLE_REQUESTS, Api
from ai_service.cli.errors import UnknownNameError
from ai_service.cli.output import AsJson, console, print_json, table
from ai_service.cli.service import megabytes

TASKS = (*SAMPLE_REQUESTS, "chat", "embeddings")

app = typer.Typer(help="Inspect, purge or warm up the cache.", no_args_is_help=True)


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
    task: Annotated[str | None, typer.Option(help="Only answers of this task.")] = None,
    as_json: AsJson = False,
) -> None:
    """Delete cached answers, on every instance within two seconds."""
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    data = Api(ctx.obj).purge(task)
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
