"""The edge's configuration, accepted by the real HAProxy without a warning."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from lab.packages import ensure_program
from tests.contract.certificates import Authority
from tests.edge_program import configuration, frontend

if TYPE_CHECKING:
    from pathlib import Path

NAMED = {
    **frontend(3010, {}, address="0.0.0.0"),
    "servers": [{"name": "ai", "address": "tasks.ai:3010", "slots": 64}],
}
SERVERS = {"1": "unix@/run/alchemorsel/ai/1.sock", "2": "10.0.0.5:3010"}


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    """Write a certificate and its key."""
    files = Authority().certify(tmp_path, "127.0.0.1")
    path = tmp_path / "edge.pem"
    path.write_text("".join(file.read_text() for file in files))
    return str(path)


def check(text: str, folder: Path) -> str:
    """Return what HAProxy has to say about a configuration."""
    ensure_program("haproxy", "haproxy", units=("haproxy.service",))
    (folder / "edge.cfg").write_text(text)
    done = subprocess.run(
        ["haproxy", "-c", "-V", "-f", str(folder / "edge.cfg")], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def binds(text: str, name: str) -> list[str]:
    """Return where a frontend listens."""
    section = text.partition(f"\nfrontend {name}\n")[2].partition("\nbackend ")[0]
    return re.findall(r"^    bind (.*)$", section, re.MULTILINE)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"load_balancer_tls": "own"},
        {"load_balancer_tls": "given", "load_balancer_frontends": [frontend(3010, SERVERS, address="0.0.0.0")]},
        {"load_balancer_frontends": [frontend(3010, SERVERS, address="::"), frontend(3011, SERVERS, "page", "::1")]},
        {"load_balancer_exporter_address": "::", "load_balancer_exporter_from": ["10.0.0.0/8", "2001:db8::1"]},
        {"load_balancer_max_connections": "20000", "load_balancer_server_timeout": "600"},
        {"load_balancer_frontends": [NAMED]},
    ],
    ids=["defaults", "own", "given", "ipv6", "exporter", "texts", "name"],
)
def test_haproxy_accepts_it_without_a_warning(tmp_path: Path, certificate: str, variables: dict[str, Any]) -> None:
    """Numbers may be texts, as from the command line."""
    told = check(configuration(__load_balancer_certificate=certificate, **variables), tmp_path)
    assert "Configuration file is valid" in told
    assert "WARNING" not in told


@pytest.mark.parametrize("choice", ["", "off", False])
def test_without_tls_every_frontend_is_plain(choice: str | bool) -> None:
    """Whatever YAML makes of the word."""
    text = configuration(
        load_balancer_tls=choice, load_balancer_frontends=[frontend(3010, SERVERS, address="10.0.0.5")]
    )
    assert binds(text, "api") == ["10.0.0.5:3010"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.5", ["10.0.0.5:3010 ssl crt /etc/alchemorsel/tls/edge.pem alpn h2,http/1.1", "127.0.0.1:3010"]),
        ("::", ["ipv6@[::]:3010 ssl crt /etc/alchemorsel/tls/edge.pem alpn h2,http/1.1", "127.0.0.1:3010"]),
        ("127.0.0.1", ["127.0.0.1:3010"]),
        ("::1", ["ipv6@[::1]:3010"]),
    ],
)
def test_tls_is_for_others_and_the_host_itself_goes_without(address: str, expected: list[str]) -> None:
    """The page, the command and the verification use http://127.0.0.1."""
    text = configuration(load_balancer_tls="own", load_balancer_frontends=[frontend(3010, SERVERS, address=address)])
    assert binds(text, "api") == expected


def test_errors_are_json_in_either_shape() -> None:
    """As far as they are fixed; a test of the running edge reads the rest."""
    bodies = re.findall(r"\{%\[var\(txn\.openai,0\),iif\((\".*?\"),(\".*?\")\)\]%\[var\(txn\.own_id\)", configuration())
    assert len(bodies) >= 7
    for openai, own in bodies:
        assert set(json.loads("{" + json.loads(openai) + "}")["error"]) == {"message", "type", "param", "code"}
        assert set(json.loads("{" + json.loads(own) + 'x"}')) == {"success", "error", "code", "request_id"}


def test_every_server_may_answer_where_none_is_ready() -> None:
    """Its second entry has no check, and is asked last."""
    text = configuration(load_balancer_frontends=[frontend(3010, SERVERS)])
    assert re.findall(r"^    server (.*)$", text, re.MULTILINE) == [
        "1 unix@/run/alchemorsel/ai/1.sock check",
        "2 10.0.0.5:3010 check",
        "1-any unix@/run/alchemorsel/ai/1.sock backup",
        "2-any 10.0.0.5:3010 backup",
    ]


def test_each_address_of_a_name_is_a_server() -> None:
    """Looked up by the engine's resolver, checked and with a backup as any other; otherwise nothing is looked up."""
    text = configuration(load_balancer_frontends=[NAMED])
    assert "    server-template ai 64 tasks.ai:3010 check resolvers names init-addr none\n" in text
    assert "    server-template ai-any 64 tasks.ai:3010 backup resolvers names init-addr none\n" in text
    assert "nameserver engine 127.0.0.11:53" in text
    assert "resolvers" not in configuration()
