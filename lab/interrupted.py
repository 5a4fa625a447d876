"""Plays that may be interrupted: what goes before each, its arguments, and what has to change nothing afterwards."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.artifacts import OTHER_MODEL
from lab.paths import ROOT
from lab.plays import SITE

if TYPE_CHECKING:
    from pathlib import Path

NEWER = "{newer}"
"""In an argument: the folder of a newer release's source."""

FIRST = "{first}"
"""In an argument: the release that site.yml has deployed."""

Run = tuple[str, ...]
"""A playbook and further arguments."""

_CHANGES = ("-e", "redis_maxmemory=200mb", "-e", "ollama_keep_alive=23h", "-e", f"ai_service_source={NEWER}")
_FORMER = (SITE, "-e", "ollama_models_prune=true")
"""What an earlier rotation brought goes."""
_ROTATION = (
    "-e",
    json.dumps(
        {
            "ai_service_ollama_model": OTHER_MODEL,
            "ollama_models": [{"name": OTHER_MODEL, "required": True, "preload": True}],
            "ollama_models_prune": True,
        }
    ),
)


@dataclass(frozen=True)
class Interrupted:
    """A play.

    Attributes:
        run: The play that is killed, and run again.
        length_s: How long it takes, over which moments are drawn.
        before: What makes the host one on which it has something to do.
        settled: What has to change nothing after the first re-run; the play itself where it is empty.
    """

    run: Run
    length_s: float
    before: tuple[Run, ...] = ()
    settled: Run = ()


BARE = "site"
"""The play whose hosts are bare ones."""

PLAYS = {
    BARE: Interrupted((SITE,), 150),
    "upgrade": Interrupted(("playbooks/upgrade.yml", *_CHANGES), 90, before=((SITE,),)),
    "rotate_models": Interrupted(("playbooks/rotate_models.yml", *_ROTATION), 60, before=(_FORMER,)),
    "rollback": Interrupted(
        ("playbooks/rollback.yml", "-e", f"ai_service_release={FIRST}"),
        40,
        before=((SITE,), ("playbooks/deploy.yml", "-e", f"ai_service_source={NEWER}")),
        settled=(SITE,),
    ),
    "restore": Interrupted(
        ("playbooks/restore.yml",), 60, before=((SITE,), ("playbooks/backup.yml",)), settled=(SITE,)
    ),
    "teardown": Interrupted(("playbooks/teardown.yml", "-e", "teardown_confirm=yes"), 60, before=((SITE,),)),
}
"""By name, as `python -m lab.kills --play` takes it. A play on a slower machine takes longer: `--length`."""


def newer_source(folder: Path, number: int) -> Path:
    """Copy the service's source into a folder, with a later version that ends in a number, and return it."""
    source = folder / "ai_service"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "ai_service", source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    package = source / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', f'__version__ = "9.{number}.'))
    return source


def fill(run: Run, **values: str) -> Run:
    """Return a run with its placeholders filled in; an argument in JSON has braces of its own."""
    filled = list(run)
    for name, value in values.items():
        filled = [argument.replace(f"{{{name}}}", value) for argument in filled]
    return tuple(filled)
