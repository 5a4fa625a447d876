"""What apt-get would do, read from its own words, and what of that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.package_simulation import Simulation, problems, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping

PINNED = ["--allow-downgrades", "--allow-change-held-packages"]
DISPLACING = """\
The following packages will be REMOVED:
  containerd.io
The following held packages will be changed:
  iptables libip4tc2
The following packages will be DOWNGRADED:
  runc
Remv containerd.io [1.7.27-1]
Inst runc [1.2.0-1] (1.1.5+ds1-1 Debian:12.11/stable [amd64])
Inst containerd:amd64 (1.6.20~ds1-1 Debian:12.11/stable [amd64])
Inst iptables [1.8.9-1] (1.8.9-2 Debian:12.11/stable [amd64])
Conf containerd (1.6.20~ds1-1 Debian:12.11/stable [amd64])
"""


class Host:
    """Answers commands by their first words; what is not known fails."""

    def __init__(self, answers: Mapping[str, tuple[int, str, str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Run a command."""
        line = " ".join(command)
        self.asked.append(line)
        return next((answer for words, answer in self.answers.items() if words in line), (1, "", "unknown"))


def test_plan_is_read_from_the_simulation() -> None:
    """Names come without their architecture."""
    plan = simulate(Host({"install docker.io": (0, DISPLACING, "")}).run, ["docker.io"])
    assert plan.removed == {"containerd.io": "1.7.27-1"}
    assert plan.new == {"containerd": "1.6.20~ds1-1"}
    assert plan.upgraded["iptables"] == ("1.8.9-1", "1.8.9-2")
    assert (plan.downgraded, plan.unheld) == (["runc"], ["iptables", "libip4tc2"])


def test_plan_tells_versions_before_and_after() -> None:
    """Of what is installed, upgraded and removed."""
    changes = simulate(Host({"install docker.io": (0, DISPLACING, "")}).run, ["docker.io"]).changes
    assert changes.before == {"containerd.io": "1.7.27-1", "runc": "1.2.0-1", "iptables": "1.8.9-1"}
    assert changes.after == {"runc": "1.1.5+ds1-1", "iptables": "1.8.9-2", "containerd": "1.6.20~ds1-1"}


@pytest.mark.parametrize(("flags", "refusal"), [([], "apt-mark unhold iptables libip4tc2"), (PINNED, "")])
def test_held_packages_are_a_refusal_unless_they_may_change(flags: list[str], refusal: str) -> None:
    """Apart from a simulation apt-get would not do it when nobody is there to be asked."""
    host = Host({"install docker.io": (0, DISPLACING, "")})
    assert refusal in simulate(host.run, ["docker.io"], flags=flags).refusal
    assert bool(simulate(host.run, ["docker.io"], flags=flags).refusal) is bool(refusal)


def test_lists_that_do_not_know_a_package_are_told_from_other_errors() -> None:
    """The former may be old or empty."""
    unknown = simulate(Host({"apt-get": (100, "", "E: Unable to locate package docker.io")}).run, ["docker.io"])
    broken = simulate(Host({"apt-get": (100, "", "E: dpkg was interrupted")}).run, ["docker.io"])
    assert (unknown.is_unknown, broken.is_unknown, broken.error) == (True, False, "dpkg was interrupted")


def test_removal_of_others_is_refused_with_who_needs_it() -> None:
    """Its units that run, and what depends on it."""
    host = Host(
        {
            "dpkg-query --listfiles": (0, "/lib/systemd/system\n/lib/systemd/system/containerd.service\n", ""),
            "systemctl is-active": (0, "", ""),
            "apt-cache rdepends": (0, "containerd.io\nReverse Depends:\n  kubeadm\n", ""),
        }
    )
    plan = Simulation(removed={"containerd.io": "1.7", "docker.io": "20"})
    (problem,) = problems(host.run, plan, ["docker.io=26*"], [])
    assert "containerd.io (containerd.service runs; needed by kubeadm)" in problem
    assert "apt-get remove containerd.io" in problem


def test_downgrade_and_held_package_of_others_are_refused() -> None:
    """What was asked for may be either, as it was asked for."""
    plan = Simulation(downgraded=["docker.io", "runc"], unheld=["docker.io", "iptables"])
    older, held = problems(Host({}).run, plan, ["docker.io=20*"], [])
    assert "downgrade runc:" in older
    assert "apt-mark unhold iptables" in held


def test_upgrade_is_refused_of_guarded_packages_only() -> None:
    """Others may come in a newer version, as ever with apt."""
    plan = Simulation(upgraded={"runc": ("1.1", "1.2"), "libc6": ("2.36-1", "2.36-2")})
    assert problems(Host({}).run, plan, ["docker.io"], []) == []
    (problem,) = problems(Host({}).run, plan, ["docker.io"], ["runc"])
    assert "runc from 1.1 to 1.2" in problem
