"""A service host answers the application's requests from the model, and the second time from the cache."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.hosts.client import Client
from tests.hosts.sandbox import MAX_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "ai_service_hosts"


@pytest.fixture
def client(host: Host, variables: Variables) -> Client:
    """Give a client of this host's service."""
    return Client.of_api(host, variables("ai_service"))


def instances(variables: Variables) -> list[str]:
    """Units of the instances."""
    wanted = variables("ai_service")
    default = 2 if wanted["ai_service_redis_url"] else 1
    count = wanted["ai_service_instances"] if str(wanted["ai_service_instances"]).isdecimal() else default
    return [f"alchemorsel-ai@{number}.service" for number in range(1, int(count) + 1)]


def test_instances_are_running_and_enabled(host: Host, variables: Variables) -> None:
    """All that the inventory has, and no other."""
    assert all(host.service(unit).is_running and host.service(unit).is_enabled for unit in instances(variables))
    told = host.check_output("systemctl list-units --plain --no-legend --all 'alchemorsel-ai*'")
    assert sorted(line.split()[0] for line in told.splitlines()) == instances(variables)


def test_service_does_not_run_as_root(host: Host, variables: Variables) -> None:
    """The service has a user of its own."""
    for unit in instances(variables):
        pid = host.check_output("systemctl show --property=MainPID --value %s", unit)
        assert host.check_output("ps -o user= -p %s", pid).strip() not in {"root", "0"}


def test_unit_is_exposed_as_little_as_promised(host: Host, variables: Variables) -> None:
    """The sandbox is 2.0 or less of 10 in systemd's own judgement."""
    assert exposure(host, instances(variables)[0]) <= MAX_EXPOSURE


def test_nobody_but_the_edge_reaches_an_instance(host: Host, variables: Variables) -> None:
    """Its socket is open to all, as uvicorn makes it; the folder is not, so keys and limits cannot be gone around."""
    folder = host.file("/run/alchemorsel/ai")
    assert (folder.mode, folder.user, folder.group) == (0o750, "alchemorsel", "alchemorsel-edge")
    assert all(
        host.file(f"/run/alchemorsel/ai/{number + 1}.sock").is_socket for number in range(len(instances(variables)))
    )
    script = "import socket; socket.socket(socket.AF_UNIX).connect('/run/alchemorsel/ai/1.sock')"
    tried = host.run("setpriv --reuid=nobody --regid=nogroup --clear-groups python3 -c %s", script)
    assert "PermissionError" in tried.stderr


def test_metrics_are_the_sum_over_the_instances(client: Client, variables: Variables) -> None:
    """Whichever instance is asked."""
    count = len(instances(variables))
    for _ in range(2 * count):
        metrics = client.send("/metrics")["body"]
        assert f"alchemorsel_ai_workers {float(count)}" in metrics.splitlines()


def test_environment_file_holds_no_password(host: Host, variables: Variables) -> None:
    """Secrets come as systemd credentials: neither unit nor environment file holds one."""
    secret = host.file(variables("ai_service")["ai_service_redis_password_file"]).content_string.strip()
    assert secret
    assert secret not in host.check_output("systemctl cat alchemorsel-ai@1.service")
    assert secret not in host.file("/etc/alchemorsel/ai_service.env").content_string


def test_password_goes_to_another_host_by_tls_where_the_inventory_says_so(host: Host, variables: Variables) -> None:
    """The running service has the address of the inventory, and the authority that it trusts."""
    url = variables("ai_service")["ai_service_redis_url"]
    if not url.startswith("rediss://"):
        pytest.skip("this site's Redis does not speak TLS")
    settings = host.file("/etc/alchemorsel/ai_service.env").content_string
    assert f'ALCHEMORSEL_REDIS_URL="{url}"' in settings
    if variables("ai_service")["ai_service_redis_ca_file"]:
        assert host.file("/run/credentials/alchemorsel-ai@1.service/redis_ca").exists


def test_only_who_has_a_key_is_answered(client: Client, variables: Variables) -> None:
    """Where keys are set; health stays open, for load balancers carry none."""
    if not variables("ai_service")["ai_service_api_keys"]:
        pytest.skip("this site lets everybody in who reaches the address")
    assert client.send("/api/v1/ai/generate-recipe", {"prompt": "soup"}, stranger=True)["status"] == 401
    assert client.send("/health", stranger=True)["status"] == 200


def test_health_says_healthy(client: Client, variables: Variables) -> None:
    """Every part is up, so the service says so; of a mock it never does, since no model answers."""
    answer = client.send("/health")
    assert answer["status"] == 200
    mocked = variables("ai_service")["ai_service_provider"] == "mock"
    assert json.loads(answer["body"])["status"] == ("degraded" if mocked else "healthy")


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
