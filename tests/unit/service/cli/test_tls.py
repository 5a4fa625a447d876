"""The command towards an https:// API: whose certificate is accepted, and what is said of one that is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.service.program import Program
from tests.tls_edge import TlsEdge

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
ADMIN_KEY = "an-administrators-key-of-32-characters"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file with the administrator's key."""
    path = tmp_path_factory.mktemp("secrets") / "key"
    path.write_text(ADMIN_KEY)
    return path


@pytest.fixture(scope="module")
def service(key_file: Path) -> Iterator[Program]:
    """Run the real service."""
    with Program(AI_PROVIDER="mock", ADMIN_KEY_FILE=str(key_file)) as program:
        yield program


def cache_stats(
    url: str, key_file: Path, *options: str | Path, **environment: str | Path
) -> subprocess.CompletedProcess[str]:
    """`alchemorsel [options] cache stats`, which needs the API and a key that goes to nobody else."""
    variables = {"API_URL": url, "API_KEY_FILE": key_file, **environment}
    return subprocess.run(
        [sys.executable, "-m", "ai_service.cli", *map(str, options), "cache", "stats"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **{f"ALCHEMORSEL_{name}": str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_private_authority_is_named_by_option_or_environment(
    service: Program, key_file: Path, tmp_path: Path
) -> None:
    """The option wins."""
    with TlsEdge(service.url, tmp_path) as edge:
        assert cache_stats(edge.url, key_file, "--ca-file", edge.ca_file).returncode == 0
        assert cache_stats(edge.url, key_file, CA_FILE=edge.ca_file).returncode == 0
        both = cache_stats(edge.url, key_file, "--ca-file", edge.ca_file, CA_FILE=edge.other_ca_file)
        assert both.returncode == 0


def test_an_unknown_authority_is_refused_with_both_ways_to_name_it(
    service: Program, key_file: Path, tmp_path: Path
) -> None:
    """Before the key is sent; so is another authority than the named one."""
    with TlsEdge(service.url, tmp_path) as edge:
        for options in ((), ("--ca-file", edge.other_ca_file)):
            refused = cache_stats(edge.url, key_file, *options)
            assert refused.returncode == 69
            assert f"The API at {edge.url} has a certificate from no trusted authority (" in refused.stderr
            assert "alchemorsel --ca-file FILE, or ALCHEMORSEL_CA_FILE." in refused.stderr


@pytest.mark.parametrize(
    ("names", "expired", "said"),
    [(("edge.example",), False, "for another name ("), (("127.0.0.1",), True, "that has expired (")],
)
def test_another_name_and_an_expired_certificate_are_refused(
    service: Program, key_file: Path, tmp_path: Path, *, names: tuple[str, ...], expired: bool, said: str
) -> None:
    """A CA bundle would not help, so none is asked for."""
    with TlsEdge(service.url, tmp_path, names=names, expired=expired) as edge:
        refused = cache_stats(edge.url, key_file, "--ca-file", edge.ca_file)
        assert refused.returncode == 69
        assert f"has a certificate {said}" in refused.stderr
        assert "--ca-file" not in refused.stderr


def test_a_file_that_is_no_ca_bundle_is_told(key_file: Path, tmp_path: Path) -> None:
    """Without a traceback."""
    (tmp_path / "ca.pem").write_text("no certificate")
    for name, said in (("ca.pem", "holds no certificates in PEM format"), ("none.pem", "cannot be read: No such file")):
        refused = cache_stats("https://127.0.0.1:9", key_file, "--ca-file", tmp_path / name)
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_the_benchmark_is_given_the_bundle(service: Program, tmp_path: Path) -> None:
    """It refuses the certificate by the file that the command was told."""
    with TlsEdge(service.url, tmp_path) as edge:
        done = subprocess.run(
            [sys.executable, "-m", "ai_service.cli", "--ca-file", str(edge.other_ca_file), "bench"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "ALCHEMORSEL_API_URL": edge.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 69
    assert f"the certificate is not from an authority of --ca-file {edge.other_ca_file}" in done.stderr
