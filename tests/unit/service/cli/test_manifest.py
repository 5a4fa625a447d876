"""The manifest of models: one format, for the role and for the command."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
import yaml

from ai_service.cli.errors import CliError
from ai_service.cli.manifest import WantedModel, read, reference
from tests.roles.ansible_module import ROLES, load_plugin

if TYPE_CHECKING:
    from pathlib import Path

MANIFESTS = sorted((ROLES.parent / "inventories").glob("*/group_vars/ollama_hosts/models.yml"))
DIGEST = "0123456789abcdef" * 4


def written(folder: Path, text: str) -> Path:
    """Write a manifest with that text."""
    path = folder / "models.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.relative_to(ROLES.parent / "inventories").parts[0])
def test_the_inventories_manifests_are_read(path: Path) -> None:
    """As they are: name for name, with the role's defaults."""
    wanted = yaml.safe_load(path.read_text())["ollama_models"]
    assert [model.name for model in read(path)] == [model["name"] for model in wanted]
    assert any(model.preload for model in read(path))


def test_a_model_has_the_fields_that_the_role_specifies() -> None:
    """No more, no less, with the same defaults."""
    specification = yaml.safe_load((ROLES / "ollama" / "meta" / "argument_specs.yml").read_text())
    options = specification["argument_specs"]["main"]["options"]["ollama_models"]["options"]
    fields = {field.name: field for field in msgspec.structs.fields(WantedModel)}
    assert set(fields) == set(options)
    for name, option in options.items():
        assert fields[name].required == option.get("required", False), name
        assert fields[name].required or fields[name].default == option.get("default", ""), name


@pytest.mark.parametrize("registry", ["", "mirror.example:5000"])
@pytest.mark.parametrize("name", ["llama3.2:3b", "gemma3", "someone/thing:1b"])
def test_a_model_is_called_as_the_role_calls_it(registry: str, name: str) -> None:
    """With its tag, and with a registry in front."""
    module = load_plugin("ollama_model")
    full = WantedModel(name).full_name
    assert full == module.full_name(name)
    keeper = sys.modules[module.ModelKeeper.__module__]
    assert reference(registry, full) == keeper.registry_reference(registry, full)


def test_a_digest_may_say_what_it_is() -> None:
    """As the role takes it."""
    assert WantedModel("a", digest=f"sha256:{DIGEST}").bare_digest == DIGEST
    assert WantedModel("a", digest=DIGEST.upper()).bare_digest == DIGEST


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("other: 1", "holds no list ollama_models"),
        ("", "holds no list ollama_models"),
        ("ollama_models: [{nmae: a}]", "missing required field `name`|unknown field `nmae`"),
        ("ollama_models: [{name: a, preload: maybe}]", r"Expected `bool`, got `str` - at `\$\[0\].preload`"),
        ("ollama_models: [{name: '{{ lab_model }}'}]", "only Ansible reads templates"),
        ("ollama_models: [{name: a, digest: 12ab}]", "a: expected a digest of 64 hex digits, not '12ab'"),
        ("ollama_models: [{name: a}, {name: 'a:latest'}]", "names a:latest twice"),
        ("ollama_models: [", "is no manifest of models"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    """In a sentence that names the file."""
    path = written(tmp_path, text)
    with pytest.raises(CliError, match=said) as caught:
        read(path)
    assert re.match(re.escape(str(path)), str(caught.value))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(CliError, match="No such file"):
        read(tmp_path / "none.yml")
