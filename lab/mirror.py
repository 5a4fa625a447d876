"""The mirror: serves the Ollama image and the models to the lab's hosts under the name `mirror.lab:5000`."""

from __future__ import annotations

import contextlib
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from docker.errors import NotFound

from lab import artifacts, images, network
from lab.errors import CommandFailedError
from lab.ollama_process import OllamaProcess
from lab.progress import step

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

ADDRESS = "mirror.lab:5000"
"""How hosts reach it."""

CONTAINER = "alchemorsel-lab-mirror"
VOLUME = "alchemorsel-lab-mirror"

_ALIASES = ["mirror.lab", "blobs.mirror.lab"]
_START_DEADLINE_S = 30.0


def ensure(client: DockerClient) -> None:
    """Ensure a running mirror with the Ollama image and the models; push only what is missing."""
    images.ensure_mirror(client)
    address = _ensure_running(client)
    if not _has(address, "alchemorsel/ollama", artifacts.OLLAMA_VERSION):
        with step("Ollama image to the mirror"):
            images.ensure_ollama(client)
            _push(client, address, images.OLLAMA)
    for model, parameters in artifacts.MODELS.items():
        name, tag = model.split(":")
        if not _has(address, f"library/{name}", tag):
            with step(f"model {model} to the mirror"), OllamaProcess() as server:
                reference = f"{address}/library/{model}"
                server.create(reference, f"FROM {artifacts.MODEL}\n{parameters}")
                server.command("push", "--insecure", reference)
                server.command("rm", reference)


def ensure_base_images(client: DockerClient) -> None:
    """Ensure a running mirror with, in addition, the current Python and Redis images of compose.yaml."""
    ensure(client)
    images.ensure_python(client)
    images.ensure_redis(client)
    address = _ensure_running(client)
    with step("Python and Redis images to the mirror"):
        _push(client, address, images.PYTHON)
        _push(client, address, images.REDIS)


def remove(client: DockerClient, *, purge: bool) -> None:
    """Stop and remove the mirror; with `purge` also what it holds."""
    with contextlib.suppress(NotFound):
        client.containers.get(CONTAINER).remove(force=True)
    if purge:
        with contextlib.suppress(NotFound):
            client.volumes.get(VOLUME).remove()


def _ensure_running(client: DockerClient) -> str:
    """Address of the mirror as this machine reaches it: always loopback, which Docker trusts without TLS."""
    wanted = client.images.get(images.MIRROR).id
    found = client.containers.list(filters={"name": f"^/?{CONTAINER}$"})
    if found and found[0].attrs["Image"] == wanted:
        container = found[0]
    else:
        remove(client, purge=False)
        with step("mirror"):
            container = _start(client)
    container.reload()
    address = f"127.0.0.1:{container.attrs['NetworkSettings']['Ports']['5000/tcp'][0]['HostPort']}"
    deadline = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{address}/v2/", timeout=2).close()
            return address
        time.sleep(0.2)
    raise CommandFailedError(f"the mirror did not answer:\n{container.logs(tail=10).decode(errors='replace')}")


def _start(client: DockerClient) -> Container:
    net = network.ensure(client)
    container = client.containers.create(
        images.MIRROR,
        name=CONTAINER,
        hostname="mirror",
        labels={network.LABEL: "mirror"},
        ports={"5000/tcp": ("127.0.0.1", 0)},
        volumes={VOLUME: {"bind": "/var/lib/mirror", "mode": "rw"}},
    )
    net.connect(container, aliases=_ALIASES)
    container.start()
    return container


def _has(address: str, repository: str, tag: str) -> bool:
    accepted = ", ".join(
        ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"]
    )
    request = urllib.request.Request(
        f"http://{address}/v2/{repository}/manifests/{tag}", method="HEAD", headers={"Accept": accepted}
    )
    try:
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - the same
    except urllib.error.HTTPError:
        return False
    return True


def _push(client: DockerClient, address: str, name: str) -> None:
    """Send an image of the lab; `alchemorsel-lab/x:1` is `alchemorsel/x:1` there."""
    short, tag = name.removeprefix("alchemorsel-lab/").split(":")
    repository = f"{address}/alchemorsel/{short}"
    client.images.get(name).tag(repository, tag)
    for line in client.images.push(repository, tag=tag, stream=True, decode=True):
        if "error" in line:
            raise CommandFailedError(f"sending {name} to the mirror failed: {line['error']}")
    client.images.remove(f"{repository}:{tag}")
