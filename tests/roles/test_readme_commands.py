"""The README's way to an own host: its lines, as they are printed, make an inventory that opens API and page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import COLLECTIONS, ROOT
from tests.roles.templates import evaluate, trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS = "198.51.100.7"


def lines() -> list[str]:
    """Return the lines of the README's block for an own host, without their comments."""
    section = (ROOT / "README.md").read_text().split("## Provision your own hosts")[1]
    block = section.split("```bash\n")[1].split("```")[0]
    return [re.sub(r"\s{2,}#.*", "", line) for line in block.splitlines()]


def variables(folder: Path) -> dict[str, Any]:
    """Return the variables of the inventory's host."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(folder), "--host", "ai-dev"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def type_in(folder: Path, wanted: Sequence[str]) -> None:
    """Type lines of the README in a folder, with another address."""
    text = "\n".join(line for line in wanted if line.startswith(("HOST=", "sed ")))
    subprocess.run(
        ["bash", "-ec", text.replace("HOST=192.0.2.10", f"HOST={ADDRESS}")], cwd=folder, check=True, timeout=20
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder with the inventory as it is delivered."""
    shutil.copytree(ROOT / "inventories" / "dev", tmp_path / "inventories" / "dev")
    return tmp_path


def test_lines_put_the_address_in_and_open_api_and_page(checkout: Path) -> None:
    """Both listen where the machine that typed the lines reaches them."""
    type_in(checkout, lines())
    found = variables(checkout / "inventories" / "dev")
    assert found["ansible_host"] == ADDRESS
    assert found["ai_service_bind_address"] == "0.0.0.0"
    assert evaluate(trusted(found["web_bind_address"]), found) == "0.0.0.0"


def test_inventory_is_on_loopback_until_it_is_opened(checkout: Path) -> None:
    """Nothing is open that nobody asked for."""
    found = variables(checkout / "inventories" / "dev")
    assert found["ai_service_bind_address"] == "127.0.0.1"
    assert evaluate(trusted(found["web_bind_address"]), found) == "127.0.0.1"


def test_lines_name_files_that_there_are() -> None:
    """Playbook, inventory and tests; and every line with an address has it put in."""
    words = {word for line in lines() for word in line.split()}
    named = {word for word in words if re.fullmatch(r"(inventories|tests)/\S+|site\.yml", word)}
    assert {"site.yml", "inventories/dev", "tests/hosts"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [line for line in lines() if "curl" in line and "http://$HOST:3010/" not in line] == []
