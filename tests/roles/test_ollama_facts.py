"""The module ollama_facts, against an engine that speaks real HTTP on a real socket."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.roles.ansible_module import load_plugin, run_module
from tests.roles.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ollama_facts = load_plugin("ollama_facts")
IMAGE = "docker.io/ollama/ollama:0.34.2"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """Run an empty engine."""
    with FakeEngine(tmp_path / "docker.sock") as fake:
        yield fake


def test_image_and_network_are_found_by_name(engine: FakeEngine) -> None:
    """A network of another driver is not the one that is wanted."""
    engine.answers[f"/images/{IMAGE}/json"] = (200, {"Id": "sha256:abc"})
    engine.answers["/networks/alchemorsel"] = (200, {"Driver": "bridge", "Id": "0123456789abcdef"})
    found = ollama_facts.describe(engine.path, IMAGE, "alchemorsel")
    assert (found["image_id"], found["has_network"]) == ("sha256:abc", True)
    engine.answers["/networks/alchemorsel"] = (200, {"Driver": "macvlan"})
    assert ollama_facts.describe(engine.path, IMAGE, "alchemorsel")["has_network"] is False


def test_interface_of_the_network_is_found(engine: FakeEngine) -> None:
    """Docker names it by the network's ID, unless whoever created the network chose a name."""
    network: dict[str, object] = {"Driver": "bridge", "Id": "0123456789abcdef", "Options": {}}
    engine.answers["/networks/alchemorsel"] = (200, network)
    assert ollama_facts.describe(engine.path, IMAGE, "alchemorsel")["bridge"] == "br-0123456789ab"
    network["Options"] = {"com.docker.network.bridge.name": "models0"}
    assert ollama_facts.describe(engine.path, IMAGE, "alchemorsel")["bridge"] == "models0"


def test_rules_in_force_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is not loaded has none; nft fails then."""
    listings = {"inet ours": (0, "table inet ours {\n}\n", ""), "inet theirs": (1, "", "No such file or directory")}

    def run(command: list[str]) -> tuple[int, str, str]:
        return listings[" ".join(command[-2:])]

    monkeypatch.setattr(ollama_facts, "NFT", sys.executable)  # any program that exists
    assert ollama_facts.rules_in_force(run, "inet ours") == {"installed": True, "rules": "table inet ours {\n}\n"}
    assert ollama_facts.rules_in_force(run, "inet theirs") == {"installed": True, "rules": ""}


def test_engine_without_them_is_no_failure(engine: FakeEngine) -> None:
    """They are still to be had."""
    found = ollama_facts.describe(engine.path, IMAGE, "alchemorsel")
    assert (found["image_id"], found["has_network"]) == ("", False)


def test_error_of_the_engine_is_told(engine: FakeEngine) -> None:
    """A sick engine is not taken for one without the image."""
    engine.answers[f"/images/{IMAGE}/json"] = (500, {"message": "layer does not exist"})
    with pytest.raises(ValueError, match="layer does not exist"):
        ollama_facts.describe(engine.path, IMAGE, "alchemorsel")


def test_host_without_engine_and_folder_is_no_failure(tmp_path: Path) -> None:
    """As on a fresh host in check mode."""
    told = run_module(
        "ollama_facts",
        check_mode=True,
        image=IMAGE,
        network="alchemorsel",
        models=str(tmp_path / "models"),
        table="inet nowhere",
        socket=str(tmp_path / "docker.sock"),
    )
    assert (told["engine"], told["image_id"], told["has_network"]) == (False, "", False)
    assert told["models"]["is_folder"] is False
    assert told["firewall"]["rules"] == ""
