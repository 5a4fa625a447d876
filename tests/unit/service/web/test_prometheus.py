"""What the operator's page reads from a Prometheus, and from the edge's exporter."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ai_service.web.edge_report import METRICS, EdgeReport
from ai_service.web.prometheus import QUERIES, Prometheus, PrometheusError
from tests.raw_server import RawRequest, RawServer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

GOLDEN = Path(__file__).parents[3] / "golden" / "files" / "metrics.txt"
STATUS = "haproxy_server_status"


class FakePrometheus(RawServer):
    """Answers each query by its text.

    Attributes:
        status: Of the answers.
        body: Of the answers; None for results.
        results: Series by a word of the query.
        asked: Parameters of the queries.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body: bytes | None = None
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, list[str]]] = []

    async def respond(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        """Answers a query, or as an exporter."""
        parameters = parse_qs(urlsplit(request.path).query)
        self.asked.append(parameters)
        query = parameters.get("query", [""])[0]
        found = next((series for word, series in self.results.items() if word in query), [])
        body = self.body or json.dumps({"status": "success", "data": {"result": found}}).encode()
        writer.write(f"HTTP/1.1 {self.status} -\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


@pytest.fixture
async def server() -> AsyncIterator[FakePrometheus]:
    """Run a Prometheus."""
    async with FakePrometheus() as running:
        yield running


async def test_a_course_has_a_point_for_each_step_and_gaps_where_nothing_is_known(server: FakePrometheus) -> None:
    """Times without a value, and what is no number, are None."""
    server.results = {
        'cache=~"hit|stale"}[': [{"metric": {}, "values": [[3600, "0.5"], [3630, "NaN"], [3660, "1"], [3690, "x"]]}]
    }
    points, step = await Prometheus(server.url).course(3600, 7201.5)
    assert step == 30
    assert (points[0]["time"], points[-1]["time"], len(points)) == (3600, 7200, 121)
    assert [point["hit_ratio"] for point in points[:4]] == [0.5, None, 1, None]
    assert {point["rate"] for point in points} == {None}
    assert {each["step"][0] for each in server.asked} == {"30"}
    assert "[60s]" in server.asked[0]["query"][0]


async def test_a_week_has_no_more_points_than_an_hour(server: FakePrometheus) -> None:
    """And each looks as far back as the last one."""
    points, step = await Prometheus(server.url).course(604_800, 1e6)
    assert (len(points), step) == (121, 5040)
    assert "[5040s]" in server.asked[0]["query"][0]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"status":"error","error":"parse error"}', "refuses the query: parse error"),
        (502, b"{}", "refuses the query: status 502"),
        (200, b"<html>", "is no Prometheus"),
        (200, b'{"data":{"result":[{"metric":{},"values":[[1]]}]}}', "is no Prometheus"),
    ],
)
async def test_what_is_no_answer_is_said_in_words(server: FakePrometheus, status: int, body: bytes, words: str) -> None:
    """With the address."""
    server.status, server.body = status, body
    with pytest.raises(PrometheusError, match=words) as caught:
        await Prometheus(server.url).course(300, 1e6)
    assert server.url in str(caught.value)


async def test_one_that_is_down_is_said_to_be() -> None:
    """With the address."""
    with pytest.raises(PrometheusError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        await Prometheus("http://127.0.0.1:9").course(300, 1e6)


def test_every_metric_that_is_asked_for_is_exported() -> None:
    """By the contract's list of metrics."""
    exported = {line.split()[0] for line in GOLDEN.read_text().splitlines()}
    asked = {name for query in QUERIES.values() for name in re.findall(r"alchemorsel_\w+", query)}
    assert {re.sub(r"_(total|bucket)$", "", name) for name in asked} <= exported
    assert asked


async def test_the_edges_are_read_from_the_exporter(server: FakePrometheus) -> None:
    """Servers with the one state that is theirs; without those that stand in for them, and without the exporter."""
    states = "".join(
        f'{STATUS}{{proxy="api",server="{name}",state="{state}"}} {int(state == current)}\n'
        for name, current in (("1", "UP"), ("2", "DRAIN"), ("1-any", "UP"))
        for state in ("DOWN", "UP", "DRAIN")
    )
    server.body = (
        f"# TYPE {STATUS} gauge\n{states}"
        'haproxy_server_current_sessions{proxy="api",server="1"} 3\n'
        'haproxy_frontend_current_sessions{proxy="api"} 4\n'
        'haproxy_frontend_http_requests_total{proxy="api"} 70\n'
        'haproxy_frontend_current_sessions{proxy="exporter"} 1\n'
        'haproxy_server_bytes_in_total{proxy="api",server="1"} 9\n'
    ).encode()
    report = await EdgeReport(None, f"{server.url}/metrics").read()
    assert report["problem"] == ""
    assert [(each["server"], each["state"], each["sessions"]) for each in report["servers"]] == [
        ("1", "UP", 3),
        ("2", "DRAIN", 0),
    ]
    assert report["frontends"] == [{"edge": "this host's", "proxy": "api", "sessions": 4, "requests": 70}]


async def test_the_edges_of_all_hosts_are_read_from_prometheus(server: FakePrometheus) -> None:
    """Each under its instance."""
    labels = {"__name__": STATUS, "proxy": "api", "server": "1", "state": "UP"}
    series: list[dict[str, Any]] = [
        {"metric": {**labels, "instance": name}, "value": [1, "1"]} for name in ("b:8405", "a:8405")
    ]
    server.results = {STATUS: series}
    report = await EdgeReport(Prometheus(server.url), "http://127.0.0.1:9/metrics").read()
    assert [(each["edge"], each["state"]) for each in report["servers"]] == [("a:8405", "UP"), ("b:8405", "UP")]
    assert all(name in server.asked[0]["query"][0] for name in METRICS)


@pytest.mark.parametrize("body", [b"<html>{{", b"haproxy_server_status{"])
async def test_what_is_no_exporter_is_said_in_words(server: FakePrometheus, body: bytes) -> None:
    """Nothing is shown for it."""
    server.body = body
    report = await EdgeReport(None, f"{server.url}/metrics").read()
    assert report["problem"]
    assert report["servers"] == []
