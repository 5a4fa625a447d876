"""The page before an https:// API: whose certificate is accepted, and what is said of one that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.service.program import Program
from tests.tls_edge import TlsEdge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INGREDIENTS = "/api/v1/ai/suggest-ingredients"


@pytest.fixture(scope="module")
def service() -> Iterator[Program]:
    """Run the real service."""
    with Program(AI_PROVIDER="mock") as program:
        yield program


def seen(edge: TlsEdge, **settings: str) -> tuple[int, Any, str]:
    """Status and body of a task asked through the page, and the problem in its status panel."""
    with Program("ai_service.web", "WEB_", API_URL=edge.url, **settings) as page:
        answer = page.ask(INGREDIENTS, {"partial": ["leek"]})
        return answer.status_code, answer.json(), page.http.get("/status").json()["problem"]


def test_a_private_authority_is_named_by_its_setting(service: Program, tmp_path: Path) -> None:
    """Beside others, with comments in any language, as bundles have them."""
    with TlsEdge(service.url, tmp_path) as edge:
        bundle = tmp_path / "bundle.pem"
        bundle.write_text(f"# Autorité A\n{edge.other_ca_file.read_text()}# Autorité B\n{edge.ca_file.read_text()}")
        status, body, problem = seen(edge, CA_FILE=str(bundle))
        assert (status, body["success"], problem) == (200, True, "")


def test_an_unknown_authority_is_refused_with_the_setting(service: Program, tmp_path: Path) -> None:
    """In the status panel and in answers."""
    with TlsEdge(service.url, tmp_path) as edge:
        status, body, problem = seen(edge)
        assert (status, body["error"]) == (502, problem)
        assert problem.startswith(f"The API at {edge.url} has a certificate from no trusted authority (")
        assert problem.endswith("Name its CA bundle in ALCHEMORSEL_WEB_CA_FILE on the page's server.")


@pytest.mark.parametrize(
    ("names", "expired", "said"),
    [(("edge.example",), False, "for another name ("), (("127.0.0.1",), True, "that has expired (")],
)
def test_another_name_and_an_expired_certificate_are_refused(
    service: Program, tmp_path: Path, names: tuple[str, ...], expired: bool, said: str
) -> None:
    """A CA bundle would not help, so none is asked for."""
    with TlsEdge(service.url, tmp_path, names=names, expired=expired) as edge:
        status, _, problem = seen(edge, CA_FILE=str(edge.ca_file))
        assert status == 502
        assert f"has a certificate {said}" in problem
        assert "WEB_CA_FILE" not in problem


def test_a_file_that_is_no_ca_bundle_is_a_wrong_setting(tmp_path: Path) -> None:
    """Told at the start."""
    (tmp_path / "ca.pem").write_text("no certificate")
    done = Program("ai_service.web", "WEB_", CA_FILE=str(tmp_path / "ca.pem")).run()
    assert done.returncode == 78
    assert "ALCHEMORSEL_WEB_CA_FILE: expected certificates in PEM format" in done.stderr
