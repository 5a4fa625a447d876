"""What the survey finds of packet filters on a host, and what preflight says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_firewall import (
    closing_ports,
    firewall_notices,
    firewall_problems,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_firewall import managers, survey

from tests.roles.packet_rules import (
    ACCEPT,
    DOCKER,
    DPORT,
    REJECT,
    UFW_DENY,
    UFW_REJECT,
    FilteredHost,
    match,
    rule,
    ruleset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Surveyed = Callable[..., dict[str, Any]]

API = {"name": "API", "port": 3010}
REDIS = {"name": "Redis", "port": 6379, "from": ["10.20.0.41", "2001:db8::41"]}
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def surveyed(tmp_path: Path) -> Surveyed:
    """Give what surveys a host with the printed rules and the files."""

    def survey_host(
        printed: Mapping[str, str], *services: Mapping[str, Any], files: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        host = FilteredHost(tmp_path, printed)
        for path, text in (files or {}).items():
            host.write(path, text)
        return survey(host.run, tmp_path, services, **more)

    return survey_host


def test_bare_host_has_nothing_to_say(surveyed: Surveyed) -> None:
    """No program, no rules, no problem."""
    found = surveyed({}, API)
    assert firewall_problems(found) == []
    assert firewall_notices(found, services=[API]) == []


@pytest.mark.parametrize(("rules", "verb"), [(UFW_DENY, "drops"), (UFW_REJECT, "rejects")])
def test_ufw_that_closes_a_needed_port_is_a_problem_with_its_command(surveyed: Surveyed, rules: str, verb: str) -> None:
    """Named before the first change, each port with its callers."""
    found = surveyed({"iptables-save": rules}, API, REDIS)
    (problem,) = firewall_problems(found)
    assert problem["problem"] == f"ufw {verb} connections to 3010 (API)"
    assert "`ufw allow 3010/tcp`" in problem["remedy"]


def test_ufw_that_opens_what_is_needed_is_a_notice(surveyed: Surveyed) -> None:
    """Both apply, and nothing is in the way."""
    opened = UFW_DENY.replace("80,8000:8100", "80,3010")
    found = surveyed({"iptables-save": opened}, API, files={"etc/ufw/ufw.conf": "ENABLED=yes\n"})
    assert firewall_problems(found) == []
    assert any(notice.startswith("ufw and the role firewall both apply") for notice in firewall_notices(found))


def test_host_without_the_role_is_told_the_same_as_a_notice(surveyed: Surveyed) -> None:
    """Nothing of ours comes in force there, but callers would be kept out all the same."""
    found = surveyed({"iptables-save": UFW_DENY}, API)
    assert firewall_problems(found, is_enabled=False) == []
    (notice,) = firewall_notices(found, is_enabled=False)
    assert "ufw drops connections to 3010 (API): `ufw allow 3010/tcp`" in notice


def test_firewalld_is_read_where_there_is_no_program_for_its_rules(surveyed: Surveyed) -> None:
    """Debian's firewalld depends on the library of nftables, not on `nft`."""
    (problem,) = firewall_problems(surveyed({"python3 -c": ruleset(table="firewalld")}, API))
    assert problem["problem"] == "firewalld drops connections to 3010 (API)"
    assert "`firewall-cmd --permanent --add-port=3010/tcp` and `firewall-cmd --reload`" in problem["remedy"]


def test_table_of_the_site_is_named_with_its_chain_and_a_rule(surveyed: Surveyed) -> None:
    """Its owner knows where it stands."""
    found = surveyed({"nft --json": ruleset(rule("input", match(DPORT, 22), ACCEPT))}, API)
    (problem,) = firewall_problems(found)
    assert problem["problem"] == "the chain input of the nftables table inet site drops connections to 3010 (API)"
    assert "`nft insert rule inet site input tcp dport 3010 accept`" in problem["remedy"]


def test_table_that_rejects_one_port_only_is_named(surveyed: Surveyed) -> None:
    """Its policy is accept; the rule counts."""
    found = surveyed({"nft --json": ruleset(rule("input", match(DPORT, 3010), REJECT), policy="accept")}, API)
    assert "rejects connections to 3010" in firewall_problems(found)[0]["problem"]
    assert firewall_problems({**found, "filters": []}) == []


def test_rule_before_routing_counts_as_well(surveyed: Surveyed) -> None:
    """A drop on any hook that the packet passes is final."""
    found = surveyed(
        {"nft --json": ruleset(rule("input", match(DPORT, 3010), REJECT), policy="accept", hook="prerouting")}, API
    )
    assert len(firewall_problems(found)) == 1


def test_service_for_some_callers_is_judged_by_them(surveyed: Surveyed) -> None:
    """A table that lets these in is in nobody's way; one that does not is opened for them alone."""
    for_them = match({"payload": {"protocol": "ip", "field": "saddr"}}, "10.20.0.41")
    service = {**REDIS, "from": ["10.20.0.41"]}
    assert firewall_problems(surveyed({"nft --json": ruleset(rule("input", for_them, ACCEPT))}, service)) == []


