"""Redis servers that fail over, with the files of the roles redis and load_balancer, as processes on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
from ansible.template import trust_as_template

from lab.packages import ensure_program
from lab.ports import free_port, listens
from tests.roles.templates import evaluate, role_variables
from tests.waiting import until

if TYPE_CHECKING:
    from types import TracebackType

    from tests.contract.certificates import Authority

ROLES = Path(__file__).parents[1] / "roles"
PASSWORD = "a-password-of-this-test"
SHARED = {"replication": "replication-of-this-test", "check": "check-of-this-test"}
ADMIN = "operator"
START_S = 40
STEADY_S = 60
NAMES = ("one", "two", "three")
PROGRAMS = {
    "server": ("replication.conf", "server.conf", "port"),
    "sentinel": ("sentinel.conf", "sentinel.state", "sentinel_port"),
}
"""Of each: the role's file, the program's own, and the port's name in `redis_peers`."""


class RedisFailover(AbstractContextManager["RedisFailover"]):
    """Three hosts' Redis servers and Sentinels, and what connects a service to their primary.

    Args:
        folder: An empty directory.
        authority: Who certifies the servers; with one they speak TLS and nothing else.

    Attributes:
        socket: Where the primary answers.
        password_file: A file with the service's password.
        settings: Variables of the role redis that a test changes between two starts.
    """

    def __init__(self, folder: Path, authority: Authority | None = None) -> None:
        self._folder, self._authority = folder, authority
        self.peers: list[dict[str, Any]] = [
            {"name": name, "address": "127.0.0.1", "port": free_port(), "sentinel_port": free_port()} for name in NAMES
        ]
        self.socket = folder / "redis.sock"
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD)
        (folder / "ca.crt").write_text(authority.pem if authority else "")
        self.settings: dict[str, Any] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        ensure_program("haproxy", "haproxy", units=("haproxy.service",))
        try:
            for name in NAMES:
                self.start(name)
            self._start_proxy()
            until(lambda: list(self.states("replicated").values()) == ["UP", "DOWN", "DOWN"], timeout_s=STEADY_S)
            until(lambda: list(self.states("alone").values()) == ["UP", "DOWN", "DOWN"], timeout_s=STEADY_S)
            self.becomes_whole(STEADY_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def start(self, name: str, *programs: str) -> None:
        """Write the role's files of a host, and start its server and Sentinel, or those named, as their units do."""
        own = self._peer(name)
        self.configure(name)
        home = self._folder / name
        for program in programs or ("server", "sentinel"):
            config, state, port = PROGRAMS[program]
            self.command(name, f"join-{program}")
            # The program is one; Debian's redis-sentinel is a link to it.
            mode = ["--sentinel"] if program == "sentinel" else []
            with (home / f"{program}.log").open("ab") as log:
                self._processes[f"{name} {program}"] = subprocess.Popen(
                    ["redis-server", str(home / state), *mode, "--include", str(home / config)], stdout=log, stderr=log
                )
            until(listens(own[port]), timeout_s=START_S)

    def configure(self, name: str) -> None:
        """Write the role's files of a host."""
        home = self._folder / name
        home.mkdir(exist_ok=True)
        variables = self._variables(name, home)
        for template, file in (
            ("redis-alchemorsel.conf.j2", "redis.conf"),
            ("redis-alchemorsel.acl.j2", "users.acl"),
            ("redis-replication.conf.j2", "replication.conf"),
            ("sentinel-alchemorsel.conf.j2", "sentinel.conf"),
            ("redis-failover.env.j2", "settings.env"),
        ):
            text = (ROLES / "redis" / "templates" / template).read_text()
            (home / file).write_text(evaluate(trust_as_template(text), variables))
        for kind, password in SHARED.items():
            (home / kind).write_text(password + "\n")

    def kill(self, name: str, *programs: str) -> None:
        """SIGKILL to a host's server and its Sentinel, or to those named."""
        for program in programs or ("server", "sentinel"):
            process = self._processes[f"{name} {program}"]
            process.kill()
            process.wait()

    def command(self, name: str, command: str) -> str:
        """Run alchemorsel-redis on a host, and return what it prints."""
        done = subprocess.run(
            ["sh", str(ROLES / "redis" / "files" / "alchemorsel-redis.sh"), command],
            env=os.environ | {"ALCHEMORSEL_REDIS_SETTINGS": str(self._folder / name / "settings.env")},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, (name, command, done.stderr, self.log(name))
        return done.stdout

    def primary(self) -> str:
        """Return the name of the primary, as most Sentinels tell it; empty where none does."""
        for name in NAMES:
            try:
                told = self.command(name, "primary").split()
            except AssertionError:
                continue
            return next((str(peer["name"]) for peer in self.peers if str(peer["port"]) == told[1]), "")
        return ""

    def is_whole(self) -> bool:
        """Tell whether one server is the primary and the two others copy it, and all Sentinels know all of them.

        A Sentinel asks the primary for its replicas every 10 s. A replica that it does not know when the primary is
        lost is told of no other: it goes on copying the former primary, which copies the next one.
        """
        others = len(NAMES) - 1
        for name in NAMES:
            told = self.command(name, "status")
            if (f"{others} replicas online" not in told) or told.count(": replica\n") != others:
                return False
            with self.sentinel(name) as client:
                known = client.sentinel_master("alchemorsel")
                if (known["num-other-sentinels"], known["num-slaves"]) != (others, others):
                    return False
        return True

    def becomes_whole(self, timeout_s: float) -> None:
        """Wait until it is whole.

        Raises:
            AssertionError: It is not in time; with what all servers and Sentinels tell.
        """
        try:
            until(self.is_whole, timeout_s=timeout_s)
        except AssertionError as error:
            told = "\n".join(f"{name}\n{self.command(name, 'status')}{self.log(name)}" for name in NAMES)
            raise AssertionError(f"{error}: {told}") from error

    def sentinel(self, name: str) -> Any:
        """Make a client of a host's Sentinel."""
        return redis.Redis(
            "127.0.0.1", self._peer(name)["sentinel_port"], password=SHARED["replication"], **self._tls()
        )

    def operator(self, name: str) -> Any:
        """Make a client of a host's server who may do everything."""
        return redis.Redis("127.0.0.1", self._peer(name)["port"], username=ADMIN, password=PASSWORD, **self._tls())

    def client(self) -> Any:
        """Make a client of the primary, as the service's user."""
        return redis.Redis(unix_socket_path=str(self.socket), username="alchemorsel", password=PASSWORD)

    def states(self, backend: str) -> dict[str, str]:
        """Return the state of each server of a backend, as HAProxy sees it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self._folder / "admin.sock"))
            connection.sendall(b"show stat\n")
            told = connection.makefile().read()
        rows = [line.split(",") for line in told.splitlines() if line.startswith(f"{backend},")]
        return {row[1]: row[17] for row in rows if row[1] != "BACKEND"}

    def log(self, name: str) -> str:
        """Return the last lines that a host's programs have logged."""
        logs = (self._folder / name).glob("*.log")
        return "\n".join(line for log in logs for line in log.read_text(errors="replace").splitlines()[-40:])

    def _peer(self, name: str) -> dict[str, Any]:
        return next(peer for peer in self.peers if peer["name"] == name)

    def _tls(self) -> dict[str, Any]:
        return {"ssl": True, "ssl_ca_data": self._authority.pem} if self._authority else {}

    def _variables(self, name: str, home: Path) -> dict[str, Any]:
        """Return the role's variables with paths of the test's."""
        if self._authority and not (home / "server.crt").exists():
            certificate, key = self._authority.certify(home, "127.0.0.1", f"{name}.redis.test")
            shutil.copy(certificate, home / "server.crt")
            shutil.copy(key, home / "server.key")
            shutil.copy(self._folder / "ca.crt", home / "ca.crt")
        variables = (
            role_variables("redis")
            | {
                "inventory_hostname": name,
                "ansible_managed": "Managed by a test",
                "redis_peers": self.peers,
                "redis_port": self._peer(name)["port"],
                "redis_tls": self._authority is not None,
                "redis_tls_ca_file": "ca.crt" if self._authority else "",
                "__redis_version": "7.0.15",
                "__redis_shared": SHARED,
                "__redis_tls_folder": str(home),
                "__redis_data_folder": str(home),
                "__redis_runtime_folder": str(home),
                "__redis_acl": str(home / "users.acl"),
                "__redis_config": str(home / "redis.conf"),
                "__redis_replication_config": str(home / "replication.conf"),
                "__redis_state": str(home / "server.conf"),
                "__redis_sentinel_state": str(home / "sentinel.state"),
                "__redis_sentinel_folder": str(home),
                "__redis_sentinel_pid": str(home / "sentinel.pid"),
                "__redis_replication_password_file": str(home / "replication"),
                "__redis_check_password_file": str(home / "check"),
            }
            | self.settings
        )
        operator = {"name": ADMIN, "password_file": "", "keys": ["*"], "commands": ["@all"], "channels": ["*"]}
        variables["redis_users"] = [operator]
        passwords = {
            "alchemorsel": PASSWORD, ADMIN: PASSWORD, "alchemorsel-admin": PASSWORD,
            "alchemorsel-check": SHARED["check"],
            "alchemorsel-replica": SHARED["replication"], "alchemorsel-sentinel": SHARED["replication"],
        }  # fmt: skip
        digests = {user: [sha256(password.encode()).hexdigest()] for user, password in passwords.items()}
        return variables | {"__redis_secrets": {"sha256": digests}}

    def _start_proxy(self) -> None:
        variables = role_variables("load_balancer") | {
            "ansible_managed": "Managed by a test",
            "load_balancer_redis_servers": [peer | {"tls_name": f"{peer['name']}.redis.test"} for peer in self.peers],
            "load_balancer_redis_tls": self._authority is not None,
            "load_balancer_redis_ca_file": "ca.crt",
            "load_balancer_redis_check_password": SHARED["check"],
            "__load_balancer_redis_ca": str(self._folder / "ca.crt"),
            "__load_balancer_redis_socket": str(self.socket),
            "__load_balancer_redis_health": str(self._folder / "health.sock"),
            "__load_balancer_redis_admin": str(self._folder / "admin.sock"),
        }
        text = (ROLES / "load_balancer" / "templates" / "redis.cfg.j2").read_text()
        (self._folder / "redis.cfg").write_text(evaluate(trust_as_template(text), variables))
        with (self._folder / "haproxy.log").open("wb") as log:
            self._processes["proxy"] = subprocess.Popen(
                ["haproxy", "-f", str(self._folder / "redis.cfg")], stdout=log, stderr=log
            )
        until(self.socket.exists, timeout_s=START_S)
