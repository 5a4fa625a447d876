"""A filter that lists files as the module config_files takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def config_files(
    contents: Mapping[str, str], kind: Literal["content", "secret"], attributes: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return an entry for each file.

    Args:
        contents: Content by path.
        kind: `content`, or `secret` for one that is shown nowhere.
        attributes: Owner, group, mode and validation of all of them.
    """
    return [{"path": path, kind: content, **attributes} for path, content in contents.items()]


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"config_files": config_files}
