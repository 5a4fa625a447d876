"""A model of a pool is exchanged on its hosts while callers ask, and taken back (molecule/fleet)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from lab.artifacts import MODEL, OTHER_MODEL
from tests.fleet.site import PATH, QUESTIONS, warm
from tests.integration.service.load import Load
from tests.model_answers import answered_by, new_question, stored_question

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from tests.lifecycle.conftest import Play

PLAYBOOK = "playbooks/rotate_models.yml"

pytestmark = pytest.mark.timeout(2000)


def rotated(folder: Path, *, digest: str | None = None) -> str:
    """Write an inventory in which the hosts of the first model have the other one; return the option of Ansible."""
    model = {"name": OTHER_MODEL, "preload": True} | ({"digest": digest} if digest else {})
    variables = {"ollama_models": [model], "ai_service_ollama_model": OTHER_MODEL}
    file = folder / "rotated.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": {"fleet-a": variables, "fleet-b": variables}}}))
    return f"--inventory={file}"


def test_model_is_exchanged_on_its_hosts_and_taken_back_without_a_lost_request(
    caller: Callable[[], httpx.Client], play: Play, tmp_path: Path
) -> None:
    """Answers of the former model are hits only for the former model, on whichever host."""
    warm(caller)
    with caller() as client:
        question = stored_question(client)
        first = answered_by(client, question)
    with Load(caller, PATH, QUESTIONS) as load:
        there = play(PLAYBOOK, rotated(tmp_path))
        sys.stdout.write(f"rotation: {load.summary()}")
    assert there.returncode == 0, there.stdout
    assert (set(load.statuses), load.errors) == ({200}, [])
    with caller() as client:
        other = answered_by(client, question)
    with Load(caller, PATH, QUESTIONS) as load:
        back = play(PLAYBOOK)
        sys.stdout.write(f"way back: {load.summary()}")
    assert back.returncode == 0, back.stdout
    assert (set(load.statuses), load.errors) == ({200}, [])
    with caller() as client:
        again = answered_by(client, question)
    assert [(told.model, told.is_hit) for told in (first, other, again)] == [
        (MODEL, True),
        (OTHER_MODEL, False),
        (MODEL, True),
    ]
    assert again.data == first.data


def test_model_with_another_digest_is_asked_by_no_host(
    caller: Callable[[], httpx.Client], play: Play, tmp_path: Path
) -> None:
    """What the registry has is not what the inventory pins: the former model answers on, and nothing is left to mend.

    The scenario's last run of the site changes nothing.
    """
    refused = play(PLAYBOOK, rotated(tmp_path, digest="0" * 64))
    assert refused.returncode != 0
    assert "0" * 64 in refused.stdout
    with caller() as client:
        for _ in range(4):
            assert answered_by(client, new_question()).model == MODEL
