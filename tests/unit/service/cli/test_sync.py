"""`alchemorsel models sync`, against a server that speaks real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.roles.fake_ollama_server import FakeOllamaServer, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
WRONG = "0" * 64


@pytest.fixture
def server() -> Iterator[FakeOllamaServer]:
    """Run an empty server with two models to pull."""
    with FakeOllamaServer() as fake:
        fake.registry = {"tiny:1b": "weights", "small:2b": "more weights"}
        yield fake


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """One model to preload, an optional one that nobody has, one more."""
    path = tmp_path / "models.yml"
    path.write_text(
        "ollama_models:\n"
        "  - {name: 'tiny:1b', preload: true}\n"
        "  - {name: 'nobody:7b', required: false}\n"
        "  - {name: 'small:2b'}\n"
    )
    return path


def sync(url: str, manifest: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the sync command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "ai_service.cli", "models", "sync", manifest, "--json", *options],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ALCHEMORSEL_OLLAMA_HOST": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_missing_is_pulled_and_loaded(server: FakeOllamaServer, manifest: Path) -> None:
    """With the context length that the callers will ask for; an optional model that nobody has stops nothing."""
    done = sync(server.url, manifest, "--context-length", "4096")
    assert done.returncode == 0, done.stderr
    assert set(server.models) == {"tiny:1b", "small:2b"}
    assert set(server.loaded) == {"tiny:1b"}
    assert [body["options"] for _, path, body in server.calls if path == "/api/generate"] == [{"num_ctx": 4096}]
    told = json.loads(done.stdout)
    assert (told["models"]["tiny:1b"], told["models"]["small:2b"]) == ("pulled and loaded", "pulled")
    assert told["models"]["nobody:7b"].startswith("skipped: ")
    assert told["missing"] == []


def test_a_second_time_changes_nothing(server: FakeOllamaServer, manifest: Path) -> None:
    """But for trying again what could not be had."""
    sync(server.url, manifest)
    server.calls.clear()
    assert json.loads(sync(server.url, manifest).stdout)["models"]["tiny:1b"] == "up to date"
    assert [body["model"] for _, path, body in server.calls if path == "/api/pull"] == ["nobody:7b"]
    assert set(server.changes) == {"/api/pull"}


def test_models_of_another_registry_get_their_short_names(server: FakeOllamaServer, manifest: Path) -> None:
    """http:// says that the registry has no TLS."""
    server.registry = {"mirror:5000/library/tiny:1b": "weights", "mirror:5000/library/small:2b": "more weights"}
    assert sync(server.url, manifest, "--registry", "http://mirror:5000").returncode == 0
    assert set(server.models) == {"tiny:1b", "small:2b"}
    pulls = [body for _, path, body in server.calls if path == "/api/pull"]
    assert {body["insecure"] for body in pulls} == {True}


def test_a_required_model_that_nobody_has_fails_after_the_others(server: FakeOllamaServer, manifest: Path) -> None:
    """By name; what can be had is there."""
    del server.registry["tiny:1b"]
    done = sync(server.url, manifest)
    assert done.returncode == 1
    assert "Required models are not available: tiny:1b." in done.stderr
    assert set(server.models) == {"small:2b"}


def test_a_model_with_another_digest_is_refused(server: FakeOllamaServer, tmp_path: Path) -> None:
    """And does not stay."""
    path = tmp_path / "models.yml"
    path.write_text(f"ollama_models: [{{name: 'tiny:1b', digest: 'sha256:{WRONG}'}}]")
    assert "it was deleted" in sync(server.url, path).stdout
    assert server.models == {}


def test_a_model_that_moved_is_pulled_again(server: FakeOllamaServer, tmp_path: Path) -> None:
    """Where its digest is given."""
    server.models["tiny:1b"] = "old weights"
    path = tmp_path / "models.yml"
    path.write_text(f"ollama_models: [{{name: 'tiny:1b', digest: '{digest_of('weights')}'}}]")
    assert sync(server.url, path).returncode == 0
    assert server.models == {"tiny:1b": "weights"}


def test_a_pull_that_breaks_off_is_no_success(server: FakeOllamaServer, manifest: Path) -> None:
    """The stream's last word is `success`, or it is none."""
    server.pull_lines = ['{"status":"pulling manifest"}']
    done = sync(server.url, manifest)
    assert done.returncode == 1
    assert "was interrupted after 'pulling manifest'" in done.stdout


def test_a_server_that_does_not_answer_is_told_once(manifest: Path) -> None:
    """Not as if every model were missing."""
    done = sync("http://127.0.0.1:9", manifest)
    assert (done.returncode, done.stdout) == (69, "")
    assert "Ollama at http://127.0.0.1:9 cannot be reached." in done.stderr
