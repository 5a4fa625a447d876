"""The part that selftests of firewall and Ollama share; a namespace itself is tried by the roles on a host."""

from __future__ import annotations

import pytest

from tests.roles.ansible_module import load_plugin

network_namespace = load_plugin("network_namespace", "module_utils")


@pytest.mark.parametrize(
    ("address", "hosts_end"), [("198.18.255.254", "198.18.255.253"), ("fd00:0:0:1::2", "fd00:0:0:1::1")]
)
def test_host_has_the_address_below_the_strangers(address: str, hosts_end: str) -> None:
    """Both families."""
    assert network_namespace.below(address) == hosts_end


def test_command_that_fails_is_told() -> None:
    """With what it said."""
    with pytest.raises(network_namespace.NamespaceError, match=r"`sh -c echo broken >&2; exit 3` failed: broken"):
        network_namespace.call(["sh", "-c", "echo broken >&2; exit 3"])
