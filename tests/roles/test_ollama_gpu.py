"""What the role ollama gives a container of which GPUs, and which hosts it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.ansible_module import ROLES
from tests.roles.gpu_machine import AMD, NVIDIA
from tests.roles.templates import evaluate, load, role_variables

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine

SMI = "0, GPU-a, 00000000:01:00.0, NVIDIA H100 80GB HBM3, 81559, Disabled, 580.95.05\n"
CAPACITY = {"memory_mb": 64000, "processors": 32}


def evaluated(name: str, machine: GpuMachine, engine: str = "26.1.5", **settings: Any) -> Any:
    """Return an internal variable of the role on a machine."""
    variables = {
        **role_variables("ollama"),
        "ansible_facts": {"gpu": machine.facts()},
        "__ollama_facts": {"capacity": CAPACITY},
        "ansible_check_mode": False,
        "__ollama_engine_version": {"stdout": engine},
        **settings,
    }
    return evaluate(variables[name], variables)


def given(key: str, machine: GpuMachine, **settings: Any) -> Any:
    """Return a part of what gives the container its GPUs."""
    return evaluated("__ollama_container_gpus", machine, **settings)[key]


@pytest.fixture
def nvidia_machine(gpu_machine: GpuMachine) -> GpuMachine:
    """Two GPUs of NVIDIA, and a driver that answers."""
    for _ in range(2):
        gpu_machine.plug(NVIDIA, hardware.H100_SXM, driver="nvidia")
    gpu_machine.answers["nvidia-smi"] = (0, SMI)
    return gpu_machine


@pytest.fixture
def amd_machine(gpu_machine: GpuMachine) -> GpuMachine:
    """Two GPUs of AMD with their nodes and groups."""
    for number in (128, 129):
        address = gpu_machine.plug(AMD, hardware.MI300X, hardware.ACCELERATOR, driver="amdgpu")
        gpu_machine.write(f"sys/bus/pci/devices/{address}/drm/renderD{number}/dev", "226:128\n")
    gpu_machine.write("dev/kfd", "")
    gpu_machine.write("etc/group", "video:x:44:\nrender:x:992:\n")
    return gpu_machine


def test_gpus_of_nvidia_come_by_their_own_description(nvidia_machine: GpuMachine) -> None:
    """By CDI, all of them or those that are named; neither runtime nor devices beside."""
    (request,) = given("device_requests", nvidia_machine)
    assert (request["driver"], request["device_ids"]) == ("cdi", ["nvidia.com/gpu=all"])
    (request,) = given("device_requests", nvidia_machine, ollama_gpu_devices=[1])
    assert request["device_ids"] == ["nvidia.com/gpu=1"]
    assert given("runtime", nvidia_machine) == ""
    assert given("devices", nvidia_machine) == []


def test_older_engine_takes_the_runtime_of_nvidia(nvidia_machine: GpuMachine) -> None:
    """Before 25 there is no CDI; the runtime is told by the environment which GPUs."""
    old: dict[str, Any] = {"engine": "24.0.9", "ollama_gpu_devices": [0]}
    assert given("device_requests", nvidia_machine, **old) == []
    assert given("runtime", nvidia_machine, **old) == "nvidia"
    assert evaluated("__ollama_environment_gpu", nvidia_machine, **old) == {"NVIDIA_VISIBLE_DEVICES": "0"}


def test_gpus_of_amd_come_as_devices_for_groups_by_number(amd_machine: GpuMachine) -> None:
    """The image has other names for the groups, or none."""
    assert given("devices", amd_machine) == [
        "/dev/kfd:/dev/kfd:rw",
        "/dev/dri/renderD128:/dev/dri/renderD128:rw",
        "/dev/dri/renderD129:/dev/dri/renderD129:rw",
    ]
    assert given("groups", amd_machine) == ["44", "992"]
    assert given("device_requests", amd_machine) == []


def test_chosen_gpu_of_amd_is_the_only_one(amd_machine: GpuMachine) -> None:
    """The interface for computing is one for all; the render node is the GPU's own."""
    assert given("devices", amd_machine, ollama_gpu_devices=[1]) == [
        "/dev/kfd:/dev/kfd:rw",
        "/dev/dri/renderD129:/dev/dri/renderD129:rw",
    ]


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        ("docker.io/ollama/ollama:0.34.2", "docker.io/ollama/ollama:0.34.2-rocm"),
        ("ollama/ollama:0.34.2", "ollama/ollama:0.34.2-rocm"),
        ("ollama/ollama:0.34.2-rocm", "ollama/ollama:0.34.2-rocm"),
        ("mirror.example.com/ai/server:7", "mirror.example.com/ai/server:7"),
    ],
)
def test_amd_takes_the_image_for_rocm(amd_machine: GpuMachine, image: str, taken: str) -> None:
    """Of Ollama's own image the variant of the same version; another name is taken as it is."""
    assert evaluated("__ollama_image", amd_machine, ollama_image=image) == taken


def test_none_keeps_to_the_cpu(nvidia_machine: GpuMachine) -> None:
    """Also where there is a GPU with a driver."""
    assert given("device_requests", nvidia_machine, ollama_gpu="none") == []
    assert given("runtime", nvidia_machine, ollama_gpu="none") == ""
    assert evaluated("__ollama_problems", nvidia_machine, ollama_gpu="none") == []


