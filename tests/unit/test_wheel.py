"""The wheel alone: built from the checkout, installed with the locked requirements, it gives its commands anywhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ai_service", "bench")
BIN = Path(sys.executable).parent


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as a user's shell would; the checkout is not on its path."""
    given = [str(word) for word in command]
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `make wheel` does."""
    folder = tmp_path_factory.mktemp("dist")
    built = run(BIN / "hatchling", "build", "--target", "wheel", "--directory", folder, folder=ROOT)
    assert built.returncode == 0, built.stderr
    (path,) = folder.iterdir()
    return path


def install(environment: Path, *what: object) -> None:
    """Install into an environment what is named, and nothing that it requires."""
    pip = (BIN / "uv", "--quiet", "pip", "install", "--python", environment, "--no-deps", *what)
    done = run(*pip, folder=environment)
    assert done.returncode == 0, done.stderr


def test_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    """Page, styles, templates and bounds too."""
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in packed if ".dist-info/" not in name} == files
    assert {"ai_service/web/assets/index.html", "bench/slo.yml", "bench/report/page.html.j2"} <= files


def test_commands_run_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    """With the locked requirements and nothing else; without those of its extra, the benchmark says what it lacks."""
    environment, commands = tmp_path / "venv", tmp_path / "venv" / "bin"
    made = run(BIN / "uv", "--quiet", "venv", "--python", sys.executable, environment, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    install(environment, "--require-hashes", "--requirement", ROOT / "requirements" / "service.txt")
    install(environment, wheel)
    for name, told in (("ai-service", "The Alchemorsel AI service."), ("alchemorsel", "Exit status:")):
        shown = run(commands / name, "--help", folder=tmp_path)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert told in shown.stdout
    page = run(commands / "python", "-m", "ai_service.web", "--check", folder=tmp_path)
    assert (page.returncode, page.stderr) == (0, "")
    bench = run(commands / "alchemorsel-bench", "--help", folder=tmp_path)
    assert bench.returncode == 70
    assert "is not installed: install the wheel with its extra, 'FILE.whl[bench]'" in bench.stderr
    assert bench.stderr.count("\n") == 1
    assert "not installed on hosts" in run(commands / "alchemorsel", "bench", folder=tmp_path).stderr

    install(environment, "--require-hashes", "--requirement", ROOT / "requirements" / "bench.txt")
    shown = run(commands / "alchemorsel-bench", "--help", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Measure a running service" in shown.stdout
    checked = run(BIN / "uv", "pip", "check", "--python", environment, folder=tmp_path)
    assert checked.returncode == 0, checked.stderr
