"""The plugins of the collection say what they do: `ansible-doc alchemorsel.ai.<module>`, `-t filter` for filters."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.roles.ansible_module import COLLECTIONS, PLUGINS, ROOT, load_plugin

MODULES = [path.stem for path in sorted(PLUGINS.glob("modules/*.py"))]
FILTERS = {
    name: function
    for path in sorted(PLUGINS.glob("filter/*.py"))
    for name, function in load_plugin(path.stem, "filter").FilterModule().filters().items()
}
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def read_docs(kind: str, names: list[str], folder: Path) -> dict[str, Any]:
    """Have ansible-doc read plugins, from any folder, with nothing but the path of the collections."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-doc")),
            *("--json", "--type", kind, *(f"alchemorsel.ai.{name}" for name in names)),
        ],
        cwd=folder,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return {name: read.get(f"alchemorsel.ai.{name}") for name in names}


def test_every_module_says_what_it_does(tmp_path: Path) -> None:
    """Options, results, an example by its full name, and what check mode and a diff show."""
    problems = []
    for name, found in read_docs("module", MODULES, tmp_path).items():
        documented = found["doc"]
        attributes = documented.get("attributes", {})
        problems += [
            f"{name}: {what}"
            for what, holds in {
                "author": documented.get("author"),
                "version": documented.get("version_added") in RELEASES,
                "example": f"\n  alchemorsel.ai.{name}:" in found["examples"],
                "results": found["return"],
                "attributes": {"check_mode", "diff_mode"} <= attributes.keys(),
                "descriptions of attributes": all(each["description"] for each in attributes.values()),
            }.items()
            if not holds
        ]
    assert problems == []


def test_every_filter_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    """What is documented are the parameters of the function, in their order."""
    read = read_docs("filter", list(FILTERS), tmp_path)
    documented = {name: found["doc"] for name, found in read.items()}
    taken = {
        name: [parameter for parameter in inspect.signature(function).parameters if parameter != "context"][1:]
        for name, function in FILTERS.items()
    }
    options = {name: {"_input", *parameters} for name, parameters in taken.items()}
    assert {name: set(doc["options"]) for name, doc in documented.items()} == options
    assert {name: doc.get("positional", "") for name, doc in documented.items()} == {
        name: ", ".join(parameters) for name, parameters in taken.items()
    }
    assert [name for name, found in read.items() if not found["return"]["_value"]["description"]] == []
    assert [path.stem for path in sorted(PLUGINS.glob("filter/*.yml"))] == sorted(FILTERS)
