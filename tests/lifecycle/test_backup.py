"""What was backed up comes back: the secrets that a host generated, and the answers in its cache."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.hosts.client import Client
from tests.lifecycle.test_secrets import SECRETS, passwords

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Play

GROUP = "ai_service_hosts"
QUESTION = "/api/v1/ai/suggest-ingredients"

pytestmark = pytest.mark.timeout(2000)


def test_lost_secrets_and_answers_come_back(host: Host, play: Play, variables: Variables) -> None:
    """A dry run names what differs and touches nothing; afterwards the passwords are those in use, the answer a hit."""
    client = Client.of_api(host, variables("ai_service"))
    question = {"partial": ["fennel", secrets.token_hex(4)]}
    answer = client.send(QUESTION, question)
    backed_up = play("playbooks/backup.yml")
    assert backed_up.returncode == 0, backed_up.stdout
    before = passwords(host)
    restart = "systemctl restart redis-server@alchemorsel.service"
    host.check_output("sh -c %s", f"echo lost-with-the-host > {SECRETS}/redis_password; {restart}")
    shown = play("playbooks/restore.yml", "--check")
    assert shown.returncode == 0, shown.stdout
    told = " ".join(shown.stdout.split())
    assert f"Files backup:{SECRETS}/redis_password and {SECRETS}/redis_password differ" in told
    assert passwords(host)["redis_password"] == "lost-with-the-host"
    restored = play("playbooks/restore.yml")
    assert restored.returncode == 0, restored.stdout
    assert passwords(host) == before
    assert not host.file("/var/lib/redis/alchemorsel/dump.rdb").exists, (
        "old answers would come back with the next start"
    )
    again = client.send(QUESTION, question)
    assert "hit" in again["headers"]["cache-status"]
    assert json.loads(again["body"])["data"] == json.loads(answer["body"])["data"]
    assert not any(secret in backed_up.stdout + shown.stdout + restored.stdout for secret in before.values())
