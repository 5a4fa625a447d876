"""The gateways beside ours, one process each: nginx with `proxy_cache`, LiteLLM's proxy, Portkey's gateway."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lab.environments import ensure_node, ensure_npm, ensure_python
from lab.paths import CACHE, ROOT
from lab.ports import free_port
from tools.perf.peers.server import Server, answers
from tools.perf.peers.upstream import MODEL
from tools.perf.peers.wrk import JSON_BODY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tools.perf.peers.service import Redis, Upstream

CHAT_PATH = "/v1/chat/completions"
_NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=answers:10m;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port};
        location = /ready {{ return 204; }}
        location / {{
            proxy_pass {upstream};
            proxy_cache answers;
            proxy_cache_methods POST;
            proxy_cache_key "$request_uri $request_body";
            proxy_cache_valid 200 1h;
            proxy_cache_lock on;
            add_header X-Cache-Status $upstream_cache_status;
        }}
    }}
}}
"""
_LITELLM_REQUIREMENTS = ROOT / "requirements" / "peers.txt"
_PORTKEY_SOURCES = Path(__file__).with_name("node")
_LITELLM_START_SECONDS = 180.0
_LITELLM_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # Else it fetches a price list from the Internet on start.
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    # No key, as with the others here: who may ask is not what is measured.
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


class Nginx(Server):
    """nginx that caches POST requests by path and body.

    Args:
        folder: For its configuration, its cache and its log.
        cores: On which it may run.
        upstream: What it stands in front of.
    """

    def __init__(self, folder: Path, cores: Collection[int], upstream: Upstream) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        home = folder / "nginx"
        home.mkdir()
        configuration = home / "nginx.conf"
        # As root it would change to a user that cannot enter this folder.
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(_NGINX.format(user=user, folder=home, port=port, upstream=upstream.url))
        super().__init__(
            "nginx",
            [shutil.which("nginx") or "nginx", "-e", "stderr", "-p", str(home), "-c", str(configuration)],
            ready=answers(f"{self.url}/ready"),
            folder=folder,
            cores=cores,
        )


class LiteLLM(Server):
    """LiteLLM's proxy with its Redis cache.

    Args:
        folder: For its configuration and its log.
        cores: On which it may run.
        upstream: What it stands in front of.
        redis: Where it caches.
    """

    def __init__(self, folder: Path, cores: Collection[int], upstream: Upstream, redis: Redis) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        program = ensure_python(CACHE / "litellm", _LITELLM_REQUIREMENTS) / "litellm"
        configuration = folder / "litellm.yaml"
        configuration.write_text(json.dumps(_litellm_configuration(upstream, redis)))  # JSON is YAML too.
        command = [str(program), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
        super().__init__(
            "litellm",
            [*command, "--num_workers", "1", "--telemetry", "False"],
            ready=answers(f"{self.url}/health/liveliness"),
            folder=folder,
            cores=cores,
            environment={**_LITELLM_ENVIRONMENT, "HOME": str(folder)},
            start_seconds=_LITELLM_START_SECONDS,
        )


class Portkey(Server):
    """Portkey's gateway; its package caches no answers, and does not unite equal requests.

    It listens on every address of the machine: it has no setting for that.

    Args:
        folder: For its log.
        cores: On which it may run.
        upstream: What it stands in front of.

    Attributes:
        headers: Of every request: where it goes is said there.
    """

    def __init__(self, folder: Path, cores: Collection[int], upstream: Upstream) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.headers: Mapping[str, str] = {
            **JSON_BODY,
            "Authorization": "Bearer none",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{upstream.url}/v1",
        }
        home = ensure_npm(CACHE / "portkey", _PORTKEY_SOURCES)
        program = home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        super().__init__(
            "portkey",
            [ensure_node(), str(program), f"--port={port}", "--headless"],
            ready=answers(f"{self.url}/"),
            folder=folder,
            cores=cores,
            environment={"NODE_ENV": "production"},
        )


def litellm_version() -> str:
    """Return the version that is pinned."""
    pins = _LITELLM_REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return next(pin for pin in pins if pin.startswith("litellm==")).removeprefix("litellm==").split()[0]


def portkey_version() -> str:
    """Return the version that is pinned."""
    pins = json.loads((_PORTKEY_SOURCES / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return str(pins["@portkey-ai/gateway"])


def chat_request(number: int = 0) -> str:
    """Return the body of a chat that asks for a recipe; each number asks another question."""
    question = f"Write a recipe as JSON: a vegan lentil stew with roasted peppers, for 4, number {number}."
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": question}], "temperature": 0.3})


def _litellm_configuration(upstream: Upstream, redis: Redis) -> dict[str, object]:
    parameters = {"model": f"openai/{MODEL}", "api_base": f"{upstream.url}/v1", "api_key": "none"}
    cache = {"type": "redis", "host": "127.0.0.1", "port": redis.port, "ttl": 3600}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": parameters}],
        "litellm_settings": {"cache": True, "cache_params": cache},
    }
