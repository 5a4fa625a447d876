"""Run ansible-test's sanity tests over a built collection: `python tools/sanity.py FILE.tar.gz [TEST ...]`.

The collection is unpacked to where ansible-test wants it, below `ansible_collections/`. ansible-test fetches the script
that brings pip into its environments from a server of its own, which not every site reaches; this makes that script of
the pip that the package index has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

BIN = Path(sys.executable).parent
PIP = "24.2"
"""What ansible-test of ansible-core 2.19 puts into its environments."""
CACHE = Path("~/.ansible/test/cache").expanduser()
RUN = """
import runpy, sys
sys.path.insert(0, __file__.removesuffix(".py") + ".zip")
sys.argv = ["pip", "install", *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def provide_pip(script: Path) -> None:
    """Write the script that installs pip, and pip beside it; one that exists is left."""
    if script.exists():
        return
    script.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([BIN / "uv", "pip", "install", "--quiet", "--target", folder, f"pip=={PIP}"], check=True)
        with zipfile.ZipFile(script.with_suffix(".zip"), "w") as archive:
            for path in sorted((folder / "pip").rglob("*")):
                archive.write(path, path.relative_to(folder))
    script.write_text(RUN)


def main() -> int:
    """Unpack the collection and test it; the exit status is ansible-test's."""
    archive, *tests = sys.argv[1:]
    provide_pip(CACHE / f"get_pip_{PIP.replace('.', '_')}.py")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "ansible_collections" / "alchemorsel" / "ai"
        with tarfile.open(archive) as tar:
            tar.extractall(root, filter="data")
        chosen = [word for test in tests for word in ("--test", test)]
        environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        command = [str(BIN / "ansible-test"), "sanity", "--venv", "--color", "no", *chosen]
        return subprocess.run(command, cwd=root, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
