"""Filter that reads which image an archive holds, on the control machine, before anything is sent to a host."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def image_archive(path: str, image: str, wanted_id: str = "") -> dict[str, Any]:
    """Read an archive of `docker save`.

    Args:
        path: The archive.
        image: Reference that the image must have in it. A digest behind the tag is left out: archives carry none.
        wanted_id: ID that the image must have; empty = any.

    Returns:
        `ids`: what an engine may call the image, once loaded: the digest of its configuration, or, where the engine
        keeps images in containerd, of its manifest. `problem`: why the archive cannot serve; empty where it can.
    """
    reference = image.partition("@")[0]
    try:
        with tarfile.open(path) as archive:
            saved = _member(archive, "manifest.json")
            index = _member(archive, "index.json") or {}
    except (OSError, tarfile.TarError, ValueError) as error:
        return _unfit(f"ollama_image_archive: {path} cannot be read: {error}")
    if not saved:
        return _unfit(f"ollama_image_archive: {path} is not an archive of `docker save`: it has no manifest.json")
    held = {tag: entry for entry in saved for tag in entry.get("RepoTags") or []}
    entry = next((entry for tag, entry in held.items() if _familiar(tag) == _familiar(reference)), None)
    if entry is None:
        names = ", ".join(held) or "no named image"
        return _unfit(f"ollama_image_archive: {path} holds {names}, not {reference}: set ollama_image to what it holds")
    ids = ["sha256:" + Path(entry["Config"]).name.removesuffix(".json")]
    ids += [manifest["digest"] for manifest in index.get("manifests", []) if manifest["digest"] not in ids]
    if wanted_id and wanted_id not in ids:
        return _unfit(f"ollama_image_archive: {path} holds the image {ids[0]}, but ollama_image_id is {wanted_id}")
    return {"ids": ids, "problem": ""}


def _member(archive: tarfile.TarFile, name: str) -> Any:
    """Return a JSON file of the archive; None where it is not in it."""
    try:
        file = archive.extractfile(name)
    except KeyError:
        return None
    return None if file is None else json.load(file)


def _familiar(reference: str) -> str:
    """Return a reference as Docker shows it: `docker.io/ollama/ollama:1` is shown as `ollama/ollama:1`."""
    return reference.removeprefix("docker.io/").removeprefix("library/")


def _unfit(problem: str) -> dict[str, Any]:
    return {"ids": [], "problem": problem}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"ollama_image_archive": image_archive}
