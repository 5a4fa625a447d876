"""What the survey finds of Redis and valkey servers, on a file system of our own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_redis import OWN_MARK, survey

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
OWN = "etc/redis/redis-alchemorsel.conf"
DROP_IN = "etc/systemd/system/redis-server.service.d/alchemorsel.conf"


class Host:
    """A file system with processes and sockets, and programs that answer as told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages: list[str] = []
        self.units: dict[str, str] = {}
        self.write("proc/net/tcp", HEADER)

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def listen(self, port: int, pid: int = 0, comm: str = "", unit: str = "") -> None:
        """Add a listening socket, and the process that holds it."""
        inode = 1000 + port
        table = self.root / "proc/net/tcp"
        line = f"   0: 0100007F:{port:04X} 00000000:0000 0A 0:0 00:0 0 0 0 {inode} 1 0 100 0 0 10 0\n"
        table.write_text(table.read_text() + line)
        if pid:
            self.write(f"proc/{pid}/comm", f"{comm}\n")
            self.write(f"proc/{pid}/cgroup", f"0::/system.slice/{unit}\n")
            (self.root / f"proc/{pid}/fd").mkdir()
            (self.root / f"proc/{pid}/fd/6").symlink_to(f"socket:[{inode}]")

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Answer for a program."""
        if command[0] == "dpkg-query":
            lines = [f"{name} 5:7.0.15 install ok installed" for name in self.packages if name in command]
            return 0, "\n".join(lines), ""
        return 0, self.units.get(command[-1], ""), ""

    def survey(self) -> dict[str, Any]:
        """Return what is found."""
        return survey(self.run, self.root)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Give a host without anything."""
    return Host(tmp_path)


def test_bare_host_has_nothing_and_gets_the_usual_port(host: Host) -> None:
    """No program has to be there for that."""
    found = host.survey()
    assert found["port"] == 6379
    assert not any(found[name] for name in ("servers", "installed", "brought", "exists", "foreign", "former", "others"))


def test_running_server_is_found_with_unit_port_and_configuration(host: Host) -> None:
    """Its process title hides the configuration, which the unit tells."""
    host.packages = ["redis-server", "redis-tools"]
    host.listen(6379, 12, "redis-server", "redis-server.service")
    host.units["redis-server.service"] = (
        "ExecStart={ path=/usr/bin/redis-server ; argv[]=/usr/bin/redis-server /etc/redis/redis.conf --daemonize no ; }"
    )
    found = host.survey()
    assert found["servers"] == [
        {
            "pid": 12,
            "program": "redis-server",
            "unit": "redis-server.service",
            "ports": [6379],
            "config": "/etc/redis/redis.conf",
        }
    ]
    assert (found["others"], found["installed"]) == (["redis-server.service"], ["redis-server"])


@pytest.mark.parametrize("comm", ["redis-server", "valkey-server", "nginx"])
def test_held_port_is_left_to_whoever_holds_it(host: Host, comm: str) -> None:
    """The next free one is taken."""
    host.listen(6379, 12, comm, f"{comm}.service")
    host.listen(6380)
    assert host.survey()["port"] == 6381


@pytest.mark.parametrize(
    ("package", "file", "text", "port"),
    [
        ("redis-server", "etc/redis/redis.conf", "port 6379\n", 6380),
        ("redis-server", "etc/redis/redis.conf", "# nothing\n", 6380),
        ("redis-server", "etc/redis/redis.conf", "port 7000\n", 6379),
        ("redis-server", "etc/redis/redis-cache.conf", "port 0\ntls-port 6379\n", 6380),
        ("valkey-server", "etc/valkey/valkey.conf", "port 6379\n", 6380),
        ("redis-tools", "etc/redis/redis.conf", "port 6379\n", 6379),
    ],
)
def test_port_of_a_server_that_is_stopped_stays_its_own(
    host: Host, package: str, file: str, text: str, port: int
) -> None:
    """Somebody who installed it may start it again; a file of a removed package starts nothing."""
    host.packages = [package]
    host.write(file, text)
    assert host.survey()["port"] == port


def test_packages_that_the_role_brought_reserve_no_port(host: Host) -> None:
    """Their stock unit is disabled."""
    host.packages = ["redis-server", "redis-tools"]
    host.write("etc/redis/redis.conf", "port 6379\n")
    host.write("var/lib/alchemorsel/redis.json", json.dumps({"packages": ["redis-server", "redis-tools"]}))
    found = host.survey()
    assert (found["port"], found["brought"]) == (6379, ["redis-server", "redis-tools"])


