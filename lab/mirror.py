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
            push(client, images.OLLAMA, address)
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
        push(client, images.PYTHON, address)
        push(client, images.REDIS, address)


def ensure_stack_images(client: DockerClient) -> dict[str, str]:
    """Ensure a running mirror with, in addition, the images of the Swarm's stack.

    Returns:
        References by digest, as the stack's variables take them.
    """
    ensure(client)
    images.ensure_haproxy(client)
    images.ensure_service(client)
    images.ensure_ollama(client)
    address = _ensure_running(client)
    with step("images of the stack to the mirror"):
        return {
            f"stack_{name}_image": push(client, image, address)
            for name, image in (("edge", images.HAPROXY), ("service", images.SERVICE), ("ollama", images.OLLAMA))
        }


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


def push(client: DockerClient, name: str, address: str = "") -> str:
    """Send an image of the lab; `alchemorsel-lab/x:1` is `alchemorsel/x:1` there.

    Args:
        client: The lab's engine.
        name: Of the image.
        address: Of the mirror as this machine reaches it; looked up where it is not known.

    Returns:
        Its reference by digest, as hosts pull it.

    Raises:
        CommandFailedError: The mirror did not take it.
    """
    address = address or _ensure_running(client)
    digest = ""
    short, tag = name.removeprefix("alchemorsel-lab/").split(":")
    repository = f"{address}/alchemorsel/{short}"
    client.images.get(name).tag(repository, tag)
    for line in client.images.push(repository, tag=tag, stream=True, decode=True):
        if "error" in line:
            raise CommandFailedError(f"sending {name} to the mirror failed: {line['error']}")
        digest = line.get("aux", {}).get("Digest", digest)
    client.images.remove(f"{repository}:{tag}")
    return f"{ADDRESS}/alchemorsel/{short}@{digest}"
