"""The manifest of models: the list `ollama_models` of an inventory, as the role ollama reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ai_service.cli.errors import CliError

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ollama_models"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class WantedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of the manifest; what the fields mean is in the role's argument specification.

    Attributes:
        name: As Ollama names it; without a tag, `latest` is meant.
        required: Whether the whole fails without it.
        preload: Whether it is in memory in the end.
        digest: SHA-256 of the model's own manifest that it must have; "" for any.
    """

    name: str
    required: bool = True
    preload: bool = False
    digest: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or "{{" in self.name:
            raise ValueError(f"expected the name of a model, not {self.name!r}: only Ansible reads templates")
        if self.digest and not _DIGEST.fullmatch(self.digest.lower()):
            raise ValueError(f"{self.name}: expected a digest of 64 hex digits, not {self.digest!r}")

    @property
    def full_name(self) -> str:
        """With its tag, as the server lists it."""
        return self.name if ":" in self.name.rpartition("/")[2] else f"{self.name}:latest"

    @property
    def bare_digest(self) -> str:
        """The digest without `sha256:` in front, as the server lists it."""
        return self.digest.lower().removeprefix("sha256:")


def read(path: Path) -> list[WantedModel]:
    """Read a model manifest: variables such as those of `inventories/dev/group_vars/ollama_hosts/models.yml`.

    Raises:
        CliError: It cannot be read, or holds no such list.
    """
    import yaml  # noqa: PLC0415 - a tenth of what every other command takes to start

    try:
        variables = yaml.safe_load(path.read_text(encoding="utf-8"))
        models = msgspec.convert(variables[KEY], list[WantedModel])
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.") from error
    except (TypeError, KeyError) as error:
        raise CliError(f"{path} holds no list {KEY}.", hint=f"{KEY}: [{{name: llama3.2:3b, preload: true}}]") from error
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise CliError(f"{path} is no manifest of models: {error}") from error
    names = [model.full_name for model in models]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise CliError(f"{path} names {twice} twice.")
    return models


def reference(registry: str, name: str) -> str:
    """Return the reference for pulling a model from a registry; the model's name where no registry is given."""
    if not registry:
        return name
    return f"{registry}/{name}" if "/" in name else f"{registry}/library/{name}"
