"""For a Prometheus of the site's own: playbooks/monitor.yml leaves a folder that this Prometheus can use as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.packages import ensure_program
from lab.ports import free_port, listens
from tests.contract.certificates import Authority
from tests.waiting import until

STOP_S = 20
ROOT = Path(__file__).parents[3]
SITE: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {
            "ai_service_hosts": {"hosts": {"api-1": {"private_address": "10.20.0.41"}}},
            "web_hosts": {"hosts": {"api-1": {}}},
            "redis_hosts": {
                "hosts": {"cache-1": {"private_address": "10.20.0.31", "redis_tls": True, "redis_port": 6390}}
            },
            "monitoring_hosts": {"hosts": {"watch-1": {"private_address": "10.20.0.51"}}},
        },
    }
}


# A given certificate of a CA that hosts trust anyhow, for a name that is not the hosts' own.
TLS = {"load_balancer_tls": "given", "load_balancer_tls_names": ["ai.example.com"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder left by the playbook on the monitoring host, which is this machine."""
    return prepared(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def folder_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give such a folder for a site with TLS at the edge and a CA bundle."""
    return prepared(tmp_path_factory.mktemp("tls"), monitoring_ca_certificates=Authority().pem, **TLS)


def prepared(work: Path, **variables: Any) -> Path:
    """Run the playbook on this machine and return the folder that it leaves."""
    done = play(work, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return work / "alchemorsel"


def play(work: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the playbook on this machine."""
    (work / "hosts.yml").write_text(yaml.safe_dump(SITE, sort_keys=False))
    chosen = {
        "monitoring_targets_only": True,
        "monitoring_targets_path": str(work / "alchemorsel"),
        **variables,
    }
    argv = ["ansible-playbook", "-i", str(work / "hosts.yml"), "playbooks/monitor.yml", "-e", json.dumps(chosen)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "ANSIBLE_HOME": str(work / "ansible")}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)


def test_every_job_has_its_targets(folder: Path) -> None:
    """Of the hosts of the inventory; a job without hosts has none, and is no mistake."""
    targets = {path.stem: json.loads(path.read_text()) for path in (folder / "targets").glob("*.json")}
    assert targets == {
        "alchemorsel_ai": [{"targets": ["10.20.0.41:3010"]}],
        "alchemorsel_edge": [{"targets": ["10.20.0.41:8405"]}],
        "alchemorsel_page": [{"targets": ["http://10.20.0.41:3011/"]}],
        "alchemorsel_tls": [{"targets": ["10.20.0.31:6390"]}],
        "dcgm": [],
        "node": [{"targets": ["10.20.0.41:9100", "10.20.0.31:9100", "10.20.0.51:9100"]}],
        "redis": [{"targets": ["10.20.0.31:9121"]}],
    }


def test_edge_with_tls_is_read_over_tls(folder_with_tls: Path) -> None:
    """The API and the page; its certificate is probed, its exporter has none."""
    targets = {path.stem: json.loads(path.read_text()) for path in (folder_with_tls / "targets").glob("*.json")}
    assert targets["alchemorsel_ai"] == [{"targets": ["10.20.0.41:3010"], "labels": {"__scheme__": "https"}}]
    assert targets["alchemorsel_edge"] == [{"targets": ["10.20.0.41:8405"]}]
    assert targets["alchemorsel_page"] == [{"targets": ["https://10.20.0.41:3011/"]}]
    assert targets["alchemorsel_tls"] == [{"targets": ["10.20.0.31:6390", "10.20.0.41:3010"]}]


def test_edge_with_tls_is_verified(folder_with_tls: Path) -> None:
    """By the CA bundle, and by a name of the certificate, since Prometheus reads hosts by their addresses."""
    verified = {"ca_file": str(folder_with_tls / "ca.pem"), "server_name": "ai.example.com"}
    jobs = yaml.safe_load((folder_with_tls / "scrape_configs.yml").read_text())["scrape_configs"]
    assert {job["job_name"]: job["tls_config"] for job in jobs if "tls_config" in job} == {"alchemorsel_ai": verified}
    modules = yaml.safe_load((folder_with_tls / "blackbox_modules.yml").read_text())["modules"]
    assert modules["page"]["http"]["tls_config"] == verified
    accepted(folder_with_tls)


def test_prometheus_takes_jobs_and_rules(folder: Path) -> None:
    """Among its own settings; the rules are those that are tried in test_rules.py."""
    accepted(folder)
    ours = ROOT / "roles" / "monitoring" / "files" / "rules"
    assert {path.name: path.read_text() for path in (folder / "rules").glob("*.yml")} == {
        path.name: path.read_text() for path in ours.glob("*.yml")
    }


def accepted(folder: Path) -> None:
    """Have promtool check the jobs and rules of a folder."""
    ensure_program("promtool", "prometheus", units=("prometheus.service", "prometheus-node-exporter.service"))
    jobs = yaml.safe_load((folder / "scrape_configs.yml").read_text())
    settings = folder.parent / "prometheus.yml"
    settings.write_text(json.dumps({**jobs, "rule_files": [f"{folder}/rules/*.yml"]}))  # JSON is YAML, too.
    done = subprocess.run(
        ["promtool", "check", "config", settings], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_job_reads_a_file_that_is_there(folder: Path) -> None:
    """A pattern that fits nothing is no mistake to promtool."""
    jobs = yaml.safe_load((folder / "scrape_configs.yml").read_text())["scrape_configs"]
    named = {job["job_name"]: job["file_sd_configs"][0]["files"] for job in jobs}
    assert {name: [str(folder / "targets" / f"{name}.json")] for name in named} == named
    assert set(named) == {path.stem for path in (folder / "targets").glob("*.json")}


def test_the_dashboard_and_the_probes_are_there(folder: Path) -> None:
    """The blackbox exporter needs the modules that the jobs name."""
    assert json.loads((folder / "dashboard.json").read_text())["uid"] == "alchemorsel-ai"
    assert set(yaml.safe_load((folder / "blackbox_modules.yml").read_text())["modules"]) == {"page", "tls"}


def test_site_prometheus_that_lacks_targets_or_alerts_is_told_what(tmp_path: Path) -> None:
    """Asked by its address; it reads the API, but neither the edge nor the rules."""
    ensure_program("prometheus", "prometheus", units=("prometheus.service", "prometheus-node-exporter.service"))
    port, settings = free_port(), tmp_path / "prometheus.yml"
    static = [{"targets": ["10.20.0.41:3010"]}]
    jobs = [{"job_name": "alchemorsel_ai", "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": static}]
    settings.write_text(json.dumps({"scrape_configs": jobs}))
    argv = ["prometheus", f"--config.file={settings}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    prometheus = subprocess.Popen([*argv, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
    try:
        until(listens(port))
        done = play(tmp_path, monitoring_prometheus_url=f"http://127.0.0.1:{port}/", monitoring_scrape_interval=1)
    finally:
        prometheus.terminate()
        prometheus.wait(STOP_S)
    told = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "alchemorsel_edge 10.20.0.41:8405: no target of this Prometheus" in told, told
    assert "alchemorsel_ai 10.20.0.41:3010: no target" not in told
    assert "alchemorsel_ai 10.20.0.41:3010: " in told
    assert "alert not loaded: AlchemorselServiceDown" in told
    assert f"{tmp_path}/alchemorsel/scrape_configs.yml in scrape_config_files" in told
