"""Faults of the service's instances."""

from __future__ import annotations

from lab.faults.fault import Bound, Commands, Fault, main_pid

_UNIT = "alchemorsel-ai@1.service"
_PID = main_pid(_UNIT)
# As the service's own user, which needs no capability for that; the soft limit alone, up to the hard one and back.
_LIMIT = f"runuser -u alchemorsel -- prlimit --pid {_PID} --nofile"
_DOWN = r"Server api/1 is DOWN|alchemorsel-ai@1.service: (Main process exited|Watchdog timeout)"
_DROP_IN = f"/run/systemd/system/{_UNIT}.d/faults-clock.conf"
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

FAULTS = (
    Fault(
        "instance-killed",
        "Service",
        "one instance killed",
        Commands(f"systemctl kill --signal KILL {_UNIT}"),
        Bound(recovers_s=15),
        heals_itself=True,
        during_s=15,
        after_s=5,
        noticed=_DOWN,
    ),
    Fault(
        "instance-stopped",
        "Service",
        "one instance stopped (SIGSTOP), until systemd's watchdog kills it",
        Commands(f"kill -STOP {_PID}"),
        Bound(recovers_s=30),
        heals_itself=True,
        during_s=30,
        after_s=5,
        noticed=_DOWN,
    ),
    Fault(
        "instances-restarted",
        "Service",
        "all instances restarted at once: none is live",
        Commands("systemctl restart --no-block 'alchemorsel-ai@*.service'"),
        Bound(recovers_s=20, refuses=True),
        heals_itself=True,
        during_s=20,
        after_s=5,
        noticed=r"Stopping alchemorsel-ai@|backend api has no server available",
    ),
    Fault(
        "log-stalled",
        "Service",
        "nobody reads the log: journald stopped",
        Commands("systemctl kill --signal STOP systemd-journald", "systemctl kill --signal CONT systemd-journald"),
        Bound(recovers_s=10),
    ),
    Fault(
        "disk-full",
        "Service",
        "the file system of sockets and metrics (/run) is full",
        Commands(
            "mount -o remount,size=$(df --output=used --block-size=1 /run | tail -1) /run",
            "mount -o remount,size=1g /run",
        ),
        Bound(recovers_s=10),
    ),
    Fault(
        "descriptors-exhausted",
        "Service",
        "one instance may open no further file or connection",
        Commands(
            f"{_LIMIT}=$(ls /proc/{_PID}/fd | wc -l):",
            f"{_LIMIT}=$(awk '/open files/ {{print $5}}' /proc/{_PID}/limits):",
        ),
        Bound(recovers_s=10),
    ),
    Fault(
        "clock-wrong",
        "Service",
        "one instance's clock is ten hours ahead (libfaketime, in its unit only)",
        Commands(
            f"mkdir -p $(dirname {_DROP_IN})\n"
            f"printf '[Service]\\nEnvironment=LD_PRELOAD={_FAKETIME} FAKETIME=+10h\\n' > {_DROP_IN}\n"
            f"echo Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 >> {_DROP_IN}\n"
            f"systemctl daemon-reload; systemctl restart {_UNIT}",
            f"rm -f {_DROP_IN}; systemctl daemon-reload; systemctl restart {_UNIT}",
        ),
        Bound(recovers_s=20),
        during_s=15,
        after_s=20,
        prepare=f"test -e {_FAKETIME} || apt-get install --yes --no-install-recommends libfaketime",
    ),
)
