"""A German host with empty lists, whose package manager somebody used at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


@pytest.fixture(autouse=True)
def only_with_this_past(host: Host) -> None:
    """Skip hosts with another past."""
    if host.ansible.get_variables().get("past") != "packages":
        pytest.skip("nobody used this host's package manager")


def test_sessions_are_german(host: Host) -> None:
    """Otherwise nothing was proven."""
    assert host.check_output("apt-get check --version | head -n 1; locale 2>/dev/null | grep ^LANG=") != ""
    assert "de_DE.UTF-8" in host.file("/etc/default/locale").content_string
    assert "Paket" in host.run("LANG=de_DE.UTF-8 LANGUAGE=de apt-get --simulate install no-such-package").stderr


def test_package_is_installed_and_lists_are_there(host: Host) -> None:
    """Apt's stamp said that they were fresh."""
    assert host.package("locales").is_installed
    assert host.run("ls /var/lib/apt/lists | grep _Packages").rc == 0


def test_python3_apt_is_not_brought(host: Host) -> None:
    """The host did not need it before."""
    assert not host.package("python3-apt").is_installed


def test_policy_of_units_is_gone(host: Host) -> None:
    """Packages of others start their units."""
    assert not host.file("/usr/sbin/policy-rc.d").exists
    assert not host.file("/usr/sbin/policy-rc.d.alchemorsel-kept").exists
