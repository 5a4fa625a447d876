"""The port of a Redis server reaches plays of other hosts, also where `--limit` leaves its host out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.roles.ansible_module import COLLECTIONS, ROOT

URL = ROOT / "inventories" / "prod" / "group_vars" / "ai_service_hosts" / "cache.yml"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give a site whose hosts are this machine, or are not reached."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    lost = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
    hosts = {
        "api": {**local, "private_address": "10.0.0.1"},
        "cache": {**local, "private_address": "10.0.0.2"},
        "given": {**lost, "private_address": "10.0.0.3", "redis_port": 7000},
        "lost": {**lost, "private_address": "10.0.0.4"},
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    url = yaml.safe_load(URL.read_text())["ai_service_redis_url"]
    plays = [
        {"name": "Ports", "import_playbook": str(ROOT / "playbooks" / "redis_ports.yml")},
        {
            "name": "Show",
            "hosts": "api",
            "gather_facts": False,
            "tasks": [{"name": "Show", "ansible.builtin.debug": {"msg": f"url is {url}"}, "tags": ["ai_service"]}],
        },
    ]
    (tmp_path / "site.yml").write_text(yaml.safe_dump(plays))
    return tmp_path


def play(site: Path, cache: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook on the service's host alone, with one of the others as the only Redis host."""
    groups = {
        "all": {"children": {"redis_hosts": {"hosts": {cache: None}}, "ai_service_hosts": {"hosts": {"api": None}}}}
    }
    (site / "groups.yml").write_text(yaml.safe_dump(groups))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    inventory = [f"--inventory={site / name}" for name in ("hosts.yml", "groups.yml")]
    return subprocess.run(
        [program, str(site / "site.yml"), *inventory, "--limit=ai_service_hosts", *arguments],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_FORCE_COLOR": "0"},
        cwd=site,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("--tags=ai_service",), ("--check",)])
def test_port_of_a_host_outside_the_limit_is_asked_for(site: Path, arguments: tuple[str, ...]) -> None:
    """As the host has it, with tags and in check mode too."""
    done = play(site, "cache", *arguments)
    assert re.search(r"url is redis://10\.0\.0\.2:\d{4,5}/0", done.stdout), done.stdout + done.stderr
    assert "changed=0" in done.stdout


def test_port_that_is_set_needs_no_connection(site: Path) -> None:
    """The inventory says it, and the host may be down."""
    done = play(site, "given")
    assert "url is redis://10.0.0.3:7000/0" in done.stdout, done.stdout + done.stderr
    assert "Gather the servers of hosts" not in done.stdout


def test_port_that_is_not_known_ends_the_play_with_the_way_out(site: Path) -> None:
    """A guess would point the service at somebody else's server."""
    done = play(site, "lost")
    told = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "The port of Redis is not known on lost, which is not reached" in told, told
    assert "set redis_port in the inventory" in told
