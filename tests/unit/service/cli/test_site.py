"""Where the command looks for a host's services."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ai_service.cli.errors import CliError, NotPermittedError
from ai_service.cli.site import Site

ROOT = Path(__file__).parents[4]


def test_unset_means_this_machine() -> None:
    """The laptop's case; no key is needed, so none is read."""
    site = Site.from_env({})
    assert (site.api_url, site.ollama_url) == ("http://127.0.0.1:3010", "http://127.0.0.1:11434")
    assert site.key() == ""


def test_the_services_own_settings_may_stand_beside() -> None:
    """On a host people source the service's environment file."""
    assert Site.from_env({"ALCHEMORSEL_OLLAMA_MODEL": "x", "ALCHEMORSEL_API_URL": "http://a:1"}).api_url == "http://a:1"


def test_a_mistake_is_told_with_what_would_be_right() -> None:
    """In a sentence."""
    with pytest.raises(CliError, match=r"ALCHEMORSEL_API_URL: expected a URL that starts with http:// or https://"):
        Site.from_env({"ALCHEMORSEL_API_URL": "api.example"})


def test_a_key_that_cannot_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    """A wrong path is not a question of rights."""
    with pytest.raises(CliError, match=r"none cannot be read: No such file") as caught:
        Site.from_env({"ALCHEMORSEL_API_KEY_FILE": str(tmp_path / "none")}).key()
    assert not isinstance(caught.value, NotPermittedError)


def test_the_key_is_the_files_without_its_line_break(tmp_path: Path) -> None:
    """As editors leave it."""
    (tmp_path / "key").write_text("secret\n")
    assert Site.from_env({"ALCHEMORSEL_API_KEY_FILE": str(tmp_path / "key")}).key() == "secret"


def test_a_relative_key_file_begins_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every other file that a command is given."""
    (tmp_path / "key").write_text("secret\n")
    monkeypatch.chdir(tmp_path)
    assert Site.from_env({"ALCHEMORSEL_API_KEY_FILE": "key"}).key() == "secret"


def test_the_former_name_of_the_key_file_is_an_alias(tmp_path: Path) -> None:
    """For one minor version; two names with two values leave open which one is meant."""
    (tmp_path / "key").write_text("secret\n")
    path = str(tmp_path / "key")
    assert Site.from_env({"ALCHEMORSEL_API_KEY_PATH": path}).key() == "secret"
    assert Site.from_env({"ALCHEMORSEL_API_KEY_PATH": path, "ALCHEMORSEL_API_KEY_FILE": path}).key() == "secret"
    with pytest.raises(CliError, match=r"ALCHEMORSEL_API_KEY_FILE: expected its former name ALCHEMORSEL_API_KEY_PATH"):
        Site.from_env({"ALCHEMORSEL_API_KEY_PATH": path, "ALCHEMORSEL_API_KEY_FILE": "/other"})


def test_the_former_name_is_warned_of_with_the_new_one(tmp_path: Path) -> None:
    """On standard error, so that what programs read stays as it is."""
    environment = {"PATH": os.environ["PATH"], "ALCHEMORSEL_API_KEY_PATH": str(tmp_path / "key")}
    done = subprocess.run(
        [sys.executable, "-m", "ai_service.cli", "version"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "ALCHEMORSEL_API_KEY_PATH is deprecated" in done.stderr
    assert "set ALCHEMORSEL_API_KEY_FILE instead." in done.stderr
    assert "deprecated" not in done.stdout
