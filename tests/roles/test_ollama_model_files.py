"""The module ollama_model_files, on real folders."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import run_module
from tests.roles.model_folder import write_model

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "registry.ollama.ai/library/tiny/1b"


class Site:
    """A bundle, the folder of models of a host, and what was copied to that host."""

    def __init__(self, root: Path) -> None:
        self.bundle, self.folder, self.incoming = root / "bundle", root / "models", root / "models" / ".incoming"
        self.incoming.mkdir(parents=True)
        self.model = {"name": "tiny:1b", **write_model(self.bundle, MANIFEST, "config", "weights")}

    def run(self, *, check_mode: bool = False) -> dict[str, Any]:
        """Run the module."""
        return run_module(
            "ollama_model_files",
            check_mode=check_mode,
            path=str(self.folder),
            incoming=str(self.incoming),
            models=[self.model],
        )

    def copy(self) -> None:
        """Copy what the module says is missing."""
        for name in self.run(check_mode=True)["missing"]:
            shutil.copy(self.bundle / "blobs" / name, self.incoming / name)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give a bundle with one model and an empty host."""
    return Site(tmp_path)


def test_check_mode_names_what_is_missing_and_touches_nothing(site: Site) -> None:
    """The parts are named before they are copied."""
    result = site.run(check_mode=True)
    assert result["changed"]
    assert result["missing"] == [blob["name"] for blob in site.model["blobs"]]
    assert not (site.folder / "blobs").exists()


def test_copied_model_ends_where_ollama_looks_for_it(site: Site) -> None:
    """Parts and manifest are those of the bundle, and nothing is left to copy."""
    site.copy()
    assert site.run()["models"] == ["tiny:1b"]
    assert (site.folder / "manifests" / MANIFEST).read_text() == site.model["manifest"]
    for blob in site.model["blobs"]:
        assert (site.folder / "blobs" / blob["name"]).stat().st_size == blob["size"]
    again = site.run()
    assert not again["changed"]
    assert again["missing"] == []


def test_everything_belongs_to_the_owner_of_the_folder(site: Site) -> None:
    """Ollama, which is not root, can read and later delete what was put there."""
    if os.geteuid() == 0:
        os.chown(site.folder, 59000, 59000)
    site.copy()
    site.run()
    owner = site.folder.stat().st_uid
    put = [path for name in ("blobs", "manifests") for path in [site.folder / name, *(site.folder / name).rglob("*")]]
    assert {path.stat().st_uid for path in put} == {owner}


def test_damaged_part_is_refused_and_no_model_appears(site: Site) -> None:
    """A part of the right size and the wrong content never becomes a model."""
    site.copy()
    weights = site.incoming / site.model["blobs"][1]["name"]
    weights.write_text("weighty")
    result = site.run()
    assert result["failed"]
    assert "the bundle is damaged" in result["msg"]
    assert not (site.folder / "manifests").exists()
    assert not (site.folder / "blobs").exists()


def test_part_that_was_not_copied_is_named(site: Site) -> None:
    """An interrupted copy is told, and no model appears."""
    result = site.run()
    assert "was not copied" in result["msg"]
    assert not (site.folder / "manifests").exists()


def test_newer_model_of_the_same_name_replaces_the_manifest(site: Site) -> None:
    """Only the part that is new is copied."""
    site.copy()
    site.run()
    site.model = {"name": "tiny:1b", **write_model(site.bundle, MANIFEST, "config", "newer weights")}
    assert site.run(check_mode=True)["missing"] == [site.model["blobs"][1]["name"]]
    site.copy()
    assert site.run()["changed"]
    assert (site.folder / "manifests" / MANIFEST).read_text() == site.model["manifest"]
