"""The Helm chart: linted, rendered and validated by the real helm and Kubernetes' schemas. It ran on no cluster."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ai_service.access.keys import hash_key, new_key
from ai_service.config.ollama_servers import parse_servers
from ai_service.config.settings import Settings
from lab import artifacts
from lab.ollama_process import OllamaProcess
from lab.paths import CACHE, ROOT
from tests.integration.deploy.kubernetes_tools import run, validate

if TYPE_CHECKING:
    from pathlib import Path

CHART = ROOT / "deploy" / "helm" / "alchemorsel-ai"
VALUES: dict[str, Any] = {
    "image": {"repository": "registry.example/alchemorsel/ai", "digest": "sha256:" + "c" * 64},
    "redis": {"url": "redis://redis.cache.svc:6380/0", "existingSecret": "redis"},
    "apiKeys": {"existingSecret": "keys"},
    "models": [
        {"name": "llama3.2:3b", "digest": "a" * 64, "replicas": 2, "slots": 4, "gpus": 1},
        {"name": "nomic-embed-text", "digest": "", "gpus": 0, "resources": {"requests": {"cpu": 2}}},
    ],
    "settings": {"CORS_ORIGINS": "https://app.example.com", "QUEUE_LIMIT": 32},
}


def changed(**changes: Any) -> dict[str, Any]:
    """Return the values with others in their place; None removes one."""
    values = copy.deepcopy(VALUES) | changes
    return {name: value for name, value in values.items() if value is not None}


def helm(command: str, values: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run helm over the chart with these values."""
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    if command == "lint":
        return run("helm", "lint", "--strict", str(CHART), "--values", str(file))
    return run("helm", "template", "demo", str(CHART), "--namespace", "ai", "--values", str(file))


@pytest.fixture
def manifests(tmp_path: Path) -> dict[tuple[str, str], Any]:
    """Render the chart: manifests by kind and name."""
    done = helm("template", VALUES, tmp_path)
    assert done.returncode == 0, done.stderr
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def test_helm_finds_nothing_to_say(tmp_path: Path) -> None:
    """With all that can be set, and with as little as possible."""
    for values in (
        VALUES,
        changed(redis=None, apiKeys=None, settings=None, replicas=1, networkPolicy={"enabled": False}),
    ):
        assert helm("lint", values, tmp_path).returncode == 0


