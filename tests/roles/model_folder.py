"""Writes models as Ollama stores them: parts by digest, and a manifest by name."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def write_model(folder: Path, path: str, *contents: str) -> dict[str, Any]:
    """Write a model of some parts and return what the filter ollama_models_bundle says of it, without its name.

    Args:
        folder: Folder of models.
        path: Of the manifest, below `manifests`.
        contents: Text of each part; the first is the configuration.
    """
    blobs = []
    for content in contents:
        digest = hashlib.sha256(content.encode()).hexdigest()
        (folder / "blobs").mkdir(parents=True, exist_ok=True)
        (folder / "blobs" / f"sha256-{digest}").write_text(content)
        blobs.append({"name": f"sha256-{digest}", "digest": f"sha256:{digest}", "size": len(content)})
    parts = [{"digest": blob["digest"], "size": blob["size"]} for blob in blobs]
    manifest = json.dumps({"schemaVersion": 2, "config": parts[0], "layers": parts[1:]})
    (folder / "manifests" / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / "manifests" / path).write_text(manifest)
    return {"path": path, "manifest": manifest, "blobs": blobs}
