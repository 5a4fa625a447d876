"""The filter ollama_image_archive, on archives as `docker save` writes them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.filter.ollama_image_archive import image_archive

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "c" * 64
MANIFEST = "sha256:" + "d" * 64
IMAGE = "docker.io/ollama/ollama:0.34.2"


def archive(path: Path, **members: Any) -> str:
    """Write an archive of JSON files, named without their suffix, and return its path."""
    with tarfile.open(path, "w") as tar:
        for name, value in members.items():
            text = json.dumps(value).encode()
            entry = tarfile.TarInfo(f"{name}.json")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    return str(path)


def saved(tag: str = "ollama/ollama:0.34.2", config: str = f"{CONFIG}.json") -> list[dict[str, Any]]:
    """Return the manifest of an archive with one image."""
    return [{"Config": config, "RepoTags": [tag], "Layers": []}]


def test_id_is_the_digest_of_the_configuration(tmp_path: Path) -> None:
    """Docker names an image by its configuration, whose file the archive names."""
    path = archive(tmp_path / "image.tar", manifest=saved())
    assert image_archive(path, IMAGE) == {"ids": [f"sha256:{CONFIG}"], "problem": ""}


def test_newer_layout_of_archives_is_read_too(tmp_path: Path) -> None:
    """Since Docker 25 files go by their digest; an engine on containerd names the image by its manifest."""
    path = archive(
        tmp_path / "image.tar",
        manifest=saved(config=f"blobs/sha256/{CONFIG}"),
        index={"manifests": [{"digest": MANIFEST}]},
    )
    assert image_archive(path, IMAGE)["ids"] == [f"sha256:{CONFIG}", MANIFEST]


def test_digest_of_the_registry_is_not_looked_for(tmp_path: Path) -> None:
    """An archive does not know under which digest a registry keeps its image."""
    path = archive(tmp_path / "image.tar", manifest=saved())
    assert image_archive(path, f"{IMAGE}@sha256:{'a' * 64}")["problem"] == ""


def test_archive_of_another_image_is_refused_with_both_names(tmp_path: Path) -> None:
    """The archive of yesterday's version does not pass for today's."""
    path = archive(tmp_path / "image.tar", manifest=saved("ollama/ollama:0.33.0"))
    problem = image_archive(path, IMAGE)["problem"]
    assert "holds ollama/ollama:0.33.0, not docker.io/ollama/ollama:0.34.2" in problem


def test_image_with_another_id_is_refused_with_both_ids(tmp_path: Path) -> None:
    """A pinned image is refused on the control machine, before it is sent anywhere."""
    path = archive(tmp_path / "image.tar", manifest=saved())
    problem = image_archive(path, IMAGE, f"sha256:{'e' * 64}")["problem"]
    assert CONFIG in problem
    assert "e" * 64 in problem


def test_pinned_image_is_accepted(tmp_path: Path) -> None:
    """The ID that was asked for raises no problem."""
    path = archive(tmp_path / "image.tar", manifest=saved())
    assert image_archive(path, IMAGE, f"sha256:{CONFIG}")["problem"] == ""


def test_missing_damaged_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    """Each has its own sentence."""
    (tmp_path / "damaged.tar").write_bytes(b"no archive")
    foreign = archive(tmp_path / "foreign.tar", other={})
    assert "No such file" in image_archive(str(tmp_path / "none.tar"), IMAGE)["problem"]
    assert "cannot be read" in image_archive(str(tmp_path / "damaged.tar"), IMAGE)["problem"]
    assert "no manifest.json" in image_archive(foreign, IMAGE)["problem"]
