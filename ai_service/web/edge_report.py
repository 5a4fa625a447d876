"""The edges and the instances behind them, as HAProxy's own exporter tells."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ai_service.transport.http_client import HTTPClient, read
from ai_service.web.prometheus import PrometheusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ai_service.web.prometheus import Prometheus

DEADLINE_S = 3.0
STATUS = "haproxy_server_status"
SERVER_SESSIONS = "haproxy_server_current_sessions"
SESSIONS = "haproxy_frontend_current_sessions"
REQUESTS = "haproxy_frontend_http_requests_total"
METRICS = (STATUS, SERVER_SESSIONS, SESSIONS, REQUESTS)
QUERY = f'{{__name__=~"{"|".join(METRICS)}",job="alchemorsel_edge"}}'
THIS = "this host's"
_WITHOUT_CHECK = "-any"
"""Ends the names of the same servers without a health check, for when none is ready."""
_EXPORTER = "exporter"

Samples = list[tuple[dict[str, str], float]]


class EdgeReport:
    """Read the edges: all of them from Prometheus, else this host's from its exporter.

    Args:
        prometheus: The site's; None for none.
        metrics_url: Of this host's exporter; "" for none.
    """

    def __init__(self, prometheus: Prometheus | None, metrics_url: str) -> None:
        self._prometheus = prometheus
        self._url = metrics_url
        self._client = HTTPClient(metrics_url) if metrics_url else None

    async def read(self) -> dict[str, Any]:
        """Return the edges.

        Returns:
            `problem` ("" where they are known), `frontends` and `servers`, each with the `edge` it is of.
        """
        try:
            samples = await self._samples()
        except PrometheusError as error:
            return _report(str(error))
        except (httpx.HTTPError, TimeoutError, ValueError):
            return _report(f"The edge's exporter at {self._url} does not answer.")
        if not samples:
            return _report("No edge is known: name its exporter in ALCHEMORSEL_WEB_EDGE_METRICS_URL.")
        return {**_report(""), **_edges(samples)}

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    async def _samples(self) -> Samples:
        if self._prometheus is not None:
            return await self._prometheus.samples(QUERY)
        if self._client is None:
            return []
        async with asyncio.timeout(DEADLINE_S), aclosing(await self._client.send("GET", "")) as response:
            lines = (await read(response)).decode().splitlines(keepends=True)
        text = "".join(line for line in lines if line.startswith(METRICS))  # Of some thousand lines.
        families = text_string_to_metric_families(text)
        return [({**each.labels, "__name__": each.name}, each.value) for family in families for each in family.samples]


def _report(problem: str) -> dict[str, Any]:
    return {"problem": problem, "frontends": [], "servers": []}


def _edges(samples: Samples) -> dict[str, Sequence[dict[str, Any]]]:
    frontends: dict[tuple[str, str], dict[str, Any]] = {}
    servers: dict[tuple[str, str, str], dict[str, Any]] = {}
    for labels, value in _shown(samples):
        edge, proxy, name = labels.get("instance", THIS), labels.get("proxy", ""), labels["__name__"]
        if name in {SESSIONS, REQUESTS}:
            frontend = frontends.setdefault((edge, proxy), {"edge": edge, "proxy": proxy, "sessions": 0, "requests": 0})
            frontend["sessions" if name == SESSIONS else "requests"] = int(value)
            continue
        key = (edge, proxy, labels.get("server", ""))
        server = servers.setdefault(key, {"edge": edge, "proxy": proxy, "server": key[2], "state": "", "sessions": 0})
        if name == SERVER_SESSIONS:
            server["sessions"] = int(value)
        elif value == 1:
            server["state"] = labels.get("state", "")
    return {
        "frontends": [frontends[key] for key in sorted(frontends)],
        "servers": [servers[key] for key in sorted(servers)],
    }


def _shown(samples: Samples) -> Iterable[tuple[dict[str, str], float]]:
    for labels, value in samples:
        if labels.get("proxy") != _EXPORTER and not labels.get("server", "").endswith(_WITHOUT_CHECK):
            yield labels, value
