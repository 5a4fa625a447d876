"""Three Ollama servers with two models: each model has its hosts, and one that hangs, is lost or is new is noticed."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.fleet.site import BALANCER, METRICS, PATH, SERVICE, bring_back, lose
from tests.hosts.client import page_of
from tests.integration.service.load import Load
from tests.model_answers import new_question
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx
    from testinfra.host import Host

    from tests.lifecycle.conftest import Play

OLLAMA = ("fleet-a", "fleet-b", "fleet-c")
RECIPES = "/api/v1/ai/generate-recipe"
DEADLINE_S = 120
"""Of a caller, as the fixture `caller` has it; the service's own deadlines are shorter."""
CONTAINER = "alchemorsel-ollama"
INSTANCES = 2 * len(SERVICE)
SETTLED_S = 60
CALLS = re.compile(r'ollama_server_calls_total\{outcome="(\w+)",server="http://([\d.]+):\d+"\} (\S+)')

pytestmark = pytest.mark.timeout(2000)


def address(host: Host) -> str:
    """Return the address at which the hosts of the service ask a host."""
    return str(host.ansible.get_variables()["ansible_host"])


def calls(host_of: Callable[[str], Host]) -> Counter[tuple[str, str]]:
    """Count what the service has asked so far, by Ollama host and outcome."""
    names = {address(host_of(name)): name for name in (*OLLAMA, BALANCER)}
    counted: Counter[tuple[str, str]] = Counter()
    for service in SERVICE:
        text = page_of(host_of(service), METRICS)
        for outcome, server, count in CALLS.findall(text):
            counted[names[server], outcome] += int(float(count))
    return counted


def new_recipe() -> dict[str, Any]:
    """Return a recipe's prompt that no cache knows."""
    return {"prompt": f"leek soup {secrets.token_hex(4)}"}


def test_a_model_is_asked_of_its_own_hosts_alone(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """Recipes have one model, all else has the other; each is on two hosts."""
    before = calls(host_of)
    with caller() as client:
        assert {client.post(PATH, json=new_question()).status_code for _ in range(4)} == {200}
        ingredients = calls(host_of) - before
        assert client.post(RECIPES, json=new_recipe()).status_code == 200
    recipes = calls(host_of) - before - ingredients
    assert {name for name, _ in ingredients} <= {"fleet-a", "fleet-b"}
    assert {name for name, _ in recipes} <= {"fleet-b", "fleet-c"}
    assert ingredients
    assert recipes


def test_a_server_that_hangs_costs_no_answer(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """It is passed over within the deadline of whoever asked it first; each instance finds that out at most once."""
    before = calls(host_of)
    host_of("fleet-a").check_output("docker pause %s", CONTAINER)
    longest = 0.0
    try:
        with caller() as client:
            for _ in range(12):
                begun = time.monotonic()
                assert client.post(PATH, json=new_question()).status_code == 200
                longest = max(longest, time.monotonic() - begun)
    finally:
        host_of("fleet-a").check_output("docker unpause %s", CONTAINER)
    silent = (calls(host_of) - before)["fleet-a", "timeout"]
    sys.stdout.write(f"12 answers beside a server that hangs: {silent} passed it over, the longest {longest:.1f} s\n")
    assert silent <= INSTANCES


def test_loss_of_an_ollama_host_costs_no_answer_for_long(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host]
) -> None:
    """Questions that no cache knows: answered by the other host, or refused with the time to come back."""
    with caller() as client:
        until(lambda: client.post(PATH, json=new_question()).status_code == 200, timeout_s=SETTLED_S)
    questions = [new_recipe() for _ in range(400)]
    with Load(caller, RECIPES, questions, count=2) as load:
        load.more(2)
        lose("fleet-c")
        begun = time.monotonic()
        until(lambda: 200 in load.statuses[-2:] and time.monotonic() - begun > SETTLED_S, timeout_s=2 * DEADLINE_S)
        sys.stdout.write(f"loss of fleet-c: {load.summary()}")
    bring_back("fleet-c", host_of("fleet-c"))
    assert set(load.statuses) <= {200, 503}
    assert load.errors == []


def test_a_new_ollama_host_takes_traffic_without_a_restart_of_the_service(
    caller: Callable[[], httpx.Client], host_of: Callable[[str], Host], play: Play, tmp_path: Path
) -> None:
    """One line in the inventory and one play; the line taken away again, it is asked nothing more."""
    line = {"all": {"children": {"ollama_hosts": {"hosts": {BALANCER: {"ollama_models": ["{{ fleet_model }}"]}}}}}}
    (tmp_path / "more.yml").write_text(yaml.safe_dump(line))
    processes = "systemctl show --property=MainPID --value 'alchemorsel-ai@*.service'"
    before = [host_of(name).check_output(processes) for name in SERVICE]
    added = play("site.yml", f"--inventory={tmp_path / 'more.yml'}")
    assert added.returncode == 0, added.stdout
    with Load(caller, PATH, [new_question() for _ in range(400)], count=6):
        until(lambda: calls(host_of)[BALANCER, "ok"] > 0, timeout_s=SETTLED_S)
    removed = play("site.yml")
    assert removed.returncode == 0, removed.stdout
    assert [host_of(name).check_output(processes) for name in SERVICE] == before
