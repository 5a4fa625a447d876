"""Names and digests of models, as Ollama and its registries write them."""

from __future__ import annotations


def full_name(name: str) -> str:
    """Return ``name`` with its tag, as the server lists it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def registry_reference(registry: str, name: str) -> str:
    """Return what to pull to get ``name`` from ``registry`` (itself where no registry is given)."""
    if not registry:
        return name
    return f"{registry}/{name}" if "/" in name else f"{registry}/library/{name}"


def bare_digest(digest: str | None) -> str | None:
    """Return a digest as 64 lower-case hex digits.

    Raises:
        ValueError: It is none.
    """
    if not digest:
        return None
    bare = digest.lower().removeprefix("sha256:")
    if len(bare) != 64 or not set(bare) <= set("0123456789abcdef"):
        message = f"a digest is 64 hex digits, optionally after sha256:, not {digest!r}"
        raise ValueError(message)
    return bare
