"""Models are exchanged while callers ask: never an answer of the former one for the new one, and a way back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lab.artifacts import MODEL, OTHER_MODEL
from tests.hosts.client import Client
from tests.lifecycle.releases import running
from tests.model_answers import PATH, new_question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Play
    from tests.lifecycle.steady import SteadyRequests

GROUP = "ai_service_hosts"
PLAYBOOK = "playbooks/rotate_models.yml"
WATCHED_FOR = "/etc/systemd/system/alchemorsel-container-status.service"
"""Names the models that are looked for on the host."""

pytestmark = pytest.mark.timeout(2000)


def to(model: str, *, on_server: str = "", digest: str = "", prune: bool = False) -> tuple[str, str]:
    """Return the arguments of a rotation to a model: the service's setting, and the models of the server."""
    entry = {"name": on_server or model, "required": True, "preload": True} | ({"digest": digest} if digest else {})
    variables = {"ai_service_ollama_model": model, "ollama_models": [entry], "ollama_models_prune": prune}
    return "-e", json.dumps(variables)


@pytest.fixture
def client(host: Host, variables: Variables) -> Client:
    """Ask the service from its host."""
    return Client.of_api(host, variables("ai_service"))


def models(host: Host, variables: Variables) -> Mapping[str, Any]:
    """Read the digests of the models that the server has, by name."""
    listed = host.check_output("docker exec %s ollama list", variables("ollama")["ollama_container_name"])
    return {line.split()[0]: line.split()[1] for line in listed.splitlines()[1:]}


def stored_question(client: Client) -> dict[str, list[str]]:
    """Return a question whose answer was stored; a small model's are sometimes not worth it."""
    for _ in range(10):
        question = new_question()
        client.send(PATH, question)
        if "hit" in client.send(PATH, question)["headers"]["cache-status"]:
            return question
    raise AssertionError("no answer was stored")


def test_another_model_answers_after_the_rotation_and_the_former_one_after_the_way_back(
    host: Host, play: Play, variables: Variables, client: Client, callers: Callable[[], SteadyRequests]
) -> None:
    """No caller notices, an answer of the former model is a hit only for the former model."""
    question = stored_question(client)
    first = json.loads(client.send(PATH, question)["body"])
    assert first["meta"]["model"] == MODEL
    former = models(host, variables)
    with callers() as during:
        rotated = play(PLAYBOOK, *to(OTHER_MODEL, prune=True))
    assert rotated.returncode == 0, rotated.stdout
    assert during.lost == []
    assert list(models(host, variables)) == [OTHER_MODEL]
    asked, deleted = (rotated.stdout.index(task) for task in ("Configure the AI service for the new", f"item={MODEL})"))
    assert asked < deleted, "the former model was deleted while the service asked it"
    settled = play("site.yml", *to(OTHER_MODEL, prune=True))
    assert settled.returncode == 0, settled.stdout
    assert re.findall(r"changed=(\d+)", settled.stdout) == ["0"]
    other = client.send(PATH, question)
    assert "hit" not in other["headers"]["cache-status"]
    assert json.loads(other["body"])["meta"]["model"] == OTHER_MODEL
    with callers() as during:
        back = play(PLAYBOOK, *to(MODEL))
    assert back.returncode == 0, back.stdout
    assert during.lost == []
    assert models(host, variables)[MODEL] == former[MODEL]
    again = client.send(PATH, question)
    assert "hit" in again["headers"]["cache-status"]
    assert json.loads(again["body"])["data"] == first["data"]


def test_model_with_another_digest_stops_the_rotation_before_the_service_knows(
    host: Host, play: Play, client: Client, variables: Variables
) -> None:
    """What the registry has is not what the inventory pins: the former model answers on."""

    def left() -> tuple[object, ...]:
        return running(host), models(host, variables), host.file(WATCHED_FOR).content_string

    before = left()
    refused = play(PLAYBOOK, *to(OTHER_MODEL, digest="0" * 64))
    assert refused.returncode != 0
    assert "0" * 64 in refused.stdout
    assert left() == before
    assert json.loads(client.send(PATH, new_question())["body"])["meta"]["model"] == MODEL


def test_model_that_no_server_has_is_never_asked_by_callers(
    host: Host, play: Play, client: Client, steady: SteadyRequests
) -> None:
    """The service was told of a model, the server was not: the first instance finds out, and gets its settings back."""
    with steady:
        refused = play(PLAYBOOK, *to("absent:1b", on_server=MODEL))
    assert refused.returncode != 0
    assert "absent:1b" in refused.stdout
    assert steady.lost == []
    assert "absent:1b" not in host.file("/etc/alchemorsel/ai_service.env").content_string
    assert json.loads(client.send(PATH, new_question())["body"])["meta"]["model"] == MODEL
