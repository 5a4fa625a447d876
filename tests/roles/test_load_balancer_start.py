"""The edge takes over ports in one short gap, and gives them back where it does not start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.ansible_module import load_plugin

module = load_plugin("load_balancer_start")

EDGE, SOCKET, BLUE, PAGE = "alchemorsel-edge.service", "ai.socket", "ai@blue.service", "web.service"


class Host:
    """Units that hold ports, and a systemd that stops, kills and starts them.

    Args:
        holders: Ports by unit.
        stubborn: Units that keep their port until they are killed.
        immortal: Units that keep it for ever.
        edge_starts: Whether the edge does.
    """

    def __init__(
        self,
        holders: dict[str, int],
        *,
        stubborn: frozenset[str] = frozenset(),
        immortal: frozenset[str] = frozenset(),
        edge_starts: bool = True,
    ) -> None:
        self.holders = dict(holders)
        self._ports = dict(holders)
        deaf = stubborn | immortal
        self._deaf = {"stop": deaf, "restart": deaf, "kill": immortal}
        self._edge_starts = edge_starts
        self.commands: list[str] = []

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Obey a command."""
        if command[0] == "journalctl":
            return 0, "cannot bind socket\n", ""
        verb, *names = [word for word in command[1:] if not word.startswith("--")]
        self.commands.append(" ".join([verb, *names]))
        for name in names:
            if name not in self._deaf.get(verb, {name}):
                self.holders.pop(name, None)
            elif verb == "start" and name in self._ports:
                self.holders[name] = self._ports[name]
            elif verb == "start" and name == EDGE:
                if not self._edge_starts or self.holders:
                    return 1, "", "Job failed."
                self.holders[EDGE] = 3010
        return 0, "", ""

    def held(self, ports: list[int]) -> set[int]:
        """Return the ports that are held, as the socket table does."""
        return set(self.holders.values()) & set(ports)

    def listeners(self, ports: list[int]) -> list[dict[str, Any]]:
        """Return who holds them."""
        return [{"owner": name, "port": port} for name, port in self.holders.items() if port in ports]


def take_over(
    host: Host, former: tuple[str, ...] = (SOCKET, BLUE), restarted: tuple[str, ...] = (PAGE,)
) -> dict[str, Any]:
    """Have the edge take over."""
    params = {"ports": [3010, 3011], "unit": EDGE, "former": list(former), "restarted": list(restarted)}
    result: dict[str, Any] = module.TakeOver(host.run, host, params).perform(0.05)
    return result


def test_edge_starts_as_soon_as_the_ports_are_free() -> None:
    """The former units do not come back; nothing is read anew within the gap."""
    host = Host({BLUE: 3010, PAGE: 3011})
    result = take_over(host)
    assert result["killed"] == []
    assert host.holders == {EDGE: 3010}
    assert host.commands == [
        "daemon-reload",
        f"stop {SOCKET} {BLUE}",
        f"restart {PAGE}",
        f"start {EDGE}",
        f"enable {EDGE}",
        f"disable {SOCKET} {BLUE}",
    ]


def test_unit_that_drains_with_its_port_open_is_killed() -> None:
    """All others wait for the port."""
    host = Host({BLUE: 3010, PAGE: 3011}, stubborn=frozenset({BLUE, PAGE}))
    assert take_over(host)["killed"] == [SOCKET, BLUE, PAGE]
    assert host.holders == {EDGE: 3010}


def test_unit_to_be_restarted_is_not_killed_without_need() -> None:
    """It may be on its way back already."""
    host = Host({BLUE: 3010, PAGE: 3011}, stubborn=frozenset({BLUE}))
    assert take_over(host)["killed"] == [SOCKET, BLUE]
    assert f"kill {PAGE}" not in host.commands


def test_former_units_serve_again_where_the_edge_does_not_start() -> None:
    """And the reason is the edge's log."""
    host = Host({BLUE: 3010}, edge_starts=False)
    with pytest.raises(module.StartError, match=r"Job failed\.\ncannot bind socket"):
        take_over(host)
    assert host.holders == {BLUE: 3010}
    assert host.commands[-2:] == [f"stop {EDGE}", f"start {SOCKET} {BLUE}"]


def test_port_that_nobody_gives_up_is_told_with_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the former units serve again."""
    monkeypatch.setattr(module, "FREE_SECONDS", 0.05)
    host = Host({BLUE: 3010, "other.service": 3011}, immortal=frozenset({"other.service"}))
    with pytest.raises(module.StartError, match=r"still held by other\.service"):
        take_over(host)
    assert host.holders == {BLUE: 3010, "other.service": 3011}


def test_first_start_that_fails_is_told_with_the_log() -> None:
    """Nothing is left running, and nothing that was not there before is started."""
    host = Host({}, edge_starts=False)
    with pytest.raises(module.StartError, match=r"Job failed\.\ncannot bind socket"):
        take_over(host, former=(), restarted=())
    assert host.commands == ["daemon-reload", f"start {EDGE}", f"stop {EDGE}"]


def test_without_former_units_the_edge_just_starts() -> None:
    """Systemctl is called with no empty list."""
    host = Host({})
    take_over(host, former=(), restarted=())
    assert host.commands == ["daemon-reload", f"start {EDGE}", f"enable {EDGE}"]
