"""`alchemorsel cache stats | purge | warm`."""

from __future__ import annotations

from typing import Annotated

import typer

from ai_service.cli.api import QUESTIONS, Api
from ai_service.cli.components import megabytes
from ai_service.cli.errors import UnknownNameError
from ai_service.cli.output import AsJson, console, print_json, table

TASKS = (*QUESTIONS, "chat")

app = typer.Typer(help="Look at what is cached, forget it, or fill it.", no_args_is_help=True)


@app.command()
def stats(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show how much is cached, by task."""
    data = Api(ctx.obj).cache_stats()
    if as_json:
        print_json(data)
        return
    store, memory = data["store"], data["memory"]
    rows = [(task, "unknown" if count is None else count) for task, count in store["entries"].items()]
    table((f"in {store['name']}", "answers"), rows)
    console.print(f"in this process's memory: {memory['entries']} answers, {megabytes(memory['bytes'])}")


@app.command()
def purge(
    ctx: typer.Context,
    task: Annotated[str | None, typer.Option(help="Only this task's answers.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forget the cached answers; the other processes follow within two seconds."""
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    data = Api(ctx.obj).purge(task)
    if as_json:
        print_json(data)
    else:
        table(("task", "forgotten"), data["purged"].items())


@app.command()
def warm(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Ask the configured questions in the background, so that callers find them answered."""
    data = Api(ctx.obj).warm_up()
    if as_json:
        print_json(data)
    else:
        console.print("Warm-up begun; `alchemorsel cache stats --json` shows how far it is.")
