"""One site.yml moves the cache from the stock unit of Redis to an instance of its own, answers included."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.hosts.client import Client
from tests.lifecycle.test_upgrade import recap
from tests.upgrade.conftest import OF_ANOTHER_REVISION
from tests.upgrade.gap import GapProbe

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Play

GROUP = "ai_service_hosts"
STOCK, OWN = "redis-server.service", "redis-server@alchemorsel.service"
FORMER_FILES = ("/etc/redis/alchemorsel.conf", "/etc/redis/alchemorsel.acl", f"/etc/systemd/system/{STOCK}.d")
DUMPS = ("/var/lib/redis/dump.rdb", "/var/lib/redis/alchemorsel/dump.rdb")
QUESTION = "/api/v1/ai/suggest-ingredients"
CLIENT = "REDISCLI_AUTH=$(cat /etc/alchemorsel/secrets/redis_password) redis-cli --no-auth-warning --user alchemorsel"

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(bool(OF_ANOTHER_REVISION), reason=f"the host is of revision {OF_ANOTHER_REVISION}"),
]


def test_one_run_moves_the_answers(
    host: Host, play: Play, variables: Variables, request: pytest.FixtureRequest
) -> None:
    """A dry run works and moves nothing; keys and answers are there afterwards, and callers never notice."""
    assert all(host.file(path).exists for path in FORMER_FILES), "the host was not provisioned by the former revision"
    host.check_output(f"{CLIENT} set ai:upgrade:key kept ex 86400")
    client = Client.of_api(host, variables("ai_service"))
    question = {"partial": ["sorrel", secrets.token_hex(4)]}
    answer = client.send(QUESTION, question)
    shown = play("site.yml", "--check")
    assert shown.returncode == 0, shown.stdout
    assert host.service(STOCK).is_running
    address = host.ansible.get_variables()["ansible_host"]
    with GapProbe(address, variables("ai_service")["ai_service_port"], "/health/ready") as api:
        upgraded = play("site.yml")
    request.config.get_terminal_writer().line(f"{api.answered} requests answered, {len(api.failures)} failed")
    assert upgraded.returncode == 0, upgraded.stdout
    assert api.failures == []
    assert host.check_output(f"{CLIENT} get ai:upgrade:key") == "kept"
    again = client.send(QUESTION, question)
    assert "hit" in again["headers"]["cache-status"]
    assert json.loads(again["body"])["data"] == json.loads(answer["body"])["data"]


def test_nothing_of_the_former_server_is_left(host: Host) -> None:
    """The stock unit is off, its files are gone, and no dump brings answers back that are purged later."""
    states = {unit: (host.service(unit).is_running, host.service(unit).is_enabled) for unit in (STOCK, OWN)}
    assert states == {STOCK: (False, False), OWN: (True, True)}
    assert [path for path in (*FORMER_FILES, *DUMPS) if host.file(path).exists] == []


def test_second_run_changes_nothing(play: Play) -> None:
    """Nothing of the way here is left to be done."""
    again = play("site.yml")
    assert again.returncode == 0, again.stdout
    assert recap(again.stdout)["changed"] == 0, again.stdout