def test_driver_that_does_not_answer_is_refused(gpu_machine: GpuMachine) -> None:
    """With its words, and what to do; a dry run cannot know better."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.answers["nvidia-smi"] = (18, "Failed to initialize NVML: Driver/library version mismatch\n")
    (problem,) = evaluated("__ollama_problems", gpu_machine)
    assert "Driver/library version mismatch" in problem
    assert "run the roles gpu_driver and gpu_container_toolkit before" in problem
    assert evaluated("__ollama_problems", gpu_machine, ansible_check_mode=True) == []


def test_amd_without_its_interface_for_computing_is_refused(amd_machine: GpuMachine) -> None:
    """A container without it would run, on the CPU."""
    (amd_machine.root / "dev/kfd").unlink()
    (problem,) = evaluated("__ollama_problems", amd_machine)
    assert "GPUs of AMD and no /dev/kfd" in problem


def test_gpu_that_the_host_does_not_have_is_refused(nvidia_machine: GpuMachine) -> None:
    """Another maker's, or a number too high."""
    assert "no usable GPU of that maker" in evaluated("__ollama_problems", nvidia_machine, ollama_gpu="amd")[0]
    (problem,) = evaluated("__ollama_problems", nvidia_machine, ollama_gpu_devices=[2])
    assert "has 2 usable GPUs, numbered from 0" in problem


def test_memory_is_needed_for_each_container(nvidia_machine: GpuMachine) -> None:
    """The limit is one container's."""
    each = {"ollama_gpu_layout": "per_gpu", "ollama_memory_limit": "40g"}
    (problem,) = evaluated("__ollama_problems", nvidia_machine, **each)
    assert "40g for each of 2 containers" in problem


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ollama_memory_limit": "much"}, "ollama_memory_limit must be a size such as 4g or 512m, not much"),
        ({"ollama_memory_reservation": "2 g"}, "ollama_memory_reservation must be a size"),
        ({"ollama_user": "ollama"}, "ollama_user must be numbers, uid:gid, not ollama"),
        ({"ollama_image_id": "sha256:12"}, "ollama_image_id must be sha256: and 64 hex digits, not sha256:12"),
        ({"ollama_models": [{"name": "a"}, {"name": "a"}]}, "ollama_models names a model twice"),
        ({"ollama_memory_limit": "64g"}, "ollama_memory_limit is 64g, but the host has 64000 MiB"),
        ({"ollama_memory_reservation": "8g"}, "ollama_memory_reservation (8g) is above ollama_memory_limit (4g)"),
        ({"ollama_cpus": 33}, "ollama_cpus is 33, but the host has 32 CPUs"),
        (
            {
                "ollama_models": [{"name": "a", "preload": True}, {"name": "b", "preload": True}],
                "ollama_max_loaded_models": 1,
            },
            "ollama_models preloads a, b, but ollama_max_loaded_models lets only 1 stay in memory",
        ),
    ],
)
def test_limits_that_the_host_cannot_keep_are_refused(
    gpu_machine: GpuMachine, settings: dict[str, Any], said: str
) -> None:
    """Sizes are compared once they are sizes."""
    (problem,) = evaluated("__ollama_problems", gpu_machine, **settings)
    assert said in problem


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(0, 255, "lost its GPUs when systemd reloaded its units"), (255, 255, "has no GPUs")],
)
def test_loss_says_when_it_happened(nvidia_machine: GpuMachine, before: int, after: int, said: str) -> None:
    """Before or by the reload that the role itself has systemd do; with what the container answered."""
    tasks = load(ROLES / "ollama" / "tasks" / "gpu.yml")
    check = next(task["ansible.builtin.assert"] for task in tasks if "survive daemon-reload" in task["name"])
    answers: dict[str, Any] = {
        "__ollama_gpu_before": {"rc": before},
        "__ollama_gpu_after": {"rc": after, "stdout": "Failed to initialize NVML: Unknown Error", "stderr": ""},
    }
    message = evaluated("check", nvidia_machine, check=check["fail_msg"], **answers)
    assert said in message
    assert "nvidia-smi -L inside of it says Failed to initialize NVML" in message
    assert "Have the role gpu_container_toolkit run, then" in message


def test_loss_of_amds_gpus_says_what_mends_that(amd_machine: GpuMachine) -> None:
    """No toolkit of NVIDIA's does."""
    tasks = load(ROLES / "ollama" / "tasks" / "gpu.yml")
    check = next(task["ansible.builtin.assert"] for task in tasks if "survive daemon-reload" in task["name"])
    answers: dict[str, Any] = {
        "__ollama_gpu_before": {"rc": 2},
        "__ollama_gpu_after": {"rc": 2, "stdout": "", "stderr": "cannot create /dev/kfd: Permission denied"},
    }
    message = evaluated("check", amd_machine, check=check["fail_msg"], **answers)
    assert "/dev/kfd on the host belongs to the group render (`udevadm trigger` gives it back), then" in message
    assert "toolkit" not in message
