"""A service host answers the application's requests from the model, and the second time from the cache."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.hosts.client import Client
from tests.hosts.sandbox import HIGHEST_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "ai_service_hosts"


@pytest.fixture
def client(host: Host, variables: Variables) -> Client:
    """A client of this host's service."""
    return Client.of_api(host, variables("ai_service"))


def test_socket_and_service_are_running_and_enabled(host: Host) -> None:
    """The socket is held by systemd, and one instance of the service is up."""
    assert host.service("alchemorsel-ai.socket").is_running
    assert host.service("alchemorsel-ai.socket").is_enabled
    assert host.service("alchemorsel-ai@blue.service").is_running


def test_service_does_not_run_as_root(host: Host) -> None:
    """The service has a user of its own."""
    pid = host.check_output("systemctl show --property=MainPID --value alchemorsel-ai@blue.service")
    assert host.check_output("ps -o user= -p %s", pid).strip() not in {"root", "0"}


def test_unit_is_exposed_as_little_as_promised(host: Host) -> None:
    """The sandbox is 2.0 or less of 10 in systemd's own judgement."""
    assert exposure(host, "alchemorsel-ai@blue.service") <= HIGHEST_EXPOSURE


def test_environment_file_holds_no_password(host: Host, variables: Variables) -> None:
    """Secrets come as systemd credentials: neither unit nor environment file holds one."""
    secret = host.file(variables("ai_service")["ai_service_redis_password_file"]).content_string.strip()
    assert secret
    assert secret not in host.check_output("systemctl cat alchemorsel-ai@blue.service")
    assert secret not in host.file("/etc/alchemorsel/ai_service.env").content_string


def test_password_goes_to_another_host_by_tls_where_the_inventory_says_so(host: Host, variables: Variables) -> None:
    """The running service has the address of the inventory, and the authority that it trusts."""
    url = variables("ai_service")["ai_service_redis_url"]
    if not url.startswith("rediss://"):
        pytest.skip("this site's Redis does not speak TLS")
    settings = host.file("/etc/alchemorsel/ai_service.env").content_string
    assert f'ALCHEMORSEL_REDIS_URL="{url}"' in settings
    if variables("ai_service")["ai_service_redis_ca_file"]:
        assert host.file("/run/credentials/alchemorsel-ai@blue.service/redis_ca").exists


def test_only_who_has_a_key_is_answered(client: Client, variables: Variables) -> None:
    """Where keys are set; health stays open, for load balancers carry none."""
    if not variables("ai_service")["ai_service_api_keys"]:
        pytest.skip("this site lets everybody in who reaches the address")
    assert client.send("/api/v1/ai/generate-recipe", {"prompt": "soup"}, stranger=True)["status"] == 401
    assert client.send("/health", stranger=True)["status"] == 200


def test_health_says_healthy(client: Client) -> None:
    """Every part is up, so the service says so."""
    answer = client.send("/health")
    assert answer["status"] == 200
    assert json.loads(answer["body"])["status"] == "healthy"


def test_new_recipe_comes_from_the_model_and_then_from_the_cache(client: Client, variables: Variables) -> None:
    """The first answer is the provider's and a miss; the second is the same bytes and a hit."""
    provider = variables("ai_service")["ai_service_provider"]
    if provider == "mock":
        pytest.skip("this site has no model: its answers are made up, say so, and are never cached")
    request = {"prompt": f"{secrets.token_hex(4)} quick lentil soup"}
    first = client.send("/api/v1/ai/generate-recipe", request)
    second = client.send("/api/v1/ai/generate-recipe", request)
    assert first["status"] == 200, first["body"]
    assert json.loads(first["body"])["meta"]["provider"] == provider
    assert json.loads(first["body"])["meta"]["degraded"] is False
    assert "fwd=miss" in first["headers"]["cache-status"]
    assert "hit" in second["headers"]["cache-status"]
    assert second["body"] == first["body"]


def test_bad_request_is_told_what_was_wrong(client: Client) -> None:
    """A missing field is a 400 that names it, in the error envelope."""
    answer = client.send("/api/v1/ai/generate-recipe", {})
    error = json.loads(answer["body"])
    assert answer["status"] == 400
    assert error["success"] is False
    assert "prompt" in answer["body"]
