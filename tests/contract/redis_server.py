"""A real Redis for tests: its own process, port, folder and ACL user."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis

from lab.ports import free_port, listens

if TYPE_CHECKING:
    import signal
    from types import TracebackType

    from tests.contract.certificates import Authority

USER = "alchemorsel"
ADMIN = "operator"
PASSWORD = "a test's password"
COMMANDS = (
    "auth", "hello", "ping", "get", "set", "exists", "del", "unlink", "pexpire", "pttl", "scan", "eval",
    "evalsha", "script|load", "incrby", "rename", "hincrby", "hgetall", "xadd", "xrevrange",
)  # fmt: skip
"""What the service needs, and no more: a test fails where the service starts to need other rights."""
RIGHTS = " ".join(["resetkeys ~ai:* -@all", *(f"+{command}" for command in COMMANDS)])
START_TIMEOUT_S = 10.0
MAX_WAIT_S = 5.0
"""Deadline of an operation where no test is about it: a busy machine is no lost Redis."""


class RedisServer:
    """`redis-server` from PATH.

    Args:
        arguments: Further ones of its command line.
        rights: What the user may do, as an ACL rule.
        authority: Who certifies it; with one it speaks TLS and nothing else.

    Attributes:
        url: Where it listens.
        password_file: A file with the user's password.
    """

    def __init__(self, *arguments: str, rights: str = RIGHTS, authority: Authority | None = None) -> None:
        self._arguments = list(arguments)
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is not on PATH; install it, on Debian: apt-get install redis-server")
        self._program = program
        self._folder = Path(tempfile.mkdtemp(prefix="alchemorsel-redis-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"{'rediss' if authority else 'redis'}://127.0.0.1:{self._port}/0"
        if authority:
            certificate, key = authority.certify(self._folder, "127.0.0.1")
            self._arguments += [
                "--port", "0", "--tls-port", str(self._port), "--tls-auth-clients", "no",
                "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
            ]  # fmt: skip
        self.password_file = self._folder / "password"
        self.password_file.write_text(PASSWORD)
        acl = f"user default off resetpass resetkeys -@all\nuser {USER} on #{_sha256(PASSWORD)} {rights}\n"
        acl += f"user {ADMIN} on #{_sha256(PASSWORD)} ~* &* +@all\n"
        (self._folder / "users.acl").write_text(acl)

    @property
    def settings(self) -> dict[str, str]:
        """A service's settings for it, where a test is about something else than the deadline of its operations."""
        return {
            "REDIS_URL": self.url,
            "REDIS_USERNAME": USER,
            "REDIS_PASSWORD_FILE": str(self.password_file),
            "REDIS_TIMEOUT": f"{MAX_WAIT_S:g}s",
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server, empty, on the same port as before."""
        self._process = subprocess.Popen(
            [
                self._program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", str(self._folder), "--aclfile", str(self._folder / "users.acl"), "--loglevel", "warning",
                *self._arguments,
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        give_up = time.monotonic() + START_TIMEOUT_S
        while not listens(self._port)():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal: SIGSTOP suspends it, SIGCONT resumes it."""
        assert self._process is not None
        self._process.send_signal(number)

    def limit_memory(self, limit_bytes: int) -> None:
        """Bounds its memory from now on, as an operator could."""
        with redis.Redis.from_url(self.url, username=ADMIN, password=PASSWORD) as client:
            client.config_set("maxmemory", limit_bytes)

    def flush(self) -> None:
        """Delete all keys, as an operator could."""
        with redis.Redis.from_url(self.url, username=ADMIN, password=PASSWORD) as client:
            client.flushall()

    def forget(self, key: str) -> None:
        """Delete a key, as an operator could."""
        with redis.Redis.from_url(self.url, username=ADMIN, password=PASSWORD) as client:
            client.delete(key)

    def keys(self) -> list[str]:
        """List the names of all keys, as an operator could."""
        with redis.Redis.from_url(self.url, username=ADMIN, password=PASSWORD) as client:
            return [key.decode() for key in client.scan_iter()]

    def connections(self) -> int:
        """How many it has accepted so far, this question's included."""
        with redis.Redis.from_url(self.url, username=ADMIN, password=PASSWORD) as client:
            return int(client.info("stats")["total_connections_received"])

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
