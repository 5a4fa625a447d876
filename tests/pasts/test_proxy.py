"""On a host whose only way out is a proxy: what it fetched came by it, and what is of the site is reached directly."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testinfra.host import Host

PASSWORD = re.compile("a%b|a%25b")
DROP_IN = "/etc/systemd/system/docker.service.d/alchemorsel-proxy.conf"
SECRETS = ("/etc/alchemorsel/secrets/docker_proxy", "/etc/alchemorsel/secrets/ai_service_openai_proxy")
RECIPE = {"prompt": "A soup of beetroot behind a proxy", "max_calories": 700}
# The host of the package index that pip has, of its settings or its own.
INDEX = """
import subprocess, sys, urllib.parse
from pip._internal.models.index import PyPI
argv = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
found = subprocess.run(argv, capture_output=True, text=True)
print(urllib.parse.urlsplit(found.stdout.strip() or PyPI.simple_url).hostname)
"""


@pytest.fixture
def variables(host: Host) -> Mapping[str, Any]:
    """Give the variables of a host with that past."""
    found: Mapping[str, Any] = host.ansible.get_variables()
    if found.get("past") != "proxy":
        pytest.skip("the host has another past")
    return found


@pytest.fixture
def has_proxy(host: Host, variables: Mapping[str, Any]) -> bool:
    """Whether `site_proxy` is set."""
    del variables
    return not host.file("/root/past/without-proxy").exists


def fetched(host: Host) -> list[str]:
    """Return what the proxy has fetched: method and URL, in the order of its log; what it refused is left out."""
    way_out = host.get_host("ansible://past-way-out", ansible_inventory=host.backend.ansible_runner.inventory_file)
    fields = [line.split() for line in way_out.file("/var/log/squid/access.log").content_string.splitlines()]
    return [f"{words[5]} {words[6]}" for words in fields if not words[3].endswith(("/407", "/403"))]


def settings_of_ollama(host: Host) -> dict[str, str]:
    """Return the environment of Ollama's container."""
    listed: list[str] = json.loads(
        host.check_output("docker inspect --format '{{json .Config.Env}}' alchemorsel-ollama")
    )
    return dict(line.split("=", 1) for line in listed)


@pytest.mark.usefixtures("variables")
def test_there_is_no_other_way_out(host: Host) -> None:
    """No name is found, and no server reached but the proxy; so what is installed came by it."""
    assert host.run("python3 -c \"import socket; socket.getaddrinfo('mirror.lab', 5000)\"").rc != 0
    connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
    address = host.check_output("sed -n 's/.*ip daddr != \\([0-9.]*\\) .*/\\1/p' /etc/nftables.conf").split()[0]
    assert host.run("python3 -c %s %s 3128", connect, address).rc == 0
    assert host.run("python3 -c %s %s 22", connect, address).rc != 0


@pytest.mark.usefixtures("variables")
def test_packages_image_model_and_wheels_came_by_the_proxy(host: Host) -> None:
    """Each of them is in the proxy's log."""
    log = "\n".join(fetched(host))
    index = host.check_output("/opt/alchemorsel/ai_service/current/venv/bin/python -c %s", INDEX)
    assert re.search(r"/dists/\S+|CONNECT \S+:443", log)
    assert re.search(r"/v2/alchemorsel/ollama/\S+", log)
    assert re.search(r"/v2/library/gemma3/manifests/270m", log)
    assert index in log


def test_what_is_of_the_site_is_reached_directly(host: Host, variables: Mapping[str, Any]) -> None:
    """The container's health check, the service's calls of Ollama and Redis, the verification of the roles."""
    assert host.check_output("docker inspect --format '{{.State.Health.Status}}' alchemorsel-ollama") == "healthy"
    own = ("127.0.0.1", "0.0.0.0", "localhost", str(variables["ansible_host"]), "ollama")
    assert [line for line in fetched(host) if any(f"//{name}:" in line or f" {name}:" in line for name in own)] == []


def test_container_has_the_proxy_while_the_site_has_one(host: Host, has_proxy: bool) -> None:
    """With what it reaches directly, or its health check would go to the proxy."""
    environment = settings_of_ollama(host)
    assert ("HTTPS_PROXY" in environment) is has_proxy
    assert ("0.0.0.0" in environment.get("NO_PROXY", "").split(",")) is has_proxy


def test_files_of_the_proxy_are_for_root_and_go_with_it(host: Host, has_proxy: bool) -> None:
    """The engine's environment is read from one of them, so that no user sees it."""
    assert host.file(DROP_IN).exists is has_proxy
    assert [host.file(path).exists for path in SECRETS] == [has_proxy] * len(SECRETS)
    if has_proxy:
        assert [host.file(path).mode for path in SECRETS] == [0o600] * len(SECRETS)
    shown = host.check_output("systemctl show docker.service alchemorsel-ai@1.service")
    settings = host.file("/etc/alchemorsel/ai_service.env").content_string
    assert not PASSWORD.search(shown + settings)
    assert ("ALCHEMORSEL_OPENAI_PROXY_FILE" in settings) is has_proxy


def test_second_provider_answers_by_the_proxy(
    host: Host,
    variables: Mapping[str, Any],
    has_proxy: bool,
) -> None:
    """While Ollama refuses the service; its name is known to the proxy only."""
    rule = f"ip daddr {variables['ansible_host']} tcp dport 11435 meta skuid alchemorsel reject with tcp reset"
    host.check_output("nft add table inet cut_off")
    try:
        host.check_output("nft add chain inet cut_off output '{ type filter hook output priority -300; }'")
        host.check_output("nft add rule inet cut_off output %s", rule)
        client = Client(host, "127.0.0.1", 3010)
        answer = client.send("/api/v1/ai/generate-recipe", RECIPE | {"serving_size": 2 if has_proxy else 3})
    finally:
        host.check_output("nft delete table inet cut_off")
    asked = [line for line in fetched(host) if "//models.example:11435/v1/chat/completions" in line]
    if has_proxy:
        assert (answer["status"], answer["headers"].get("x-ai-provider")) == (200, "openai")
        assert len(asked) >= 1
    else:
        assert answer["status"] == 503
