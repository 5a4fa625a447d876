"""The gateways beside ours: Debian's nginx with `proxy_cache`, and LiteLLM's proxy, each with one worker."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.command import run
from lab.paths import CACHE, ROOT
from lab.ports import free_port
from tools.perf.peers.server import Server, answers
from tools.perf.peers.upstream import MODEL

if TYPE_CHECKING:
    from collections.abc import Collection

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
        program = install_litellm()
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


def install_litellm() -> Path:
    """Install LiteLLM, pinned and hashed, into an environment of its own in the lab's cache; returns its program.

    Raises:
        CommandFailedError: It could not be installed.
    """
    home = CACHE / "litellm"
    program, stamp = home / "bin" / "litellm", home / ".requirements-sha256"
    wanted = hashlib.sha256(_LITELLM_REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return program
    uv = str(Path(sys.executable).with_name("uv"))
    run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], timeout_s=60)
    requirements = ["--require-hashes", str(_LITELLM_REQUIREMENTS)]
    run([uv, "pip", "sync", "--quiet", "--python", str(home / "bin" / "python"), *requirements], timeout_s=900)
    stamp.write_text(wanted)
    return program


def litellm_version() -> str:
    """Return the version that is pinned."""
    pins = _LITELLM_REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return next(pin for pin in pins if pin.startswith("litellm==")).removeprefix("litellm==").split()[0]


def chat_request() -> str:
    """Return the body of the request that both are sent."""
    question = "Write a recipe as JSON: a vegan lentil stew with roasted peppers for a cold evening, for 4."
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": question}], "temperature": 0.3})


def _litellm_configuration(upstream: Upstream, redis: Redis) -> dict[str, object]:
    parameters = {"model": f"openai/{MODEL}", "api_base": f"{upstream.url}/v1", "api_key": "none"}
    cache = {"type": "redis", "host": "127.0.0.1", "port": redis.port, "ttl": 3600}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": parameters}],
        "litellm_settings": {"cache": True, "cache_params": cache},
    }
