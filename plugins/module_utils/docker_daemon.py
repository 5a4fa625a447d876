"""What Docker's daemon.json is to hold, and what of it is ours.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Tree = dict[str, Any]


class BadConfigError(Exception):
    """A file holds something other than a JSON object."""


def read_object(path: Path) -> Tree:
    """Return the JSON object that a file holds; empty where the file is absent or blank.

    Raises:
        BadConfigError: The file holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return {}
    except ValueError as error:  # also where it is not UTF-8
        raise BadConfigError(
            f"{path} is not JSON ({error}): fix it, or move it away to start with an empty one"
        ) from error
    if not isinstance(value, dict):
        raise BadConfigError(f"{path} holds no JSON object: fix it, or move it away to start with an empty one")
    return value


def merge(base: Tree, over: Tree) -> Tree:
    """Return `base` with `over` merged in: mappings by key, lists joined, all else replaced."""
    merged = dict(base)
    for key, value in over.items():
        there = merged.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            merged[key] = merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            merged[key] = there + [item for item in value if item not in there]
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def subtract(base: Tree, applied: Tree) -> Tree:
    """Return `base` without what was applied: keys that still have the applied value, items of lists.

    A value that somebody changed since is theirs, and stays. Mappings and lists emptied by this go.
    """
    rest: Tree = {}
    for key, value in base.items():
        mine = applied.get(key)
        if key not in applied:
            rest[key] = value
        elif isinstance(value, dict) and isinstance(mine, dict):
            if inner := subtract(value, mine):
                rest[key] = inner
        elif isinstance(value, list) and isinstance(mine, list):
            if items := [item for item in value if item not in mine]:
                rest[key] = items
        elif value != mine:
            rest[key] = value
    return rest


def without_nulls(tree: Tree) -> Tree:
    """Return a tree without the keys whose value is null, and without mappings that this empties."""
    kept: Tree = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            if inner := without_nulls(value):
                kept[key] = inner
        elif value is not None:
            kept[key] = value
    return kept


def plan(current: Tree, applied: Tree, defaults: Tree, options: Tree) -> tuple[Tree, Tree]:
    """Return the configuration to write, and what of it is ours.

    Args:
        current: What the file holds.
        applied: What was ours the last time.
        defaults: Yield to what others wrote.
        options: Do not give way; null takes a default away.
    """
    foreign = subtract(current, applied)
    wanted = merge(defaults, options)
    # Options of a log driver mean nothing to another driver, and the daemon would refuse to start with them.
    driver = options.get("log-driver") or foreign.get("log-driver") or defaults.get("log-driver")
    if "log-opts" in defaults and driver != defaults.get("log-driver"):
        wanted["log-opts"] = options.get("log-opts")
    wanted, options = without_nulls(wanted), without_nulls(options)
    ours = _only_ours(merge(_yielding(wanted, merge(foreign, options)), options), foreign)
    stale = subtract(applied, ours)
    return merge(subtract(current, stale), ours), ours


def _yielding(wanted: Tree, decided: Tree) -> Tree:
    """Return what is wanted, without the plain values that are decided already."""
    kept: Tree = {}
    for key, value in wanted.items():
        there = decided.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            kept[key] = _yielding(value, there)
        elif key not in decided or (isinstance(value, list) and isinstance(there, list)):
            kept[key] = value
    return kept


def _only_ours(ours: Tree, foreign: Tree) -> Tree:
    """Return what is ours alone: without list items and values that others wrote as well."""
    kept: Tree = {}
    for key, value in ours.items():
        there = foreign.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            kept[key] = _only_ours(value, there)
        elif isinstance(value, list) and isinstance(there, list):
            kept[key] = [item for item in value if item not in there]
        elif key not in foreign or value != there:
            kept[key] = value
    return kept


def is_converged(path: Path, record: Path, defaults: Tree, options: Tree) -> bool:
    """Return whether file and record are as :func:`plan` wants them; False where one of them cannot be read.

    Args:
        path: The configuration file.
        record: File that remembers what is ours.
        defaults: As for :func:`plan`.
        options: As for :func:`plan`.
    """
    try:
        current, applied = read_object(path), read_object(record)
    except BadConfigError:
        return False
    return plan(current, applied, defaults, options) == (current, applied)
