"""The module firewall_selftest: what it makes of its findings, and a filter that refuses, in a network of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import COLLECTIONS, PLUGINS, load_plugin, run_module

if TYPE_CHECKING:
    from collections.abc import Sequence

firewall_selftest = load_plugin("firewall_selftest")

PORTS = {"198.18.0.1": {"open": [22], "closed": [6379]}}
STRANGER, HOSTS_END = "198.18.255.254", "198.18.255.253"
ALONE = ["unshare", "--net", "--mount", "--mount-proc", "--fork", "--pid"]
"""A network in which a test changes the rules of nobody else."""


def test_open_and_closed_as_wanted_is_fine() -> None:
    """Something listens on every port that is tried."""
    for closed in ("silent", "refuses"):
        firewall_selftest.judge({"198.18.0.1 22": "accepts", "198.18.0.1 6379": closed}, PORTS, {}, [])


@pytest.mark.parametrize(("answer", "words"), [("silent", "stays silent"), ("refuses", "refuses a connection")])
def test_open_port_that_does_not_accept_is_an_error(answer: str, words: str) -> None:
    """With something listening there, only a filter refuses: callers would be refused too."""
    with pytest.raises(firewall_selftest.SelftestError, match=f"22 {words}.* should be open to everybody$"):
        firewall_selftest.judge({"198.18.0.1 22": answer, "198.18.0.1 6379": "silent"}, PORTS, {}, [])


def test_closed_port_that_accepts_is_an_error() -> None:
    """A listener would be reached."""
    with pytest.raises(firewall_selftest.SelftestError, match=r"6379 accepts .* should be closed"):
        firewall_selftest.judge({"198.18.0.1 22": "accepts", "198.18.0.1 6379": "accepts"}, PORTS, {}, [])


def test_every_wrong_port_is_named_with_the_filter_that_closed_it() -> None:
    """Not only the first."""
    found = {"198.18.0.1 22": "silent", "198.18.0.1 6379": "accepts"}
    with pytest.raises(firewall_selftest.SelftestError, match=r"22 stays silent.* closed by ufw, .*; .*6379 accepts"):
        firewall_selftest.judge(found, PORTS, {"198.18.0.1 22": ["ufw"]}, [])


def test_port_that_a_filter_opens_by_an_interface_is_open() -> None:
    """The namespace comes in by another one, so its rules decide; one that they close by the interface is not."""
    found = {"198.18.0.1 22": "silent", "198.18.0.1 6379": "silent"}
    firewall_selftest.judge(found, PORTS, {}, ["198.18.0.1 22"])
    with pytest.raises(firewall_selftest.SelftestError, match=r"but none from other machines.* closed by ufw"):
        firewall_selftest.judge({**found, "198.18.0.1 22": "accepts"}, PORTS, {"198.18.0.1 22": ["ufw"]}, [])


def test_check_mode_knocks_nowhere() -> None:
    """Nothing is made, not even for a moment."""
    result = run_module("firewall_selftest", check_mode=True, strangers=[], ports={})
    assert result["skipped"] is True


@pytest.fixture
def alone() -> None:
    """Skip where no network of its own can be made."""
    if not shutil.which("iptables") or subprocess.run([*ALONE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs iptables and the right to make network namespaces")


def knock(rules: Sequence[str], *, listeners: Sequence[int] = ()) -> dict[str, Any]:
    """Run the module where 3010 should be open and 6379 closed, in a network where nothing but these rules is."""
    arguments = {"strangers": [STRANGER], "ports": {STRANGER: {"open": [3010], "closed": [6379]}}, "timeout": 0.5}
    program = (
        "import os, socket, subprocess, sys\n"
        f"held = [socket.create_server(('', port)) for port in {list(listeners)}]\n"
        "for line in ['link set lo up', 'link add eth0 type veth peer name other', 'link set other up',"
        " 'address add 10.9.9.9/24 dev eth0', 'link set eth0 up', 'route add default via 10.9.9.1']:\n"
        "    subprocess.run(['ip', *line.split()], check=True)\n"
        "for rule in sys.argv[3:]: subprocess.run(['iptables', *rule.split()], check=True)\n"
        "subprocess.run([sys.executable, sys.argv[1]], input=sys.argv[2].encode())\n"
    )
    module = str(PLUGINS / "modules" / "firewall_selftest.py")
    done = subprocess.run(
        [*ALONE, sys.executable, "-c", program, module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), *rules],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


CLOSED = ["-P INPUT DROP", "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"]
OPEN = "-A INPUT -p tcp --dport 3010 -j ACCEPT"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("listeners", [[], [3010], [3010, 6379]])
def test_open_port_accepts_with_and_without_a_service(listeners: list[int]) -> None:
    """Where nothing listens the module does; a closed port stays silent all the same."""
    result = knock([*CLOSED, OPEN], listeners=listeners)
    assert "failed" not in result, result
    assert result["answers"][f"{HOSTS_END} 3010"] == "accepts"
    assert result["answers"][f"{HOSTS_END} 6379"] == "silent"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("verdict", ["REJECT --reject-with tcp-reset", "REJECT", "DROP"])
@pytest.mark.parametrize("listeners", [[], [3010]])
def test_filter_that_refuses_callers_fails_the_verification(verdict: str, listeners: list[int]) -> None:
    """A refusal by its rule is told from that of an idle port, and the chain is named."""
    result = knock([*CLOSED, f"-A INPUT -p tcp --dport 3010 -j {verdict}"], listeners=listeners)
    assert result["failed"], result
    assert f"{HOSTS_END} port 3010" in result["msg"]
    assert "closed by the chain INPUT of iptables (table filter)" in result["msg"]


@pytest.mark.usefixtures("alone")
def test_closed_port_that_a_filter_refuses_is_closed() -> None:
    """`default reject` of a site answers callers in place of silence."""
    result = knock([*CLOSED, OPEN, "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"])
    assert "failed" not in result, result
    assert result["answers"][f"{HOSTS_END} 6379"] == "refuses"


@pytest.mark.usefixtures("alone")
def test_port_that_no_filter_closes_is_not_closed() -> None:
    """The one that should be is named, though nothing listened there before."""
    result = knock([])
    assert f"{HOSTS_END} port 6379 accepts a foreign connection" in result["msg"]


@pytest.mark.usefixtures("alone")
def test_rules_for_an_interface_of_the_host_count_for_callers_who_come_in_by_it() -> None:
    """The namespace comes in by another one, so what it finds there is not what callers find."""
    opened = knock([*CLOSED, "-A INPUT -i eth0 -p tcp --dport 3010 -j ACCEPT"])
    assert "failed" not in opened, opened
    assert opened["answers"][f"{HOSTS_END} 3010"] == "silent"
    closed = knock(["-A INPUT -i eth0 -p tcp --dport 3010 -j DROP", *CLOSED, OPEN])
    assert "3010 accepts a connection from the namespace, but none from other machines" in closed["msg"], closed
