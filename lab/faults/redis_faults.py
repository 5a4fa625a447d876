"""Faults of Redis."""

from __future__ import annotations

from lab.faults.fault import Bound, Commands, Fault, main_pid

_UNIT = "redis-server@alchemorsel.service"
_PID = main_pid(_UNIT)
_ACL = "/etc/redis/redis-alchemorsel.acl"
_LOAD_ACL = (
    "REDISCLI_AUTH=$(cat /etc/alchemorsel/secrets/redis_admin_password)"
    " redis-cli --no-auth-warning --user alchemorsel-admin acl load | grep -q OK"
)
_CLI = "redis-cli --user faults --pass faults --no-auth-warning"

ALLOW = f"grep -q '^user faults' {_ACL} || printf '\\nuser faults on >faults ~* &* +@all\\n' >> {_ACL}; {_LOAD_ACL}"
"""Script that lets these faults in: no user of the site may do so much, and the role refuses one that may."""

_DOWN = "Redis (does not answer|refuses)"

FAULTS = (
    Fault(
        "redis-absent",
        "Redis",
        "absent while the instances start",
        Commands(
            f"systemctl stop {_UNIT}; for i in 1 2; do systemctl restart alchemorsel-ai@$i; sleep 5; done",
            f"systemctl start {_UNIT}",
        ),
        Bound(recovers_s=20, refuses=True),
        during_s=10,
        after_s=20,
        noticed=_DOWN,
    ),
    Fault(
        "redis-killed",
        "Redis",
        "killed; systemd starts it again, empty",
        Commands(f"systemctl kill --signal KILL {_UNIT}"),
        Bound(recovers_s=30),
        during_s=15,
        after_s=15,
        heals_itself=True,
        noticed=_DOWN,
    ),
    Fault(
        "redis-stopped",
        "Redis",
        "stopped (SIGSTOP): it accepts, and is silent",
        Commands(f"kill -STOP {_PID}", f"kill -CONT {_PID}"),
        Bound(recovers_s=10),
        noticed=_DOWN,
    ),
    Fault(
        "redis-full",
        "Redis",
        "full: every write is refused",
        Commands(
            f"{_CLI} config set maxmemory-policy noeviction; {_CLI} config set maxmemory 1mb",
            f"{_CLI} config set maxmemory 256mb; {_CLI} config set maxmemory-policy allkeys-lru",
        ),
        Bound(recovers_s=10),
        noticed=_DOWN,
    ),
    Fault(
        "redis-flushed",
        "Redis",
        "flushed: every key is gone",
        Commands(f"{_CLI} flushall"),
        Bound(recovers_s=30),
        during_s=15,
        after_s=15,
        heals_itself=True,
    ),
    Fault(
        "redis-slow-once",
        "Redis",
        "silent once, for 60 ms",
        Commands(f"p={_PID}; kill -STOP $p; sleep 0.06; kill -CONT $p"),
        Bound(recovers_s=10),
        heals_itself=True,
        during_s=5,
        after_s=10,
        noticed=_DOWN,
    ),
    Fault(
        "redis-password",
        "Redis",
        "password changed: the service is refused",
        Commands(
            f"{_CLI} acl setuser alchemorsel resetpass '>another-password'; {_CLI} client kill user alchemorsel",
            _LOAD_ACL,
        ),
        Bound(recovers_s=10),
        noticed=_DOWN,
    ),
)