def test_way_out_names_the_callers(tmp_path: Path) -> None:
    """What is for the service's hosts is not opened to everybody."""
    for name, printed, command in (
        ("ufw", {"iptables-save": UFW_DENY}, "`ufw allow proto tcp from 192.0.2.41 to any port 6379`"),
        (
            "nft",
            {"nft --json": ruleset()},
            "`nft insert rule inet site input ip saddr 192.0.2.41 tcp dport 6379 accept`",
        ),
        (
            "firewalld",
            {"nft --json": ruleset(table="firewalld")},
            'rule family="ipv4" source address="192.0.2.41" port port="6379" protocol="tcp" accept\'`',
        ),
        (
            "iptables",
            {"iptables-save": "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"},
            "`iptables -I INPUT -s 192.0.2.41 -p tcp --dport 6379 -j ACCEPT`",
        ),
    ):
        (tmp_path / name).mkdir()
        host = FilteredHost(tmp_path / name, printed)
        (problem,) = firewall_problems(survey(host.run, host.root, [{**REDIS, "from": ["192.0.2.41"]}]))
        assert command in problem["remedy"], name


def test_service_for_nobody_needs_nothing_open(surveyed: Surveyed) -> None:
    """No host is in the group that may ask it."""
    assert firewall_problems(surveyed({"iptables-save": UFW_DENY}, {**REDIS, "from": []})) == []


def test_rules_that_do_not_tell_are_a_notice(surveyed: Surveyed) -> None:
    """The verification at the end tries it."""
    found = surveyed({"nft --json": ruleset(rule("input", match({"meta": {"key": "mark"}}, 7), ACCEPT))}, API)
    assert firewall_problems(found) == []
    assert "its rules alone do not tell" in firewall_notices(found, services=[API])[0]


def test_connections_to_the_host_itself_are_not_translated_ones(surveyed: Surveyed) -> None:
    """As firewalld lets in what is forwarded to containers, whatever its zones say."""
    translated = match({"ct": {"key": "status"}}, "dnat")
    found = surveyed({"nft --json": ruleset(rule("input", translated, ACCEPT))}, API)
    assert "3010 (API)" in firewall_problems(found)[0]["problem"]
    forwarded = surveyed(
        {"nft --json": ruleset(rule("input", translated, ACCEPT), hook="forward")}, API, container_ports=[3010]
    )
    assert firewall_problems(forwarded) == []


def test_tables_of_ours_and_dockers_chain_are_not_in_the_way(surveyed: Surveyed) -> None:
    """Docker's policy of forwarded packets is followed by its own rules for published ports."""
    printed = {"iptables-save": DOCKER, "nft --json": ruleset(table="alchemorsel")}
    assert surveyed(printed, API, container_ports=[3010])["filters"] == []


def test_chain_that_forwards_nothing_closes_the_ports_of_containers(surveyed: Surveyed) -> None:
    """Ollama's port is translated to its container's, so it passes the hook forward, not input."""
    printed = {"nft --json": ruleset(hook="forward")}
    service = {"name": "Ollama", "port": 11435}
    assert "11435 (Ollama)" in firewall_problems(surveyed(printed, service, container_ports=[11435]))[0]["problem"]
    assert firewall_problems(surveyed(printed, service)) == []


def test_legacy_tables_are_read_where_the_kernel_has_some(surveyed: Surveyed) -> None:
    """To list them where there are none would load their modules."""
    printed = {"iptables-legacy-save": "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}
    found = surveyed(printed, API, files={"proc/net/ip_tables_names": "filter\n"})
    assert "chain INPUT of iptables-legacy (table filter)" in firewall_problems(found)[0]["problem"]


@pytest.mark.parametrize(
    ("text", "active"), [("ENABLED=yes\n", ["ufw"]), ("ENABLED=no\n", []), ("# ENABLED=yes\n", [])]
)
def test_ufw_is_active_by_its_own_status_file(tmp_path: Path, text: str, active: list[str]) -> None:
    """Installed alone it does nothing."""
    host = FilteredHost(tmp_path, {})
    host.write("etc/ufw/ufw.conf", text)
    assert managers(host.run, tmp_path) == active


def test_firewalld_is_active_by_its_unit(tmp_path: Path) -> None:
    """Its rules alone could be a remnant."""
    assert managers(FilteredHost(tmp_path, {"systemctl is-active": ""}).run, tmp_path) == ["firewalld"]


def _listening(*lines: str) -> str:
    return HEADER + "".join(
        f"   0: {line} 0:0 00:0 0 0 0 {inode} 1 0 100 0 0 10 0\n" for inode, line in enumerate(lines, 11)
    )


def test_listeners_that_will_be_closed_are_announced_once(surveyed: Surveyed) -> None:
    """Those on loopback, of clients, and what the inventory opens are not; after the first run none are."""
    sockets = {
        "proc/net/tcp": _listening(
            "00000000:1F90 00000000:0000 0A",
            "0100007F:1F91 00000000:0000 0A",
            "00000000:0BC2 00000000:0000 0A",
            "00000000:0016 00000000:0000 0A",
        ),
        "proc/net/udp": _listening(
            "00000000:0035 00000000:0000 07", "00000000:0044 00000000:0000 07", "00000000:F000 00000000:0000 07"
        ),
    }
    found = surveyed({}, API, files=sockets)
    (notice,) = firewall_notices(found, services=[API], ssh_ports=[22])
    assert "8080 (unknown program), 53/udp (unknown program). What has to stay open" in notice
    assert closing_ports({**found, "is_closed": True}, [API]) == []
    assert firewall_notices(found, is_enabled=False) == []


def test_port_of_the_running_connection_stays_open(surveyed: Surveyed) -> None:
    """It is kept open without being named anywhere."""
    found = surveyed({}, files={"proc/net/tcp": _listening("00000000:08AE 00000000:0000 0A")})
    assert closing_ports({**found, "connection_port": 2222}, []) == []
    assert len(closing_ports({**found, "connection_port": 22}, [])) == 1
