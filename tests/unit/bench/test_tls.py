"""TLS towards the target: whose certificate is accepted, and what is said of one that is not."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.cli import main
from bench.errors import TargetError, UsageError
from bench.evidence.ollama import Ollama
from bench.load.client import Client
from bench.load.plan import ClosedLoop, Phase
from bench.load.target import Target
from bench.samples import read_samples
from bench.sequential.stream import StreamRun
from bench.tls import Trust
from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Program
from tests.tls_edge import TlsEdge

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
INGREDIENTS = "/api/v1/ai/suggest-ingredients"


@pytest.fixture(scope="module")
def service() -> Iterator[Program]:
    """Run the real service in front of a model with a constant answer."""
    with ModelServer() as model, Program(OLLAMA_HOST=model.url, OLLAMA_MODEL=MODEL) as program:
        yield program


def refusal(target: str, ca_file: str = "") -> str:
    """Return the harness's error in place of a measurement."""
    with Target(target, Trust(ca_file)) as asked, pytest.raises(TargetError) as caught:
        asked.require_ready()
    return str(caught.value)


def answer(target: str, ca_file: str = "") -> tuple[int, str]:
    """Status and error of one request of the generator."""
    with closing(Client(target, 1, {"Content-Type": "application/json"}, Trust(ca_file))) as client:
        found = client.send(client.compose(INGREDIENTS, b'{"partial": ["leek"]}'))
    return found.status, found.error


def test_a_private_authoritys_certificate_is_accepted_where_it_is_named(service: Program, tmp_path: Path) -> None:
    """By what asks once and by what makes the load, over a connection that is kept."""
    with TlsEdge(service.url, tmp_path) as edge:
        trust = Trust(str(edge.ca_file))
        with Target(edge.url, trust) as target:
            target.require_ready()
            assert not target.ask("ingredients", "seed", 0)["failure"]
        with closing(Client(edge.url, 1, {"Content-Type": "application/json"}, trust)) as client:
            request = client.compose(INGREDIENTS, b'{"partial": ["leek"]}')
            assert [client.send(request).status for _ in range(3)] == [200] * 3


def test_an_unknown_authoritys_certificate_is_refused_with_the_option(service: Program, tmp_path: Path) -> None:
    """By both, in the same words; so is Ollama's."""
    with TlsEdge(service.url, tmp_path) as edge:
        said = refusal(edge.url)
        assert said.startswith(f"{edge.url}: the certificate is from no trusted authority (")
        assert said.endswith("name its CA bundle with --ca-file FILE")
        assert answer(edge.url) == (0, said.removeprefix(f"{edge.url}: "))
        with Ollama(edge.url, Trust()) as ollama, pytest.raises(TargetError, match="--ca-file FILE"):
            ollama.loaded()


def test_a_certificate_of_another_authority_than_the_named_one_is_refused(service: Program, tmp_path: Path) -> None:
    """With the file that was named."""
    with TlsEdge(service.url, tmp_path) as edge:
        other = str(edge.other_ca_file)
        assert f"is not from an authority of --ca-file {other} (" in refusal(edge.url, other)
        assert answer(edge.url, other)[0] == 0


@pytest.mark.parametrize(("names", "host"), [(("edge.example",), "127.0.0.1"), (("127.0.0.1",), "localhost")])
def test_a_certificate_for_another_name_is_refused(
    service: Program, tmp_path: Path, names: tuple[str, ...], host: str
) -> None:
    """An authority that is trusted does not make it right; a CA bundle would not help, so none is asked for."""
    with TlsEdge(service.url, tmp_path, names=names) as edge:
        ca_file, url = str(edge.ca_file), f"https://{host}:{edge.port}"
        said = refusal(url, ca_file)
        assert "the certificate is for another name (" in said
        assert host in said
        assert "--ca-file" not in said
        assert answer(url, ca_file) == (0, said.removeprefix(f"{url}: "))


def test_an_expired_certificate_is_refused(service: Program, tmp_path: Path) -> None:
    """With what helps."""
    with TlsEdge(service.url, tmp_path, expired=True) as edge:
        said = refusal(edge.url, str(edge.ca_file))
        assert "the certificate has expired (certificate has expired); it has to be renewed" in said
        assert answer(edge.url, str(edge.ca_file)) == (0, said.removeprefix(f"{edge.url}: "))


def test_a_port_without_tls_is_told(service: Program) -> None:
    """Most often the scheme is wrong."""
    url = service.url.replace("http://", "https://")
    assert refusal(url).endswith("does the port speak TLS?")


def test_a_file_that_is_no_ca_bundle_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """With the option."""
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(UsageError, match=r"--ca-file .*ca\.pem holds no certificates in PEM format"):
        Trust(str(tmp_path / "ca.pem"))
    with pytest.raises(UsageError, match=r"--ca-file: cannot read .*none\.pem: No such file"):
        Trust(str(tmp_path / "none.pem"))


@pytest.mark.parametrize("command", ["run", "capacity"])
def test_every_command_with_a_target_takes_the_option(
    command: str, service: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told apart by what stands in the way: the certificate, or what comes after it."""
    with TlsEdge(service.url, tmp_path) as edge:
        arguments = [command, "--target", edge.url, "--out", str(tmp_path / "out")]
        if command == "run":  # What comes after it here would be a whole run.
            arguments += ["--ollama", "http://127.0.0.1:9"]
        assert main(arguments) == 69
        assert "--ca-file FILE" in capsys.readouterr().err
        assert main([*arguments, "--ca-file", str(edge.other_ca_file)]) == 69
        assert "other-ca.pem" in capsys.readouterr().err
        if command == "run":
            assert main([*arguments, "--ca-file", str(edge.ca_file)]) == 69
            assert "127.0.0.1:9" in capsys.readouterr().err


def test_streams_are_asked_with_the_same_trust(service: Program, tmp_path: Path) -> None:
    """The workload that is no generator's."""
    phase = Phase("stream", "ingredients", ClosedLoop(count=1, max_seconds=20), 1, seed="a seed")
    with TlsEdge(service.url, tmp_path) as edge:
        for trust, status in ((Trust(str(edge.ca_file)), 200), (Trust(), 0)):
            file = tmp_path / f"samples-{status}"
            StreamRun(edge.url, trust).run(phase, file, lambda _asked: None)
            assert [sample.status for sample in read_samples(file)[0]] == [status]


def locust(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a few requests through the locustfile as a user would."""
    command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless", "--users", "1"]
    return subprocess.run(
        [*command, "--task", "ingredients", "--count", "3", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_locust_alone_takes_the_option(service: Program, tmp_path: Path) -> None:
    """With it requests are answered; without it its table of errors names it."""
    with TlsEdge(service.url, tmp_path) as edge:
        trusting = locust("--host", edge.url, "--ca-file", edge.ca_file)
        assert trusting.returncode == 0, trusting.stderr
        doubting = locust("--host", edge.url)
        assert doubting.returncode == 1
        assert "name its CA bundle with --ca-file FILE" in doubting.stdout + doubting.stderr
    wrong = locust("--host", edge.url, "--ca-file", tmp_path / "none.pem")
    assert wrong.returncode == 1
    assert "--ca-file: cannot read" in wrong.stderr
