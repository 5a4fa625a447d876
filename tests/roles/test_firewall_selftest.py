"""The module firewall_selftest: what it makes of its findings; the knocking itself is tried by the role on a host."""

from __future__ import annotations

import pytest

from tests.roles.ansible_module import load_plugin, run_module

firewall_selftest = load_plugin("firewall_selftest")

PORTS = {"198.18.0.1": {"open": [22], "closed": [6379]}}


@pytest.mark.parametrize("open_port", ["accepts", "refuses"])
def test_open_and_closed_as_wanted_is_fine(open_port: str) -> None:
    """An open port without a listener refuses: the firewall let the question through."""
    firewall_selftest.judge({"198.18.0.1 22": open_port, "198.18.0.1 6379": "silent"}, PORTS)


@pytest.mark.parametrize("closed_port", ["accepts", "refuses"])
def test_any_answer_of_a_closed_port_is_an_error(closed_port: str) -> None:
    """A refusal too: a listener would be reached."""
    with pytest.raises(firewall_selftest.SelftestError, match=r"6379 .* should be closed"):
        firewall_selftest.judge({"198.18.0.1 22": "accepts", "198.18.0.1 6379": closed_port}, PORTS)


def test_every_wrong_port_is_named() -> None:
    """Not only the first."""
    with pytest.raises(firewall_selftest.SelftestError, match=r"22 is silent.*; .*6379 accepts"):
        firewall_selftest.judge({"198.18.0.1 22": "silent", "198.18.0.1 6379": "accepts"}, PORTS)


def test_check_mode_knocks_nowhere() -> None:
    """Nothing is made, not even for a moment."""
    result = run_module("firewall_selftest", check_mode=True, strangers=[], ports={})
    assert result["skipped"] is True
