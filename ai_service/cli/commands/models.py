"""`alchemorsel pull | list | remove | load | unload`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ai_service.cli.ollama import Ollama
from ai_service.cli.output import AsJson, console, errors, print_json, table
from ai_service.cli.service import megabytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import TaskID

Model = Annotated[str, typer.Argument(help="name:tag, such as llama3.2:3b", show_default=False)]


def pull(ctx: typer.Context, model: Model, as_json: AsJson = False) -> None:
    """Pull a model; an interrupted pull is resumed."""
    with pull_progress(hidden=as_json) as report:
        Ollama(ctx.obj).pull(model, report)
    _done(f"{model} is pulled", {"pulled": model}, as_json=as_json)


@contextmanager
def pull_progress(*, hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Bars on standard error; gives what `Ollama.pull` reports to."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=errors, disable=hidden or not errors.is_terminal, transient=True) as progress:
        shown: dict[str, TaskID] = {}

        def report(doing: str, done: int, whole: int) -> None:
            if doing not in shown:
                shown[doing] = progress.add_task(doing, total=whole or None)
            progress.update(shown[doing], completed=done, total=whole or None)

        yield report


def list_models(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the models on disk, and whether they are in memory."""
    ollama = Ollama(ctx.obj)
    loaded = {model["name"]: model for model in ollama.loaded()}
    models = [{**model, "loaded": loaded.get(model["name"])} for model in ollama.models()]
    if as_json:
        print_json(models)
        return
    rows = [
        (model["name"], model["digest"][:12], megabytes(model["size"]), "yes" if model["loaded"] else "no")
        for model in models
    ]
    table(("model", "digest", "on disk", "in memory"), rows)
    if not rows:
        console.print("No model is on disk: `alchemorsel pull llama3.2:3b` pulls one.")


def remove(ctx: typer.Context, model: Model, as_json: AsJson = False) -> None:
    """Delete a model from the disk."""
    Ollama(ctx.obj).remove(model)
    _done(f"{model} is deleted", {"removed": model}, as_json=as_json)


def load(ctx: typer.Context, model: Model, as_json: AsJson = False) -> None:
    """Load a model into memory."""
    with console.status(f"loading {model}") if not as_json else errors.status(""):
        Ollama(ctx.obj).load(model)
    _done(f"{model} is in memory", {"loaded": model}, as_json=as_json)


def unload(ctx: typer.Context, model: Model, as_json: AsJson = False) -> None:
    """Unload a model from memory."""
    Ollama(ctx.obj).unload(model)
    _done(f"{model} is out of memory", {"unloaded": model}, as_json=as_json)


def _done(words: str, data: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        console.print(words)
