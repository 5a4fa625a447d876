"""A page host serves the page to browsers, and asks the API for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.hosts.client import Client
from tests.hosts.sandbox import MAX_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "web_hosts"
UNIT = "alchemorsel-web.service"
DYNAMIC_USERS = range(61184, 65520)
"""systemd.exec(5), DynamicUser."""


@pytest.fixture
def client(host: Host, variables: Variables) -> Client:
    """Give a client of this host's page."""
    return Client.of_page(host, variables("web"))


def test_the_page_is_served_and_comes_back_after_a_reboot(host: Host) -> None:
    """The unit runs and is enabled."""
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_its_server_does_not_run_as_root(host: Host) -> None:
    """It has a user of its own, which exists only while it runs."""
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    uid = int(host.check_output("ps -o uid= -p %s", pid))
    assert uid in DYNAMIC_USERS, f"uid {uid}"


def test_its_unit_is_exposed_as_little_as_promised(host: Host) -> None:
    """The sandbox is 2.0 or less of 10 in systemd's own judgement."""
    assert exposure(host, UNIT) <= MAX_EXPOSURE


def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    """By its own policy, which browsers enforce."""
    page = client.send("/")
    assert page["status"] == 200
    assert "default-src 'none'" in page["headers"]["content-security-policy"]


def test_its_board_sees_the_api(client: Client) -> None:
    """No problem in reaching it, and a status of it."""
    panel = json.loads(client.send("/status")["body"])
    assert panel["problem"] == ""
    assert panel["health"]["status"] in {"healthy", "degraded"}


def test_its_operators_page_shows_nobody_else_anything(client: Client) -> None:
    """Without the administrator's key; over plaintext not even with it."""
    assert client.send("/operator/overview")["status"] in {401, 403}


def test_a_task_goes_through_it_to_the_api(client: Client) -> None:
    """Without a key of the browser's, with the one of the page where the API wants one."""
    answer = client.send("/api/v1/ai/suggest-ingredients", {"partial": ["tomatoes"]})
    assert answer["status"] == 200, answer["body"]
    assert json.loads(answer["body"])["data"]["suggestions"]


def test_its_key_is_nowhere_but_in_its_file(host: Host, variables: Variables) -> None:
    """Neither unit nor environment file holds it."""
    key = variables("web")["web_api_key"]
    if not key:
        pytest.skip("this site's API wants no key")
    assert key not in host.check_output(f"systemctl cat {UNIT}")
    assert key not in host.file("/etc/alchemorsel/web.env").content_string
    assert host.file("/etc/alchemorsel/secrets/web_api_key").mode == 0o600
