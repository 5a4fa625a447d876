"""The model of a stack is exchanged while callers ask, rolled back and taken back (molecule/swarm)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from lab.artifacts import MODEL, OTHER_MODEL
from tests.integration.service.load import Load
from tests.model_answers import answered_by, new_question, stored_question
from tests.swarm.site import BACK_S, OUTSIDE, PATH, QUESTIONS, becomes, docker, healthy, warm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from tests.lifecycle.conftest import Play

PLAYBOOK = "playbooks/rotate_models.yml"
WITH_MODELS = ("swarm-a", "swarm-b")

pytestmark = pytest.mark.timeout(2000)


def rotated(folder: Path, *, digest: str | None = None) -> tuple[str, ...]:
    """Return the options with which the nodes serve the other model, too, and the service asks that one."""
    file = folder / "rotated.yml"
    nodes = {name: {"swarm_models": [MODEL, OTHER_MODEL]} for name in WITH_MODELS}
    file.write_text(yaml.safe_dump({"all": {"hosts": nodes}}))
    model = {"name": OTHER_MODEL, "memory_limit": "2g"} | ({"digest": digest} if digest else {})
    variables = {"stack_models": [{"name": MODEL, "memory_limit": "2g"}, model], "stack_default_model": OTHER_MODEL}
    return f"--inventory={file}", "-e", json.dumps(variables)


def services() -> list[str]:
    """Return the names of the services that serve models."""
    return [name for name in docker(OUTSIDE, "service", "ls", "--format", "{{.Name}}").split() if "models" in name]


def test_model_is_exchanged_rolled_back_and_taken_back_without_a_lost_request(
    caller: Callable[[], httpx.Client], play: Play, tmp_path: Path
) -> None:
    """One node pulls and answers before the other; answers of the former model are hits only for the former model."""
    warm(caller)
    told, before = [], services()
    with caller() as client:
        question = stored_question(client)
        told.append(answered_by(client, question))
    steps = {
        "rotation": (PLAYBOOK, *rotated(tmp_path)),
        "rollback": ("playbooks/rollback.yml",),
        "way back": (PLAYBOOK, "-e", "stack_models_prune=true"),
    }
    for name, arguments in steps.items():
        with Load(caller, PATH, QUESTIONS) as load:
            done = play(*arguments)
            sys.stdout.write(f"{name}: {load.summary()}")
        assert done.returncode == 0, done.stdout
        assert (set(load.statuses), load.errors) == ({200}, []), name
        becomes(lambda: healthy(OUTSIDE), BACK_S)
        with caller() as client:
            told.append(answered_by(client, question))
    models = [(answer.model, answer.is_hit) for answer in told]
    assert models == [(MODEL, True), (OTHER_MODEL, False), (MODEL, True), (MODEL, True)]
    assert told[3].data == told[2].data == told[0].data
    assert services() == before


def test_model_with_another_digest_is_asked_by_no_task(
    caller: Callable[[], httpx.Client], play: Play, tmp_path: Path
) -> None:
    """What the registry has is not what the inventory pins: the former model answers on."""
    warm(caller)
    refused = play(PLAYBOOK, *rotated(tmp_path, digest="0" * 64))
    assert refused.returncode != 0
    assert "0" * 64 in refused.stdout
    with caller() as client:
        for _ in range(4):
            assert answered_by(client, new_question()).model == MODEL
    pruned = play("playbooks/swarm.yml", "-e", "stack_models_prune=true")
    assert pruned.returncode == 0, pruned.stdout


def test_site_is_verified_without_a_change(play: Play) -> None:
    """`verify.yml` knows the stack."""
    verified = play("playbooks/verify.yml")
    assert verified.returncode == 0, verified.stdout
    assert "changed=0" in verified.stdout
