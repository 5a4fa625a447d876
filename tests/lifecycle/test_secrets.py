"""Secrets change while callers ask, and are seen nowhere but in their files."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.hosts.client import Client
from tests.hosts.redis_server import redis_port

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Play
    from tests.lifecycle.steady import SteadyRequests

GROUP = "ai_service_hosts"
SECRETS = "/etc/alchemorsel/secrets"
FORMER = "/run/former-password"

pytestmark = pytest.mark.timeout(2000)


def passwords(host: Host) -> dict[str, str]:
    """Return the secrets of a host by file."""
    names = host.check_output("ls %s", SECRETS).split()
    return {name: host.file(f"{SECRETS}/{name}").content_string.strip() for name in names}


def where_seen(host: Host, secret: str) -> list[str]:
    """Where a host shows a secret, besides root's own files: command lines, environments, logs, settings."""
    commands = {
        "command lines": "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
        "environments": "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '",
        "journal": "journalctl --no-pager --output cat",
        "log files": "find /var/log -name '*.log' -exec cat {} +",
        "settings": "cat /etc/alchemorsel/*.env /etc/redis/redis-a* /etc/systemd/system/alchemorsel* 2>&1",
    }
    return [place for place, command in commands.items() if secret in host.run(command).stdout]


def opens(host: Host, variables: Variables, path: str) -> bool:
    """Whether Redis lets the service's user in with the password in a file of the host; it never leaves the host."""
    wanted = variables("redis")
    answer = host.run(
        f"REDISCLI_AUTH=$(cat {path}) redis-cli -p {redis_port(host)} --no-auth-warning "
        f"--user {wanted['redis_service_user']} ping"
    )
    return "PONG" in answer.stdout


def test_passwords_are_exchanged_without_a_lost_request_or_a_lost_answer(
    host: Host, play: Play, variables: Variables, steady: SteadyRequests
) -> None:
    """The former password is refused afterwards, what was cached is still cached, and no output shows a secret."""
    client = Client.of_api(host, variables("ai_service"))
    question = {"partial": ["leek", secrets.token_hex(4)]}
    answer = client.send("/api/v1/ai/suggest-ingredients", question)
    before = passwords(host)
    host.check_output("cp --preserve=mode %s/redis_password %s", SECRETS, FORMER)
    with steady:
        rotated = play("playbooks/rotate_secrets.yml", "-vvv")
    assert rotated.returncode == 0, rotated.stdout
    after = passwords(host)
    assert after.keys() == before.keys()
    assert after["redis_password"] != before["redis_password"]
    assert opens(host, variables, f"{SECRETS}/redis_password")
    assert not opens(host, variables, FORMER)
    host.check_output("rm %s", FORMER)
    again = client.send("/api/v1/ai/suggest-ingredients", question)
    assert "hit" in again["headers"]["cache-status"]
    assert json.loads(again["body"])["data"] == json.loads(answer["body"])["data"]
    assert steady.lost == []
    for name, secret in {**before, **{f"new {name}": secret for name, secret in after.items()}}.items():
        assert secret not in rotated.stdout, f"the play's output shows {name}"
        assert where_seen(host, secret) == [], name
