"""The lab's container images: a Debian base, bare hosts, the real Ollama, the mirror.

Each image carries the digest of what it was made from as a label; it is built again only when that changes.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import BuildError, ImageNotFound

from lab import artifacts, sources
from lab.command import run
from lab.errors import CommandFailedError
from lab.packages import ensure_program
from lab.paths import CACHE, ROOT
from lab.progress import step

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

SUITES = ("bookworm", "trixie")
OLLAMA = f"alchemorsel-lab/ollama:{artifacts.OLLAMA_VERSION}"
MIRROR = "alchemorsel-lab/mirror:latest"
PYTHON = "alchemorsel-lab/python:3.13"
REDIS = "alchemorsel-lab/redis:8.0"
HAPROXY = "alchemorsel-lab/haproxy:3.0"
SERVICE = "alchemorsel-lab/ai:checkout"

_INPUTS_LABEL = "alchemorsel.lab.inputs"
_CONTAINERFILES = Path(__file__).with_name("containerfiles")
_BASE_PACKAGES = "ca-certificates"


def base(suite: str) -> str:
    """Name of the base image of a Debian release."""
    return f"alchemorsel-lab/base:{suite}"


def host(suite: str) -> str:
    """Name of the bare host image of a Debian release."""
    return f"alchemorsel-lab/host:{suite}"


def ensure_base(client: DockerClient, suite: str) -> None:
    """Ensure a base image: a minimal Debian with this machine's package sources, built by mmdebstrap."""
    lines = sources.apt_lines(suite)
    inputs = _digest(suite, _BASE_PACKAGES, *lines)
    if _inputs_of(client, base(suite)) == inputs:
        return
    with step(f"Debian base image ({suite})"):
        ensure_program("mmdebstrap", "mmdebstrap", "debian-archive-keyring")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            archive = Path(folder) / f"{suite}.tar"
            argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_BASE_PACKAGES}", suite, str(archive)]
            run([*argv, *lines], timeout_s=900)
            repository, tag = base(suite).split(":")
            changes = [f"LABEL {_INPUTS_LABEL}={inputs}", 'CMD ["/bin/bash"]']
            client.api.import_image_from_file(str(archive), repository=repository, tag=tag, changes=changes)


def ensure_host(client: DockerClient, suite: str) -> None:
    """Ensure the image of a bare host: systemd as process 1, SSH, Python, and nothing installed by a role."""
    ensure_base(client, suite)
    _ensure_built(
        client,
        host(suite),
        recipe="host",
        parent=base(suite),
        title=f"bare host image ({suite})",
        fill=sources.write_trust,
    )


def ensure_ollama(client: DockerClient) -> None:
    """Ensure the image of the real Ollama server, laid out like the official one: `/bin/ollama serve` on port 11434."""
    ensure_base(client, SUITES[0])
    artifacts.download()
    artifacts.assemble_runtime()

    def add_runtime(context: Path) -> None:
        shutil.copytree(artifacts.RUNTIME, context / "runtime")

    title = f"Ollama {artifacts.OLLAMA_VERSION} image"
    _ensure_built(client, OLLAMA, recipe="ollama", parent=base(SUITES[0]), title=title, fill=add_runtime)


def ensure_mirror(client: DockerClient) -> None:
    """Ensure the image of an OCI registry for container images and models, for Docker and Ollama."""
    ensure_base(client, SUITES[0])
    _ensure_built(
        client, MIRROR, recipe="mirror", parent=base(SUITES[0]), title="mirror image", fill=lambda _context: None
    )


def ensure_python(client: DockerClient) -> None:
    """Debian's Python, laid out as the official image is, with what pip needs to reach this machine's package index."""
    _ensure_of_trixie(client, PYTHON, recipe="python", title="Python image", fill=sources.write_trust)


def ensure_redis(client: DockerClient) -> None:
    """Debian's Redis, laid out as the official image is."""
    _ensure_of_trixie(client, REDIS, recipe="redis", title="Redis image", fill=lambda _context: None)


def ensure_haproxy(client: DockerClient) -> None:
    """Debian's HAProxy, laid out as the official image is."""
    _ensure_of_trixie(client, HAPROXY, recipe="haproxy", title="HAProxy image", fill=lambda _context: None)


def ensure_service(client: DockerClient) -> None:
    """Build the service of this checkout, by its own Containerfile on the lab's Python image."""
    ensure_python(client)

    def add_checkout(context: Path) -> None:
        shutil.copy(ROOT / "Containerfile", context)
        (context / "requirements").mkdir()
        shutil.copy(ROOT / "requirements" / "service.txt", context / "requirements")
        shutil.copytree(ROOT / "ai_service", context / "ai_service", ignore=shutil.ignore_patterns("__pycache__"))

    _ensure_built(
        client, SERVICE, parent=PYTHON, title="image of the service", fill=add_checkout, argument="PYTHON_IMAGE"
    )


def remove_all(client: DockerClient) -> None:
    """Remove every image of the lab."""
    for image in client.images.list(filters={"label": _INPUTS_LABEL}):
        for tag in image.tags:
            client.images.remove(tag, force=True)


def _ensure_of_trixie(
    client: DockerClient, name: str, *, recipe: str, title: str, fill: Callable[[Path], None]
) -> None:
    ensure_base(client, "trixie")
    _ensure_built(client, name, recipe=recipe, parent=base("trixie"), title=title, fill=fill)


def _ensure_built(
    client: DockerClient,
    name: str,
    *,
    parent: str,
    title: str,
    fill: Callable[[Path], None],
    recipe: str = "",
    argument: str = "BASE",
) -> None:
    """Build from `containerfiles/<recipe>/`, plus what `fill` adds to it, unless nothing of that changed."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        if recipe:
            shutil.copytree(_CONTAINERFILES / recipe, context)
        else:
            context.mkdir()
        fill(context)
        files = sorted(path for path in context.rglob("*") if path.is_file())
        contents = [hashlib.sha256(path.read_bytes()).hexdigest() + str(path.relative_to(context)) for path in files]
        inputs = _digest(str(client.images.get(parent).id), *contents)
        if _inputs_of(client, name) == inputs:
            return
        with step(title):
            try:
                client.images.build(
                    path=str(context),
                    dockerfile="Containerfile",
                    tag=name,
                    buildargs={argument: parent},
                    labels={_INPUTS_LABEL: inputs},
                    rm=True,
                    forcerm=True,
                )
            except BuildError as error:
                tail = "".join(str(entry.get("stream", "")) for entry in error.build_log)[-2000:]
                raise CommandFailedError(f"building {name} failed: {error.msg}\n{tail}") from error


def _inputs_of(client: DockerClient, name: str) -> str | None:
    try:
        labels = client.images.get(name).labels
    except ImageNotFound:
        return None
    inputs: str | None = labels.get(_INPUTS_LABEL)
    return inputs


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
