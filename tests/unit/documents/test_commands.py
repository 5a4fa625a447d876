"""Commands of the documents: typed where they need no host, and read by their own programs everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.documents.pages import COMMANDS, ROOT, blocks, commands, inline_code, pages
from tests.unit.documents.parsers import problem

if TYPE_CHECKING:
    from tests.unit.documents.pages import Block

BIN = Path(sys.executable).parent
RUN_S = 300
OWN_REPOSITORY = "docs/your-own-repository.md"
"""Its commands need the files of a release."""
_PROGRAMS = ("alchemorsel ", "make ", "python -m ", ".venv/bin/python -m ", "ansible-playbook ")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the files of a release from a copy of the checkout, as `make release` does."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    (copy / ".venv").symlink_to(BIN.parent)
    build = "make --no-print-directory collection && .venv/bin/python -m tools.release finish"
    done = subprocess.run(["bash", "-ec", build], cwd=copy, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy / "dist"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of somebody who installed the tools; the checkout stands in for the installed wheel."""
    programs = folder / "bin"
    programs.mkdir()
    service = programs / "ai-service"
    service.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m ai_service "$@"\n')
    service.chmod(0o755)
    return {"PATH": f"{programs}:{BIN}:{os.environ['PATH']}", "HOME": str(folder), "LC_ALL": "C.UTF-8"}


def run(script: str, folder: Path) -> None:
    """Type commands in a folder, each of which has to succeed."""
    done = subprocess.run(
        ["bash", "-eux", "-c", script],
        cwd=folder,
        env=environment(folder.parent),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def typed(page: str) -> list[Block]:
    """Return the blocks of a page that are run."""
    return [block for block in blocks(ROOT / page) if block.language == COMMANDS and not block.reason]


@pytest.mark.parametrize("page", sorted({block.page for block in commands() if not block.reason} - {OWN_REPOSITORY}))
def test_commands_are_typed_in_an_empty_folder(page: str, tmp_path: Path) -> None:
    """One after the other."""
    folder = tmp_path / "work"
    folder.mkdir()
    run("\n".join(block.text for block in typed(page)), folder)


@pytest.mark.timeout(2 * RUN_S)
def test_an_own_repository_holds_what_its_page_says(tmp_path: Path, release: Path) -> None:
    """Groups from what hosts serve, secrets in the vault only, and a dry run that refuses no placeholder."""
    folder = tmp_path / "work"
    folder.mkdir()
    for file in release.iterdir():
        shutil.copy2(file, folder)
    text = "\n".join(block.text for block in typed(OWN_REPOSITORY))
    run(f"{text}\nansible-inventory --list > listed.json", folder)
    listed = json.loads((folder / "listed.json").read_text())
    assert listed["ollama_hosts"]["hosts"] == ["ai-gpu-1"]
    for group in ("redis_hosts", "ai_service_hosts", "web_hosts"):
        assert listed[group]["hosts"] == ["ai-api-1"]
    variables = listed["_meta"]["hostvars"]["ai-api-1"]
    assert variables["load_balancer_tls"] == "own"
    assert [line.split()[0] for line in variables["vault_ai_service_api_keys"]] == ["verification", "page", "operator"]
    keys = {variables["vault_ai_service_verify_key"], variables["vault_web_api_key"]}
    assert len({key for key in keys if key.startswith("alchemorsel_")}) == 2
    assert "CHANGE_ME" not in json.dumps(variables)
    assert (folder / "inventory/group_vars/all/vault.yml").read_text().startswith("$ANSIBLE_VAULT;")
    assert sorted(file.name for file in folder.glob("*.key")) == ["operator.key"]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_named_commands_options_and_files_exist(page: Path) -> None:
    """In blocks and in prose, whether they are run or not; what changed since is the changelog's to name."""
    if page.name == "CHANGELOG.md" or "decisions" in page.parts:
        return
    lines = [line for block in blocks(page) if block.language == COMMANDS for line in block.text.splitlines()]
    lines += [code for code in inline_code(page) if code.startswith(_PROGRAMS)]
    wrong = {line: said for line in lines if (said := problem(line))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("alchemorsel statsu", "statsu"),
        ("alchemorsel status --colour", "--colour"),
        ("alchemorsel ask chat hello --max-tokens 5", ""),
        ("alchemorsel cache purge --task recipe | cat", ""),
        ("make nothing", "no such target: nothing"),
        (".venv/bin/python -m bench run --target URL --colour", "--colour"),
        ("ansible-playbook playbooks/nothing.yml -i inventories/prod", "no such file: playbooks/nothing.yml"),
        ("ls nothing", ""),
    ],
)
def test_a_wrong_command_is_found(line: str, said: str) -> None:
    """By its program's own words."""
    found = problem(line)
    assert said in found
    assert bool(found) is bool(said)
