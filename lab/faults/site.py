"""The site that faults are tried on: the lab's host, provisioned by site.yml, with a relay before its providers."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import Path

import httpx
import yaml

from bench.tls import Trust
from lab import hosts, lifecycle
from lab.errors import CommandFailedError, LabError
from lab.faults import provider_faults, redis_faults, relay
from lab.faults.known_keys import prime
from lab.paths import LAB
from lab.plays import Play
from lab.progress import step

FOLDER = LAB / "faults"
HOST = "faults1"
PORT = 3010
DEADLINE_S = 30.0
"""Of a request, as this site sets it."""

_PROGRAM = "/usr/local/lib/alchemorsel-faults-relay.py"
_OLLAMA_PORT = 11436
_FALLBACK_PORT = 11437
_UNIT = f"""[Unit]
Description=Relay between the AI service and its providers, which fails on request
[Service]
ExecStart=/usr/bin/python3 {_PROGRAM} {_OLLAMA_PORT} {_FALLBACK_PORT} 127.0.0.1:11435 {provider_faults.MODES}
RuntimeDirectory={provider_faults.MODES.removeprefix("/run/")}
Restart=always
RestartSec=0.2
[Install]
WantedBy=multi-user.target
"""
_CA_FILE = "/etc/alchemorsel/tls/ca.pem"
_READY_S = 120.0
_ANSWER_S = 60.0


def variables(address: str) -> dict[str, object]:
    """Return what this site has otherwise than the lab's: TLS, the relay, and a queue that is soon full.

    Args:
        address: Of the host, which its certificate is for.
    """
    return {
        "load_balancer_tls": "own",
        "ai_service_bind_address": address,
        "web_bind_address": address,
        "ai_service_ollama_url": f"http://127.0.0.1:{_OLLAMA_PORT}",
        "ai_service_fallbacks": ["openai"],
        "ai_service_ollama_timeout": "10s",
        # What the model computes comes last: latencies of cached answers are compared within a row.
        "ollama_cpus": 1.0,
        "ollama_cpu_shares": 256,
        "ai_service_environment": {
            "ALCHEMORSEL_OPENAI_BASE_URL": f"http://127.0.0.1:{_FALLBACK_PORT}/v1",
            "ALCHEMORSEL_OPENAI_MODEL": "stand-in",
            "ALCHEMORSEL_INGREDIENTS_MAX_TOKENS": 96,
            "ALCHEMORSEL_QUEUE_LIMIT": 1,
            "ALCHEMORSEL_DEADLINE": f"{DEADLINE_S:g}s",
            "ALCHEMORSEL_OLLAMA_LOAD_TIMEOUT": "20s",
        },
    }


class LabSite:
    """A site of one host.

    Args:
        seed: Names the requests that are known to it.
        known: How many they are.

    Attributes:
        address: Of its host.
        port: Of the API.
        ca_file: CA bundle of its certificate.
    """

    port = PORT

    def __init__(self, seed: str, known: int) -> None:
        self._seed = seed
        self._known = known
        self.address = ""
        self.ca_file = ""

    @property
    def url(self) -> str:
        """Of the API."""
        return f"https://{self.address}:{self.port}"

    def provide(self, *, is_provisioned: bool = False) -> None:
        """Bring the host up, and provision it.

        Args:
            is_provisioned: Whether an earlier run has done so.

        Raises:
            LabError: A step failed.
        """
        self._client = lifecycle.bring_up([(HOST, lifecycle.DEFAULT_HOST[1])])
        self._find()
        FOLDER.mkdir(parents=True, exist_ok=True)
        if not is_provisioned:
            self._install_relay()
            self._provision()
        ca_file = FOLDER / "ca.pem"
        ca_file.write_text(self.shell(f"cat {_CA_FILE}"))
        self.ca_file = str(ca_file)
        self.shell(redis_faults.ALLOW)

    def _provision(self) -> None:
        chosen = FOLDER / "variables.yml"
        chosen.write_text(yaml.safe_dump(variables(self.address)))
        play = Play(FOLDER)
        play.prepare(HOST)
        with step("site.yml"):
            _log, status = play.run("site", arguments=["-e", f"@{chosen}"])
        if status != 0:
            raise CommandFailedError(f"site.yml failed: {FOLDER / 'site.log'} says why")

    def shell(self, script: str, timeout_s: float = 60.0) -> str:
        """Run a script as root on the host, and return what it prints.

        Raises:
            CommandFailedError: A command of it failed, or it took too long.
        """
        result = self._container.exec_run(["timeout", f"{timeout_s:g}", "bash", "-o", "pipefail", "-ec", script])
        output = result.output if isinstance(result.output, bytes) else b"".join(result.output)
        text = output.decode(errors="replace")
        if result.exit_code:
            raise CommandFailedError(f"on the host: exit status {result.exit_code}: {text.strip()[-300:]}")
        return text

    def restart(self) -> None:
        """Restart the host, as after a loss of power.

        Raises:
            LabError: It has another address now.
        """
        before = self.address
        hosts.restart(self._client, HOST)
        self._find()
        if self.address != before:
            raise LabError(f"the host came back at {self.address}, not at {before}")

    def make_ready(self) -> None:
        """Wait until the site is whole: both instances serve, and each known key has the model's own answer.

        Raises:
            CommandFailedError: It does not become so.
        """
        deadline = time.monotonic() + _READY_S
        with httpx.Client(base_url=self.url, verify=Trust(self.ca_file).context, timeout=_ANSWER_S) as client:
            while (missing := self._missing(client)) and time.monotonic() < deadline:
                time.sleep(0.5)
            if missing:
                raise CommandFailedError(f"the site is not whole after {_READY_S:.0f} s: {missing}")
            prime(client, self._seed, self._known)

    def _missing(self, client: httpx.Client) -> str:
        """Return what is not there yet; "" where nothing is missing."""
        try:
            states = self.shell(
                "systemctl is-active alchemorsel-ai@1 alchemorsel-ai@2 alchemorsel-edge redis-server@alchemorsel"
                " && docker exec alchemorsel-ollama ollama list"
            )
            ready = client.get("/health/ready")
        except (CommandFailedError, httpx.HTTPError) as error:
            return str(error)
        if "gemma3:270m" not in states:
            return "Ollama's model"
        return "" if ready.status_code == httpx.codes.OK else ready.text[:200]

    def _find(self) -> None:
        self._container = self._client.containers.get(HOST)
        self.address = hosts.address(self._container)

    def _install_relay(self) -> None:
        program = Path(relay.__file__).read_bytes()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, content in (
                (_PROGRAM, program),
                ("/etc/systemd/system/alchemorsel-faults-relay.service", _UNIT.encode()),
            ):
                entry = tarfile.TarInfo(name.lstrip("/"))
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        self._container.put_archive("/", archive.getvalue())
        self.shell("systemctl daemon-reload; systemctl enable --now --quiet alchemorsel-faults-relay")
        self.shell("systemctl restart alchemorsel-faults-relay")
