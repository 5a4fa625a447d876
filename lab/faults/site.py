"""The site that faults are tried on: the lab's host, provisioned by site.yml, with a relay before its Ollama.

A stand-in takes the place of its hosted fallback.
"""

from __future__ import annotations

import io
import re
import tarfile
import time

import httpx
import yaml

from bench.tls import Trust
from lab import hosts, lifecycle
from lab.artifacts import MODEL
from lab.errors import CommandFailedError, LabError
from lab.faults import programs, redis_faults
from lab.faults.known_keys import ask_anew, prime
from lab.paths import LAB
from lab.plays import Play
from lab.progress import step

FOLDER = LAB / "faults"
HOST = "faults1"
PORT = 3010
DEADLINE_S = 30.0
"""Of a request, as this site sets it."""

_ONE_THREAD = f"""docker exec alchemorsel-ollama ollama show {MODEL} --parameters | grep -q num_thread || docker exec \
alchemorsel-ollama sh -c 'printf "FROM {MODEL}\\nPARAMETER num_thread 1\\n" > /tmp/Modelfile &&
ollama create {MODEL} -f /tmp/Modelfile'"""
"""Two threads on the one CPU of this site would wait for each other most of the time."""

_CA_FILE = "/etc/alchemorsel/tls/ca.pem"
_READY_S = 120.0
_ANSWER_S = 60.0


def variables(address: str) -> dict[str, object]:
    """Return what this site has otherwise than the lab's: TLS, relay and stand-in, and a queue that is soon full.

    Args:
        address: Of the host, which its certificate is for.
    """
    return {
        "load_balancer_tls": "own",
        "ai_service_bind_address": address,
        "web_bind_address": address,
        "ai_service_ollama_url": f"http://127.0.0.1:{programs.OLLAMA_PORT}",
        "ai_service_fallbacks": ["openai"],
        "ai_service_ollama_timeout": "10s",
        # The model leaves a core to everything else: latencies of cached answers are compared within a row.
        "ollama_cpus": 1.0,
        "ai_service_environment": {
            "ALCHEMORSEL_OPENAI_BASE_URL": f"http://127.0.0.1:{programs.FALLBACK_PORT}/v1",
            "ALCHEMORSEL_OPENAI_MODEL": "stand-in",
            "ALCHEMORSEL_INGREDIENTS_MAX_TOKENS": 96,
            "ALCHEMORSEL_QUEUE_LIMIT": 1,
            "ALCHEMORSEL_DEADLINE": f"{DEADLINE_S:g}s",
            "ALCHEMORSEL_OLLAMA_LOAD_TIMEOUT": "20s",
        },
    }


def open_breakers(metrics: str) -> list[str]:
    """Return the providers whose circuit breaker is not closed, by the service's own /metrics."""
    samples = re.findall(r'^alchemorsel_ai_breaker_state\{provider="(\w+)"\} ([0-9.]+)$', metrics, re.MULTILINE)
    return [provider for provider, state in samples if float(state)]


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
        self._install_programs()
        if not is_provisioned:
            self._provision()
        ca_file = FOLDER / "ca.pem"
        ca_file.write_text(self.shell(f"cat {_CA_FILE}"))
        self.ca_file = str(ca_file)
        self.shell(redis_faults.ALLOW)
        self.shell(_ONE_THREAD)

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
        bounded = ("timeout", f"{timeout_s:g}", "bash", "-o", "pipefail", "-ec", script)
        status, text = hosts.output(self._container, *bounded)
        if status:
            raise CommandFailedError(f"on the host: exit status {status}: {text.strip()[-300:]}")
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

    def starved(self, begin_s: float, end_s: float) -> float:
        """Return the greatest share of a second for which the service waited for a processor, 0 to 1.

        Args:
            begin_s: From when on, by the machine's monotonic clock.
            end_s: Until when.
        """
        try:
            lines = self.shell(f"cat {programs.STARVATION}").splitlines()
        except CommandFailedError:
            return 0.0
        pairs = [(float(at), float(share)) for at, share in (line.split() for line in lines if line.count(" ") == 1)]
        return max((share for at, share in pairs if begin_s <= at <= end_s), default=0.0)

    def make_ready(self) -> None:
        """Wait until the site is whole: instances serve, no breaker is open, each known key has the model's answer.

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
            ready, metrics = client.get("/health/ready"), client.get("/metrics").text
        except (CommandFailedError, httpx.HTTPError) as error:
            return str(error)
        if MODEL not in states:
            return "Ollama's model"
        if ready.status_code != httpx.codes.OK:
            return ready.text[:200]
        if still_open := open_breakers(metrics):
            ask_anew(client)  # A breaker closes by a call, and hits are none.
        return ", ".join(f"{provider}'s circuit breaker is open" for provider in still_open)

    def _find(self) -> None:
        self._container = self._client.containers.get(HOST)
        self.address = hosts.address(self._container)

    def _install_programs(self) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, content in programs.files():
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        self._container.put_archive("/", archive.getvalue())
        units = " ".join(programs.UNITS)
        self.shell(f"systemctl daemon-reload; systemctl enable --quiet {units}; systemctl restart {units}")
