"""The real Prometheus and Alertmanager as processes on loopback, and somebody who is called."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.ports import free_port
from tests.http_fake import FakeHandler, HTTPFake

if TYPE_CHECKING:
    from types import TracebackType

RULES = Path(__file__).parents[3] / "roles" / "monitoring" / "files" / "rules"
STOP_S = 20


class _Webhook(FakeHandler):
    fake: OnCall

    def do_POST(self) -> None:
        """Note the alerts of one call."""
        self.fake.note([(alert["labels"]["alertname"], alert["status"]) for alert in self.body()["alerts"]])
        self.answer(200, None)


class OnCall(HTTPFake):
    """Somebody with a webhook, who notes each alert as it comes."""

    handler = _Webhook

    def __init__(self) -> None:
        super().__init__()
        self._told = threading.Condition()
        self._alerts: list[tuple[str, str]] = []

    def wait_for(self, alert: str, status: str, timeout_s: float) -> bool:
        """Whether that alert came with that status (`firing` or `resolved`) in time."""
        with self._told:
            return self._told.wait_for(lambda: (alert, status) in self._alerts, timeout_s)

    def note(self, alerts: list[tuple[str, str]]) -> None:
        """Take alerts down, each with its status."""
        with self._told:
            self._alerts += alerts
            self._told.notify_all()


class Watchers(AbstractContextManager["Watchers"]):
    """Prometheus with this project's rules, and Alertmanager.

    Rules wait for as many seconds as they would minutes, so that a test is done in time; their expressions are those of
    the files.

    Args:
        folder: For settings and data.
        target: host:port that the job alchemorsel_ai reads.
        webhook: Where alerts go.
    """

    def __init__(self, folder: Path, target: str, webhook: str) -> None:
        self._folder = folder
        self._prometheus, self._alertmanager = free_port(), free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        rules = folder / "rules"
        rules.mkdir()
        for path in RULES.glob("*.yml"):
            text = re.sub(r"(?m)^( +for: )(\d+)m$", r"\1\2s", path.read_text())
            (rules / path.name).write_text(re.sub(r"(?m)^( +interval: )30s$", r"\g<1>1s", text))
        self._write(
            "prometheus.yml",
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [f"{rules}/*.yml"],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{self._alertmanager}"]}]}]},
                "scrape_configs": [{"job_name": "alchemorsel_ai", "static_configs": [{"targets": [target]}]}],
            },
        )
        self._write(
            "alertmanager.yml",
            {
                "route": {"receiver": "on-call", "group_wait": "1s", "group_interval": "1s", "group_by": ["alertname"]},
                "receivers": [{"name": "on-call", "webhook_configs": [{"url": webhook, "send_resolved": True}]}],
            },
        )

    def __enter__(self) -> Self:
        folder = self._folder
        self._start(
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/metrics",
            f"--web.listen-address=127.0.0.1:{self._prometheus}",
        )
        self._start(
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alerts",
            f"--web.listen-address=127.0.0.1:{self._alertmanager}",
            "--cluster.listen-address=",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([program, *arguments], stdout=log, stderr=subprocess.STDOUT))

    def _write(self, name: str, settings: dict[str, Any]) -> None:
        (self._folder / name).write_text(json.dumps(settings))  # JSON is YAML, too.
