"""`alchemorsel pull | list | ps | show | rm | load | unload`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ai_service.cli import completion
from ai_service.cli.confirmation import Yes, confirm, require_answerable
from ai_service.cli.model_text import described, loaded_row
from ai_service.cli.ollama import Ollama
from ai_service.cli.output import AsJson, console, errors, print_json, table
from ai_service.cli.service import megabytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import TaskID

_NAME = "name:tag, such as llama3.2:3b"
Model = Annotated[str, typer.Argument(help=_NAME, show_default=False)]
OnDisk = Annotated[str, typer.Argument(help=_NAME, show_default=False, autocompletion=completion.models)]
InMemory = Annotated[str, typer.Argument(help=_NAME, show_default=False, autocompletion=completion.loaded_models)]


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


def ps(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the models in memory."""
    loaded = Ollama(ctx.obj).loaded()
    if as_json:
        print_json(loaded)
        return
    table(("NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"), [loaded_row(model) for model in loaded])
    if not loaded:
        console.print("No model is in memory.")


def show(ctx: typer.Context, model: OnDisk, as_json: AsJson = False) -> None:
    """Show a model: architecture, size, context length, capabilities, parameters, licence."""
    details = Ollama(ctx.obj).show(model)
    if as_json:
        print_json(details)
        return
    for title, rows in described(details).items():
        if rows:
            console.print(title, style="bold")
            table(("", ""), [(f"  {name}", value) for name, value in rows], headed=False)


def rm(
    ctx: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(help=_NAME, show_default=False, autocompletion=completion.models),
    ],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete models from the disk; asks first."""
    _remove(ctx, models, yes=yes)
    _done(f"{', '.join(models)} deleted", {"removed": models}, as_json=as_json)


def remove(ctx: typer.Context, model: OnDisk, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete a model from the disk: the former name of `rm`."""
    _remove(ctx, [model], yes=yes)
    _done(f"{model} deleted", {"removed": model}, as_json=as_json)


def _remove(ctx: typer.Context, models: list[str], *, yes: bool) -> None:
    """Delete models after a confirmation; where one of them is unknown, none is deleted."""
    act = f"delete {', '.join(models)} from the disk"
    require_answerable(act, yes=yes)
    ollama = Ollama(ctx.obj)
    for model in models:
        ollama.require(model)
    confirm(act, yes=yes, loses="Only a pull brings it back." if len(models) == 1 else "Only pulls bring them back.")
    for model in models:
        ollama.remove(model)


def load(ctx: typer.Context, model: OnDisk, as_json: AsJson = False) -> None:
    """Load a model into memory."""
    with console.status(f"loading {model}") if not as_json else errors.status(""):
        Ollama(ctx.obj).load(model)
    _done(f"{model} is in memory", {"loaded": model}, as_json=as_json)


def unload(ctx: typer.Context, model: InMemory, as_json: AsJson = False) -> None:
    """Unload a model from memory."""
    Ollama(ctx.obj).unload(model)
    _done(f"{model} is out of memory", {"unloaded": model}, as_json=as_json)


def _done(words: str, data: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(data)
    else:
        console.print(words)
