"""Filters that read which models a bundle holds, on the control machine, before anything is sent to a host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REGISTRY = "registry.ollama.ai"
"""Registry of a model whose name has none in front: the first folder below `manifests`."""


def models_bundle(folder: str, models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Read the manifests of the wanted models.

    Args:
        folder: The bundle: `blobs` and `manifests`, as in Ollama's own folder of models.
        models: The wanted models, `{"name": "llama3.2:3b", "required": true}`.

    Returns:
        `models`: of those that the bundle holds, `name`, `path` (of the manifest, below `manifests`), `manifest` (its
        text) and `blobs` (`name` of the file, `digest`, `size` in bytes). `problems`: why the bundle cannot serve the
        required ones.
    """
    root = Path(folder)
    manifests = root / "manifests"
    held = [str(path.relative_to(manifests)) for path in sorted(manifests.rglob("*/*/*/*"))]
    if not held:
        return {"models": [], "problems": [f"ollama_models_bundle: {folder} holds no models, or no manifests"]}
    found, problems = [], []
    for model in models:
        path = manifest_path(model["name"])
        file = manifests / path
        if not file.is_file():
            if model.get("required", True):
                problems.append(
                    f"ollama_models_bundle: {folder} holds {', '.join(held) or 'none'}, not {model['name']}"
                )
            continue
        text = file.read_text()
        try:
            blobs = _blobs(json.loads(text))
        except (ValueError, KeyError, TypeError):
            problems.append(f"ollama_models_bundle: {file} is not the manifest of a model")
            continue
        problems += [
            f"ollama_models_bundle: {root / 'blobs' / blob['name']} is missing or not {blob['size']} bytes long"
            for blob in blobs
            if not _is_whole(root / "blobs" / blob["name"], blob["size"])
        ]
        found.append({"name": model["name"], "path": path, "manifest": text, "blobs": blobs})
    return {"models": found, "problems": problems}


def manifest_path(name: str) -> str:
    """Return where Ollama keeps the manifest of a model, below `manifests`."""
    model, _colon, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    parts = model.split("/")
    if len(parts) == 1:
        parts.insert(0, "library")
    if len(parts) == 2:
        parts.insert(0, REGISTRY)
    return "/".join([*parts, tag])


def model_parts(manifest: str) -> list[str]:
    """Return the names of the files that a model consists of.

    Args:
        manifest: File of the manifest.
    """
    return [str(blob["name"]) for blob in _blobs(json.loads(Path(manifest).read_text()))]


def _blobs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a model; two layers may be the same file."""
    parts = {part["digest"]: int(part["size"]) for part in [manifest["config"], *manifest["layers"]]}
    return [{"name": digest.replace(":", "-"), "digest": digest, "size": size} for digest, size in parts.items()]


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "ollama_models_bundle": models_bundle,
            "ollama_manifest_path": manifest_path,
            "ollama_model_parts": model_parts,
        }