def test_manifests_fit_the_schemas_of_kubernetes(manifests: dict[tuple[str, str], Any]) -> None:
    """Unknown fields are refused, of which a broken one shows that it is so."""
    assert validate(list(manifests.values())) == ""
    broken = copy.deepcopy(manifests["Deployment", "demo"])
    broken["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    assert "readinesProbe" in validate([broken])


def test_kubectl_reads_the_manifests(manifests: dict[tuple[str, str], Any], tmp_path: Path) -> None:
    """Without a cluster: it renders them, as it would to patch them."""
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(manifests.values()))
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    done = run("kubectl", "kustomize", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len([each for each in yaml.safe_load_all(done.stdout) if each]) == len(manifests)


def test_each_model_has_its_servers(manifests: dict[tuple[str, str], Any]) -> None:
    """A set of pods behind a headless Service a model; the service's list names them as it reads it."""
    listed = parse_servers(manifests["ConfigMap", "demo"]["data"]["ollama_servers.json"])
    assert [(entry.url, entry.models, entry.slots) for entry in listed.servers] == [
        ("dns+http://demo-llama3-2-3b.ai.svc:11434", ("llama3.2:3b",), 4),
        ("dns+http://demo-nomic-embed-text.ai.svc:11434", ("nomic-embed-text",), 1),
    ]
    assert listed.digest_of("llama3.2:3b") == "a" * 12
    for name, replicas, gpus in (("demo-llama3-2-3b", 2, 1), ("demo-nomic-embed-text", 1, None)):
        service, pods = manifests["Service", name], manifests["StatefulSet", name]
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["selector"].items() <= pods["spec"]["template"]["metadata"]["labels"].items()
        assert pods["spec"]["replicas"] == replicas
        (container,) = pods["spec"]["template"]["spec"]["containers"]
        assert container["resources"].get("limits", {}).get("nvidia.com/gpu") == gpus
        environment = {each["name"]: each["value"] for each in container["env"]}
        assert environment["OLLAMA_NUM_PARALLEL"] == ("4" if gpus else "1")


def test_the_service_accepts_its_settings(manifests: dict[tuple[str, str], Any], tmp_path: Path) -> None:
    """As the pods have them, with the files that are mounted."""
    deployment = manifests["Deployment", "demo"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    servers = tmp_path / "ollama_servers.json"
    servers.write_text(manifests["ConfigMap", "demo"]["data"]["ollama_servers.json"])
    password = tmp_path / "redis_password"
    password.write_text("secret")
    keys = tmp_path / "api_keys"
    keys.write_text(f"{hash_key('shop', new_key()).line()}\n")
    mounted = {
        "/etc/alchemorsel/servers/ollama_servers.json": servers,
        "/etc/alchemorsel/redis/redis_password": password,
        "/etc/alchemorsel/keys/api_keys": keys,
    }
    environ = {each["name"]: str(mounted.get(each["value"], each["value"])) for each in container["env"]}
    settings = Settings.from_env(environ)
    assert settings.asked_of_ollama == ("llama3.2:3b", "nomic-embed-text")
    assert settings.queue_limit == 32
    assert pod["terminationGracePeriodSeconds"] > settings.deadline
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert all(os.path.dirname(path) in paths for path in mounted)  # noqa: PTH120 - paths of the pod
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in {"/health/live", "/health/ready"}


def test_every_container_is_confined(manifests: dict[tuple[str, str], Any]) -> None:
    """No root, no capability, no writable root, no token of the cluster."""
    pods = [
        each["spec"]["template"]["spec"]
        for (kind, _), each in manifests.items()
        if kind in {"Deployment", "StatefulSet"}
    ]
    assert len(pods) == 3
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_nothing_but_the_service_reaches_ollama(manifests: dict[tuple[str, str], Any]) -> None:
    """It has no authentication; the service reaches Redis on the port of its URL."""
    (ingress,) = manifests["NetworkPolicy", "demo-ollama"]["spec"]["ingress"]
    (peer,) = ingress["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "service"
    egress = manifests["NetworkPolicy", "demo-service"]["spec"]["egress"]
    assert [port["port"] for rule in egress for port in rule["ports"]] == [53, 53, 11434, 6380]
    budget = manifests["PodDisruptionBudget", "demo"]["spec"]
    assert budget["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (changed(replica=2), "replica"),
        (changed(replicas=0), "minimum"),
        (changed(models=[]), "minItems"),
        (changed(models=[{"name": "llama3.2:3b"}]), "digest"),
        (changed(models=[{"name": "llama3.2:3b", "digest": "xyz"}]), "pattern"),
        (changed(models=[{"name": "llama3.2:3b", "digest": "", "slots": -1}]), "minimum"),
        (changed(models=[{"name": "llama3.2:3b", "digest": "", "gpu": 1}]), "gpu"),
        (changed(redis={"url": "redis://user:secret@redis:6379"}), "pattern"),
        (changed(settings={"ALCHEMORSEL_QUEUE_LIMIT": 1}), "propert"),
        (changed(image={"repository": ""}), "minLength"),
        (changed(image={"repository": "a", "tag": ""}), "image.tag or image.digest is required"),
        (changed(defaultModel="mistral:7b"), "no server has the model mistral:7b"),
        (changed(redis=None), "more than one need redis.url"),
        (changed(redis={"url": "redis://redis:6379"}), "redis.existingSecret: needed"),
        (changed(models=[{"name": "a:1", "digest": ""}, {"name": "a-1", "digest": ""}], defaultModel="a:1"), "a-1"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    """Before anything is rendered."""
    done = helm("template", values, tmp_path)
    assert done.returncode != 0
    assert told.lower() in done.stderr.lower()


@pytest.mark.parametrize("right", [True, False])
def test_the_init_step_verifies_the_digest_with_the_real_ollama(*, right: bool) -> None:
    """A model that is there is not pulled again; one with another digest is, and fails where no registry is reached."""
    with OllamaProcess() as ollama:
        environment = ollama.environment
    name, _, tag = ollama.model.partition(":")
    manifest = CACHE / "ollama-models" / "manifests" / "registry.ollama.ai" / "library" / name / tag
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    done = subprocess.run(
        ["sh", str(CHART / "files" / "pull_model.sh")],
        env={
            **environment,
            "PATH": f"{artifacts.RUNTIME / 'bin'}:{os.environ['PATH']}",
            "MODEL": ollama.model,
            "DIGEST": f"sha256:{digest if right else 'f' * 64}",
            "REGISTRY": "" if right else "127.0.0.1:9",
            "PULL_TIMEOUT": "20",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode == 0) is right, done.stderr
    if right:
        assert f"is there, with the digest {digest}" in done.stdout