def test_stock_server_of_packages_that_the_role_brought_holds_no_port(host: Host) -> None:
    """It runs where a play was killed before it stopped it; a server of another unit keeps its port."""
    host.packages = ["redis-server", "redis-tools"]
    host.listen(6379, 12, "redis-server", "redis-server.service")
    assert host.survey()["port"] == 6380
    host.write("var/lib/alchemorsel/redis.json", json.dumps({"packages": ["redis-server", "redis-tools"]}))
    assert host.survey()["port"] == 6379
    host.listen(6380, 13, "redis-server", "redis-server@theirs.service")
    assert host.survey()["port"] == 6379
    host.write("proc/12/cgroup", "0::/system.slice/redis-server@other.service\n")
    assert host.survey()["port"] == 6381


def test_own_instance_keeps_its_port_whatever_comes_or_goes(host: Host) -> None:
    """Not the usual one, though nobody holds it any more; and also while somebody holds its own."""
    host.write(OWN, f"# {OWN_MARK}\nport 6381\n")
    assert (host.survey()["port"], host.survey()["exists"]) == (6381, True)
    host.listen(6381, 12, "nginx", "nginx.service")
    assert host.survey()["port"] == 6381


def test_own_instance_with_tls_keeps_its_port(host: Host) -> None:
    """The plain port is off then."""
    host.write(OWN, f"# {OWN_MARK}\nport 0\ntls-port 6380\n")
    assert host.survey()["port"] == 6380


def test_files_with_the_names_of_the_role_that_are_somebody_elses_are_foreign(host: Host) -> None:
    """The application itself may have called its server so."""
    host.write(OWN, "port 6390\n")
    host.write("etc/systemd/system/redis-server@.service", "[Service]\n")
    found = host.survey()
    assert found["foreign"] == ["/etc/systemd/system/redis-server@.service", f"/{OWN}"]
    assert (found["exists"], found["port"]) == (False, 6379)


def test_server_of_an_earlier_revision_is_the_former_one(host: Host) -> None:
    """With its port and its dump, wherever redis.conf, which it includes, has it."""
    host.packages = ["redis-server", "redis-tools"]
    host.write(DROP_IN, "[Service]\nExecStart=/usr/bin/redis-server /etc/redis/alchemorsel.conf --daemonize no\n")
    host.write("etc/redis/redis.conf", "port 6379\ndir /srv/redis\n")
    host.write("etc/redis/alchemorsel.conf", "bind 0.0.0.0\nport 6400\n")
    host.listen(6400, 12, "redis-server", "redis-server.service")
    found = host.survey()
    assert found["former"] == {"port": 6400, "address": "127.0.0.1", "tls": False, "dump": "/srv/redis/dump.rdb"}
    assert (found["port"], found["brought"]) == (6400, ["redis-server", "redis-tools"])
    assert found["others"] == []


def test_drop_in_of_somebody_else_makes_no_former_server(host: Host) -> None:
    """Only one that starts the role's configuration does."""
    host.write(DROP_IN, "[Service]\nLimitNOFILE=1000\n")
    assert host.survey()["former"] == {}


def test_packages_installed_again_after_a_removal_are_somebody_elses(host: Host) -> None:
    """What the role took away, and nobody brought back, is still to be purged."""
    record = {"packages": ["redis-server", "redis-tools"], "removed": True}
    host.write("var/lib/alchemorsel/redis.json", json.dumps(record))
    assert host.survey()["brought"] == ["redis-server", "redis-tools"]
    host.packages = ["redis-server", "redis-tools"]
    assert host.survey()["brought"] == []


def test_instance_that_is_enabled_needs_the_packages(host: Host) -> None:
    """Whether it runs at the moment or not; the role's own does not count."""
    wants = host.root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    for name in ("redis-server@alchemorsel.service", "redis-server@site.service"):
        (wants / name).symlink_to("/usr/lib/systemd/system/redis-server@.service")
    assert host.survey()["others"] == ["redis-server@site.service"]


def test_server_in_a_container_is_not_the_hosts(host: Host) -> None:
    """Its port may be published, and is held then; its program is not the host's."""
    host.listen(6379, 12, "redis-server", "docker.service")
    for pid, namespace in ((1, "pid:[1]"), (12, "pid:[2]")):
        (host.root / f"proc/{pid}/ns").mkdir(parents=True, exist_ok=True)
        (host.root / f"proc/{pid}/ns/pid").symlink_to(namespace)
    found = host.survey()
    assert (found["servers"], found["others"], found["port"]) == ([], [], 6380)
