"""What the collection says of itself is what the service and the roles say."""

from __future__ import annotations

from pathlib import Path

import yaml

from ai_service import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_collection_and_service_are_of_one_version() -> None:
    """They are released together: the collection brings the service's wheel."""
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"] == __version__


def test_preflight_asserts_the_window_that_the_collection_declares() -> None:
    """Ansible only warns outside of it; preflight says what to install."""
    window = yaml.safe_load((ROOT / "roles/preflight/vars/main.yml").read_text())["__preflight_ansible"]
    declared = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert declared == f">={window['least']},<{window['below']}"
