"""The filter ollama_models_bundle, on folders as Ollama writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.ollama_models_bundle import manifest_path, models_bundle

from tests.roles.model_folder import write_model

if TYPE_CHECKING:
    from pathlib import Path

TINY = "registry.ollama.ai/library/tiny/1b"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("llama3.2:3b", "registry.ollama.ai/library/llama3.2/3b"),
        ("llama3.2", "registry.ollama.ai/library/llama3.2/latest"),
        ("team/tiny:1b", "registry.ollama.ai/team/tiny/1b"),
        ("mirror.lab:5000/team/tiny:1b", "mirror.lab:5000/team/tiny/1b"),
        ("mirror.lab:5000/team/tiny", "mirror.lab:5000/team/tiny/latest"),
    ],
)
def test_manifest_lies_where_ollama_looks_for_it(name: str, path: str) -> None:
    """Registry, namespace and tag have their defaults."""
    assert manifest_path(name) == path


def test_wanted_model_is_described_with_its_parts(tmp_path: Path) -> None:
    """Name, manifest and parts are what the host needs to know."""
    written = write_model(tmp_path, TINY, "config", "weights")
    assert models_bundle(str(tmp_path), [{"name": "tiny:1b"}]) == {
        "models": [{"name": "tiny:1b", **written}],
        "problems": [],
    }


def test_two_layers_of_one_file_are_one_part(tmp_path: Path) -> None:
    """A part is copied once."""
    write_model(tmp_path, TINY, "config", "same", "same")
    assert len(models_bundle(str(tmp_path), [{"name": "tiny:1b"}])["models"][0]["blobs"]) == 2


def test_missing_required_model_is_a_problem_that_says_what_there_is(tmp_path: Path) -> None:
    """Nothing is sent to a host that would lack a model in the end."""
    write_model(tmp_path, TINY, "config")
    problems = models_bundle(str(tmp_path), [{"name": "large:70b"}])["problems"]
    assert len(problems) == 1
    assert f"holds {TINY}, not large:70b" in problems[0]


def test_missing_optional_model_is_no_problem(tmp_path: Path) -> None:
    """It is left out."""
    write_model(tmp_path, TINY, "config")
    assert models_bundle(str(tmp_path), [{"name": "large:70b", "required": False}]) == {"models": [], "problems": []}


def test_part_that_is_cut_short_is_a_problem(tmp_path: Path) -> None:
    """An interrupted copy of the bundle is found by the sizes, without reading gigabytes."""
    written = write_model(tmp_path, TINY, "config", "weights")
    part = tmp_path / "blobs" / written["blobs"][1]["name"]
    part.write_text("wei")
    assert (
        f"{part} is missing or not 7 bytes long" in models_bundle(str(tmp_path), [{"name": "tiny:1b"}])["problems"][0]
    )


def test_folder_that_is_no_bundle_is_a_problem(tmp_path: Path) -> None:
    """A wrong path is told before anything is changed."""
    assert "holds no models" in models_bundle(str(tmp_path), [])["problems"][0]


def test_manifest_that_is_none_is_a_problem(tmp_path: Path) -> None:
    """A damaged manifest is named."""
    write_model(tmp_path, TINY, "config")
    (tmp_path / "manifests" / TINY).write_text("{}")
    assert "is not the manifest of a model" in models_bundle(str(tmp_path), [{"name": "tiny:1b"}])["problems"][0]
