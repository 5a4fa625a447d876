"""Rules and dashboard ask only for metrics that somebody exports."""

from __future__ import annotations

import json
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from lab.packages import ensure_program
from lab.ports import free_port
from tests.contract.certificates import Authority
from tests.contract.redis_server import PASSWORD, USER, RedisServer
from tests.edge_program import EdgeProgram
from tests.integration.service.program import Program
from tests.roles.ansible_module import load_program
from tests.roles.templates import evaluate, role_variables, trusted

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
FILES = ROOT / "roles" / "monitoring" / "files"
SCENARIO = ROOT / "molecule" / "monitoring"
DASHBOARD = FILES / "grafana" / "alchemorsel-ai.json"
_METRIC = re.compile(r"\b((?:alchemorsel|redis|node|probe|haproxy)_[A-Za-z0-9_]+|DCGM_[A-Z0-9_]+|up)\b")
_QUOTED = re.compile(r'"[^"]*"')
_RECORDED = re.compile(r"\bjob:[a-z0-9_:]+")
_OF_PROMETHEUS = {"up"}
_WRITTEN = re.compile(r"\balchemorsel_[a-z_]+_timestamp_seconds\b")
"""A time that a unit or a script of a role writes down for the node exporter."""
_FIELDS_OF_DCGM = FILES.parent / "templates" / "dcgm.csv.j2"
"""What NVIDIA's exporter is told to export, each under its own name."""


def rules() -> list[dict[str, Any]]:
    """All rules."""
    groups = [group for path in (FILES / "rules").glob("*.yml") for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """All panels of the dashboard that show something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """Of rules and panels."""
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


@contextmanager
def exporter(program: str, package: str, flag: str, *arguments: str, path: str = "/metrics") -> Iterator[str]:
    """Run one of Debian's exporters and give its answer."""
    ensure_program(program, package, units=(f"{package}.service",))
    port = free_port()
    process = subprocess.Popen([program, f"{flag}=127.0.0.1:{port}", *arguments], stderr=subprocess.DEVNULL)
    try:
        yield _read(f"http://127.0.0.1:{port}{path}")
    finally:
        process.terminate()
        process.wait(20)


def _read(url: str) -> str:
    give_up = time.monotonic() + 30
    while True:
        try:
            with urlopen(url, timeout=5) as response:  # noqa: S310 - our own loopback address
                text: str = response.read().decode()
                return text
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def names(text: str) -> set[str]:
    """Names of all samples, and of those that a family without samples will have."""
    found = set()
    for family in text_string_to_metric_families(text):
        found |= {sample.name for sample in family.samples}
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        found |= {family.name + suffix for suffix in suffixes}
    return found


def probed(folder: Path) -> set[str]:
    """Return the metric names of a probe, by the role's settings, of a Redis with TLS and an untrusted certificate."""
    settings = folder / "blackbox.yml"
    template = trusted((FILES.parent / "templates" / "blackbox.yml.j2").read_text())
    settings.write_text(evaluate(template, {**role_variables("monitoring"), "ansible_managed": ""}))
    blackbox = ("prometheus-blackbox-exporter", "prometheus-blackbox-exporter", "--web.listen-address")
    with RedisServer(authority=Authority()) as redis:
        path = f"/probe?module=tls&target={urlsplit(redis.url).netloc}"
        with exporter(*blackbox, f"--config.file={settings}", path=path) as text:
            assert "\nprobe_success 1" in text
            return names(text)


def amd_gpu(sysfs: Path) -> Path:
    """Stand-in for an AMD GPU: the files of amdgpu in sysfs that the node exporter reads."""
    device, hwmon = sysfs / "class" / "drm" / "card0" / "device", sysfs / "class" / "hwmon" / "hwmon0"
    device.mkdir(parents=True)
    hwmon.mkdir(parents=True)
    (device / "uevent").write_text("DRIVER=amdgpu\n")
    for name in ("gpu_busy_percent", "mem_info_vram_total", "mem_info_vram_used"):
        (device / name).write_text("1\n")
    for name, value in (("name", "amdgpu"), ("temp1_input", "52000"), ("temp1_crit", "100000")):
        (hwmon / name).write_text(f"{value}\n")
    return sysfs


def arguments_of_the_node_exporter() -> list[str]:
    """Return the collectors enabled by the role."""
    known = yaml.safe_load((FILES.parent / "vars" / "main.yml").read_text())["__monitoring_components_catalogue"]
    return re.findall(r"--collector\.\w+(?=\s|$)", known["node"]["arguments"])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every metric's name, read from the programs themselves."""
    found = (
        _OF_PROMETHEUS
        | probed(tmp_path_factory.mktemp("blackbox"))
        | set(load_program("ollama", "container_status").METRICS)
    )
    found |= {name for path in ROOT.glob("roles/*/templates/*") for name in _WRITTEN.findall(path.read_text())}
    with Program(AI_PROVIDER="mock", AI_FALLBACKS="mock") as service:
        found |= names(_read(f"{service.url}/metrics"))
    sysfs = f"--path.sysfs={amd_gpu(tmp_path_factory.mktemp('sysfs'))}"
    node = ("prometheus-node-exporter", "prometheus-node-exporter", "--web.listen-address")
    with exporter(*node, sysfs, *arguments_of_the_node_exporter()) as text:
        found |= names(text)
    with EdgeProgram(tmp_path_factory.mktemp("edge"), {"1": "127.0.0.1:9"}) as edge:
        found |= names(edge.metrics())
    found |= set(re.findall(r"^(DCGM_\w+)", _FIELDS_OF_DCGM.read_text(), re.MULTILINE))
    inventory = yaml.safe_load((SCENARIO / "inventory" / "hosts.yml").read_text())
    (user,) = inventory["all"]["vars"]["redis_users"]
    # A replica, which exports all that a primary does, and its link to one.
    replica = ("--replicaof", "127.0.0.1", str(free_port()))
    with RedisServer(*replica, rights=f"-@all +{' +'.join(user['commands'])}") as redis:
        where = ("-redis.addr=" + redis.url, f"-redis.user={USER}", f"-redis.password={PASSWORD}")
        with exporter("prometheus-redis-exporter", "prometheus-redis-exporter", "-web.listen-address", *where) as text:
            found |= names(text)
    return found


def test_every_metric_that_is_asked_for_is_exported(exported: set[str]) -> None:
    """An alert on a misspelt name never fires, and nobody notices."""
    bare = [_RECORDED.sub("", _QUOTED.sub("", expression)) for expression in expressions()]
    asked = {name for expression in bare for name in _METRIC.findall(expression)}
    assert len(asked) > 15
    assert asked - exported == set()


def test_every_recorded_series_is_recorded() -> None:
    """Those that alerts and panels build on."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for expression in expressions() for name in _RECORDED.findall(expression)}
    assert asked - recorded == set()


def test_the_dashboard_is_of_one_piece() -> None:
    """Panels have a title, an expression and a place of their own; the datasource is chosen by whoever imports it."""
    document = json.loads(DASHBOARD.read_text())
    assert document["uid"] == "alchemorsel-ai"
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    for panel in panels():
        assert panel["title"]
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
    taken = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in document["panels"]]
    assert len(set(taken)) == len(taken)
