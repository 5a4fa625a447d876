"""`alchemorsel models sync`: a server's models, brought to what a manifest wants."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the types of the arguments
from typing import Annotated

import typer

from ai_service.cli.command_group import CommandGroup
from ai_service.cli.commands.models import pull_progress
from ai_service.cli.errors import CliError, NotReachableError
from ai_service.cli.manifest import WantedModel, read, reference
from ai_service.cli.ollama import Ollama
from ai_service.cli.output import AsJson, console, print_json

app = typer.Typer(cls=CommandGroup, help="Synchronise the models with a manifest.")


@app.callback()
def models() -> None:
    """Keep `sync` a subcommand; as the only command it would take the place of the group."""


@app.command()
def sync(
    ctx: typer.Context,
    manifest: Annotated[
        Path,
        typer.Argument(
            help="File with the list ollama_models, such as inventories/dev/group_vars/ollama_hosts/models.yml",
            show_default=False,
        ),
    ],
    registry: Annotated[
        str,
        typer.Option(
            help="Pull from this registry instead of Ollama's; prefix http:// for one without TLS.",
            metavar="HOST[:PORT]",
            show_default=False,
        ),
    ] = "",
    context_length: Annotated[
        int | None, typer.Option(min=1, help="Context length in tokens for preloading (default: the server's).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pull models that are missing or have another digest, and preload those marked so. Others are not changed.

    Exit status 1 if a required model is not available; an optional one is reported and skipped.
    """
    ollama = Ollama(ctx.obj)
    done: dict[str, str] = {}
    missing = []
    for model in read(manifest):
        try:
            done[model.name] = _bring(ollama, model, registry=registry, context_length=context_length, quiet=as_json)
        except NotReachableError:
            raise
        except CliError as error:
            done[model.name] = f"{'missing' if model.required else 'skipped'}: {error}"
            missing += [model.name] if model.required else []
        if not as_json:
            console.print(f"{model.name}: {done[model.name]}", markup=False, soft_wrap=True)
    if as_json:
        print_json({"models": done, "missing": missing})
    if missing:
        raise CliError(
            f"Required models are not available: {', '.join(missing)}.", hint="Check names, registry and network."
        )


def _bring(ollama: Ollama, model: WantedModel, *, registry: str, context_length: int | None, quiet: bool) -> str:
    """Bring one model to its entry in the manifest.

    Returns:
        What was done, in words.

    Raises:
        CliError: It is not available.
    """
    done = []
    before = _digest(ollama, model.full_name)
    if not before or before != (model.bare_digest or before):
        host, plain = registry.removeprefix("https://").removeprefix("http://"), registry.startswith("http://")
        pulled = reference(host, model.full_name)
        with pull_progress(hidden=quiet) as report:
            ollama.pull(pulled, report, insecure=plain)
        got = _digest(ollama, pulled)
        if model.digest and got != model.bare_digest:
            ollama.remove(pulled)
            raise CliError(f"{pulled} has the digest {got}, not {model.bare_digest}; it was deleted")
        if pulled != model.full_name:
            ollama.rename(pulled, model.full_name)
        done.append("pulled")
    if model.preload and model.full_name not in {loaded["name"] for loaded in ollama.loaded()}:
        ollama.load(model.full_name, context_length=context_length)
        done.append("loaded")
    return " and ".join(done) or "up to date"


def _digest(ollama: Ollama, name: str) -> str:
    """SHA-256 of a model's manifest; "" where the server does not have it."""
    digests = (str(entry["digest"]) for entry in ollama.models() if entry["name"] == name)
    return next(digests, "").removeprefix("sha256:")
