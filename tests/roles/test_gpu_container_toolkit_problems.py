"""What the role gpu_container_toolkit refuses before it changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables


def problems(**settings: Any) -> list[str]:
    """Return what the role refuses with some settings other than the defaults."""
    variables = {**role_variables("gpu_container_toolkit"), **settings}
    refused: list[str] = evaluate(variables["__gpu_container_toolkit_problems"], variables)
    return refused


@pytest.mark.parametrize("version", ["", "1.17.8", "1.18.0", "2.0"])
def test_versions_without_the_known_hole_are_taken(version: str) -> None:
    """And any, where none is named."""
    assert problems(gpu_container_toolkit_version=version) == []


def test_version_with_the_known_hole_is_refused() -> None:
    """With one that has it not; URL and key of a repository come together."""
    (problem,) = problems(gpu_container_toolkit_version="1.17.7")
    assert problem.startswith("gpu_container_toolkit_version is 1.17.7: up to 1.17.7 a container can become root")
    assert problem.endswith("take 1.17.8 or later")
    (problem,) = problems(gpu_container_toolkit_repository_url="https://mirror.test")
    assert problem.endswith("gpu_container_toolkit_repository_key belong together")
