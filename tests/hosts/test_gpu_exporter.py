"""A host with GPUs of NVIDIA exports their memory, use, temperature and errors, on its own address only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hosts.client import page_of

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "nvidia_hosts"
PORT = 9400
WANTED = {
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_EXP_XID_ERRORS_COUNT",
}


def test_every_gpu_is_measured(host: Host, variables: Variables) -> None:
    """As many as nvidia-smi lists, each with what the alerts go by."""
    address = variables("monitoring")["monitoring_bind_address"]
    page = page_of(host, f"http://{address}:{PORT}/metrics")
    names = {line.partition("{")[0] for line in page.splitlines()}
    assert names >= WANTED
    measured = [line for line in page.splitlines() if line.startswith("DCGM_FI_DEV_GPU_TEMP{")]
    assert len(measured) == len(host.check_output("nvidia-smi -L").splitlines())


def test_exporter_listens_on_its_own_address_only(host: Host) -> None:
    """It asks nobody who he is, and its package would have it listen everywhere."""
    assert not host.socket(f"tcp://0.0.0.0:{PORT}").is_listening
    assert not host.socket(f"tcp://:::{PORT}").is_listening


def test_exporter_logs_to_the_journal(host: Host) -> None:
    """Its package's own log is a file that nothing rotates."""
    shown = host.check_output("systemctl show --property StandardOutput --value nvidia-dcgm-exporter.service")
    assert shown == "journal"
