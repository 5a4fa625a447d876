#!/usr/bin/python
"""Ansible module: put models into Ollama's folder from files that were copied to the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_model_files
short_description: Import models from copied files
version_added: 0.1.0
description:
  - In check mode, says which parts of the models are missing, so that only they are copied.
  - Otherwise checks every copied part against its SHA-256, puts it where Ollama looks for it, and writes the manifest
    last, so that Ollama never sees a model that is not whole.
options:
  path:
    description: Ollama's folder of models. What is put there gets the owner of the folder.
    type: path
    required: true
  incoming:
    description: Folder to which the missing parts were copied, on the same file system, under their names.
    type: path
    required: true
  models:
    description: The models, each with C(name), C(path) of its manifest below C(manifests), C(manifest) (its text) and
      C(blobs), each with C(name) of the file, C(digest) and C(size) in bytes.
    type: list
    elements: dict
    required: true
attributes:
  check_mode: {support: full, description: "Says which parts are missing, and which models would be put there."}
  diff_mode: {support: full, description: Names of the models.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: See what is missing
  alchemorsel.ai.ollama_model_files:
    path: /srv/alchemorsel/models
    incoming: /srv/alchemorsel/models/.incoming
    models: "{{ models }}"
  check_mode: true
"""

RETURN = r"""
missing:
  description: Names of the parts that are not there, each once.
  returned: always
  type: list
  elements: str
models:
  description: Names of the models that were put there, or would be.
  returned: always
  type: list
  elements: str
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

CHUNK_BYTES = 1 << 20


class DamagedPartError(Exception):
    """A copied part is not what the manifest names."""


def missing_parts(folder: Path, models: list[dict[str, Any]]) -> list[str]:
    """Return the names of the parts that are not in the folder of models, in the order of the models, each once."""
    parts = {blob["name"]: int(blob["size"]) for model in models for blob in model["blobs"]}
    return [name for name, size in parts.items() if not _has_size(folder / "blobs" / name, size)]


def models_to_write(folder: Path, models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the models whose manifest is not there, or is another one, or that lack a part."""
    return [
        model
        for model in models
        if missing_parts(folder, [model]) or _text(folder / "manifests" / model["path"]) != model["manifest"]
    ]


def put(folder: Path, incoming: Path, models: list[dict[str, Any]]) -> None:
    """Move the missing parts of `models` into the folder and write their manifests.

    Raises:
        DamagedPartError: A part is missing from `incoming` or damaged; no manifest was written.
    """
    digests = {blob["name"]: blob["digest"] for model in models for blob in model["blobs"]}
    missing = missing_parts(folder, models)
    for name in missing:
        _check(incoming / name, digests[name])
    owner = folder.stat()
    for name in missing:
        _make_folder(folder / "blobs", owner)
        _own(incoming / name, owner)
        (incoming / name).replace(folder / "blobs" / name)
    for model in models:
        target = folder / "manifests" / model["path"]
        _make_folder(target.parent, owner)
        writing = incoming / "manifest"
        writing.write_text(model["manifest"])
        _own(writing, owner)
        writing.replace(target)


def _check(path: Path, digest: str) -> None:
    if not path.is_file():
        raise DamagedPartError(f"{path} was not copied")
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            found.update(chunk)
    if f"sha256:{found.hexdigest()}" != digest:
        raise DamagedPartError(f"{path.name} has the digest sha256:{found.hexdigest()}: the bundle is damaged")


def _make_folder(path: Path, owner: os.stat_result) -> None:
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o755)
        os.chown(folder, owner.st_uid, owner.st_gid)


def _own(path: Path, owner: os.stat_result) -> None:
    os.chown(path, owner.st_uid, owner.st_gid)
    path.chmod(0o644)


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "incoming": {"type": "path", "required": True},
            "models": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    folder, incoming = Path(module.params["path"]), Path(module.params["incoming"])
    missing = missing_parts(folder, module.params["models"])
    wanted = models_to_write(folder, module.params["models"])
    names = [model["name"] for model in wanted]
    if wanted and not module.check_mode:
        try:
            put(folder, incoming, wanted)
        except (DamagedPartError, OSError) as error:
            module.fail_json(msg=str(error), missing=missing, models=[])
    diff = {"before": "", "after": "".join(f"{name}\n" for name in names)}
    module.exit_json(changed=bool(wanted), missing=missing, models=names, diff=diff)


if __name__ == "__main__":
    main()
