"""The inventories of this repository, held against the roles as preflight does on a host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_variables import variable_problems

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load

if TYPE_CHECKING:
    from pathlib import Path

INVENTORIES = ROLES.parent / "inventories"
SECRETS = INVENTORIES / "prod" / "group_vars" / "all" / "vault.yml"
EXAMPLE_PASSWORD = "alchemorsel-example"
SCENARIOS = sorted(ROLES.parent.glob("molecule/*/inventory"))
FILES = sorted(path for kind in ("group_vars", "host_vars") for path in INVENTORIES.glob(f"*/{kind}/**/*.yml"))


def variables(path: Path) -> dict[str, Any]:
    """Return the variables of a file; an encrypted one is the example, which its documented password opens."""
    text = path.read_bytes()
    if text.startswith(b"$ANSIBLE_VAULT"):
        text = VaultLib([("default", VaultSecret(EXAMPLE_PASSWORD.encode()))]).decrypt(text)
    return yaml.safe_load(text) or {}


def test_there_are_inventories() -> None:
    """Without files the other test would pass."""
    assert {path.relative_to(INVENTORIES).parts[0] for path in FILES} >= {"dev", "prod"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INVENTORIES)))
def test_inventory_sets_only_variables_that_roles_have(path: Path) -> None:
    """A misspelt variable would silently leave a default in force."""
    assert variable_problems(list(variables(path)), str(ROLES), removed={}, ignored=[]) == []


@pytest.mark.parametrize("inventory", SCENARIOS, ids=lambda path: path.parent.name)
def test_scenario_reads_its_variables_from_directories(inventory: Path) -> None:
    """Ansible skips a file of that name with a warning, and then knows neither variables nor addresses of the hosts."""
    folders = [path for path in inventory.iterdir() if path.name in {"group_vars", "host_vars"}]
    assert [path.name for path in folders if not (path.is_symlink() or path.is_dir())] == []


def test_secrets_of_prod_are_encrypted_and_have_to_be_replaced() -> None:
    """The example opens with the password of the documents, and holds nothing that preflight would let pass."""
    assert SECRETS.read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256")
    placeholders = yaml.safe_load((ROLES / "preflight" / "defaults" / "main.yml").read_text())["preflight_placeholders"]
    for name, value in variables(SECRETS).items():
        for secret in value if isinstance(value, list) else [value]:
            assert any(re.fullmatch(placeholder, secret, re.IGNORECASE) for placeholder in placeholders), name
    assert f"`{EXAMPLE_PASSWORD}`" in (ROLES.parent / "docs" / "operations.md").read_text()


def test_secrets_of_prod_are_those_that_its_inventory_names() -> None:
    """None is missing, none is left over."""
    named = {
        name
        for path in FILES
        if "prod" in path.parts and path != SECRETS
        for name in re.findall(r"\bvault_\w+", path.read_text())
    }
    assert named == set(variables(SECRETS))


def test_every_ollama_host_of_prod_takes_its_share() -> None:
    """A host more in the group is a server more; the command lists the models of the first."""
    providers = load(INVENTORIES / "prod" / "group_vars" / "ai_service_hosts" / "providers.yml")
    hosts = {f"gpu-{number}": {"ollama_publish_address": f"10.0.0.{number}"} for number in (1, 2, 3)}
    known = {"groups": {"ollama_hosts": list(hosts)}, "hostvars": hosts}
    listed = evaluate(providers["ai_service_ollama_servers"], known)
    assert [entry["url"] for entry in listed] == [f"http://10.0.0.{number}:11435" for number in (1, 2, 3)]
    assert evaluate(providers["ai_service_ollama_url"], {**known, **providers}) == "http://10.0.0.1:11435"
    assert evaluate(providers["ai_service_ollama_digests"], known) == {}


def test_prod_lets_nobody_ask_without_a_key() -> None:
    """API, verification and page have theirs; the scenario of the whole site has the same files."""
    prod, scenario = INVENTORIES / "prod", ROLES.parent / "molecule" / "site-prod" / "inventory"
    for group, names in (
        ("ai_service_hosts", ["ai_service_api_keys", "ai_service_verify_key"]),
        ("web_hosts", ["web_api_key"]),
    ):
        file = prod / "group_vars" / group / "keys.yml"
        assert list(variables(file)) == names
        assert (scenario / "group_vars" / group / "keys.yml").resolve() == file
