"""One container for each GPU: its name and port, and that preflight, firewall and monitoring know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.ansible_module import ROLES
from tests.roles.gpu_machine import AMD, NVIDIA
from tests.roles.templates import evaluate, load, role_variables, trusted

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine

PLAYBOOKS = ROLES.parent / "playbooks"
EACH = {"ollama_gpu_layout": "per_gpu"}


def instances(machine: GpuMachine, **settings: Any) -> list[dict[str, Any]]:
    """Return what the entry point for other roles finds on a machine."""
    naming = next(
        task["ansible.builtin.set_fact"]
        for task in load(ROLES / "ollama" / "tasks" / "instances.yml")
        if "ansible.builtin.set_fact" in task
    )
    variables = {
        **role_variables("ollama"),
        "ansible_facts": {"gpu": machine.facts()},
        "ansible_check_mode": False,
        **settings,
    }
    named: list[dict[str, Any]] = evaluate(naming["ollama_instances"], variables)
    return named


def opened(**variables: Any) -> list[dict[str, Any]]:
    """Return what the firewall of an Ollama host is told to open for Ollama."""
    known = load(PLAYBOOKS / "vars" / "services.yml")
    services: list[dict[str, Any]] = evaluate(
        known["site_firewall_services"],
        {
            **known,
            "groups": {"ai_service_hosts": ["api"], "ollama_hosts": ["here"]},
            "hostvars": {"api": {"private_address": "10.0.0.4"}, "here": {}},
            "group_names": ["ollama_hosts"],
            **variables,
        },
    )
    return [service for service in services if service["name"] == "Ollama"]


def needed(**variables: Any) -> list[dict[str, Any]]:
    """Return the ports that preflight wants free for Ollama."""
    ports: list[dict[str, Any]] = evaluate(
        role_variables("preflight")["preflight_ports"],
        {**role_variables("preflight"), "preflight_components": ["ollama"], **variables},
    )
    return ports


def test_each_gpu_has_a_container_and_a_port(gpu_machine: GpuMachine) -> None:
    """The first keeps the name and the port that a host with one container has."""
    for _ in range(3):
        gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    assert instances(gpu_machine, **EACH) == [
        {"name": "alchemorsel-ollama", "port": 11435, "gpu": 0},
        {"name": "alchemorsel-ollama-1", "port": 11436, "gpu": 1},
        {"name": "alchemorsel-ollama-2", "port": 11437, "gpu": 2},
    ]


def test_only_the_chosen_gpus_have_one(gpu_machine: GpuMachine) -> None:
    """The numbers are the GPUs', the ports are consecutive."""
    for _ in range(4):
        gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    chosen = instances(gpu_machine, **EACH, ollama_gpu_devices=[1, 3], ollama_publish_port=12000)
    assert [(each["port"], each["gpu"]) for each in chosen] == [(12000, 1), (12001, 3)]


def test_only_gpus_of_the_chosen_maker_count(gpu_machine: GpuMachine) -> None:
    """On a machine with both, the other's are left alone."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.plug(AMD, hardware.MI300X)
    gpu_machine.plug(AMD, hardware.MI300X)
    assert len(instances(gpu_machine, **EACH, ollama_gpu="amd")) == 2
    assert len(instances(gpu_machine, **EACH)) == 1


@pytest.mark.parametrize("settings", [{}, {**EACH, "ollama_gpu": "none"}])
def test_else_there_is_one_container(gpu_machine: GpuMachine, settings: dict[str, Any]) -> None:
    """Over all GPUs, or without any."""
    for _ in range(2):
        gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    assert [each["port"] for each in instances(gpu_machine, **settings)] == [11435]


def test_machine_without_gpu_has_one_container(gpu_machine: GpuMachine) -> None:
    """The setting of a group of hosts does no harm to those without GPUs."""
    assert [each["port"] for each in instances(gpu_machine, **EACH)] == [11435]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, False), ({"ollama_gpu_layout": "shared"}, False), (EACH, True), ({"ollama_gpu_layout": "one_each"}, True)],
)
def test_firewall_gathers_the_ports_of_every_layout_with_several(settings: dict[str, Any], expected: bool) -> None:
    """Under its former name too; else it would open the first port only."""
    _, play = load(PLAYBOOKS / "firewall.yml")
    conditions = next(task["when"] for task in play["tasks"] if "instances" in str(task))
    variables = {"group_names": ["ollama_hosts"], **settings}
    assert all(evaluate(trusted(f"{{{{ {condition} }}}}"), variables) for condition in conditions) is expected


def test_firewall_opens_the_port_of_each_container_to_the_service(gpu_machine: GpuMachine) -> None:
    """And to nobody else."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    assert opened(ollama_instances=instances(gpu_machine, **EACH)) == [
        {"name": "Ollama", "port": 11435, "from": ["10.0.0.4"]},
        {"name": "Ollama", "port": 11436, "from": ["10.0.0.4"]},
    ]
    assert [service["port"] for service in opened()] == [11435]


def test_preflight_wants_the_port_of_each_container_free(gpu_machine: GpuMachine) -> None:
    """Or held by one of ours, which are known by their names."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    wanted = needed(ollama_instances=instances(gpu_machine, **EACH))
    assert [port["port"] for port in wanted] == [11435, 11436]
    assert {tuple(port["owners"]) for port in wanted} == {("alchemorsel-ollama", "alchemorsel-ollama-[0-9]*")}
    assert [port["port"] for port in needed()] == [11435]
    assert [port["port"] for port in needed(ollama_publish_port=12000)] == [12000]
