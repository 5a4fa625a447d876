"""A stored answer."""

from __future__ import annotations

import msgspec

from ai_service.content_encoding import pack, unpack


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A ready-to-send body and what is known about it. Times are seconds since the epoch.

    Attributes:
        body: The envelope as it is sent; the same bytes on every hit.
        created: When it was computed.
        fresh_until: Until then it is a hit.
        stale_until: Until then it may be served where every provider fails (stale-if-error).
        compute_s: Seconds that computing it took.
        provider: Who wrote it.
        model: The provider's model.
        confidence: From 0 to 1.
        degraded: Whether a fallback wrote it.
        packed: The body as a Zstandard frame; None where the body is too small to gain by it, and before it is stored.
    """

    body: bytes
    created: float
    fresh_until: float
    stale_until: float
    compute_s: float
    provider: str
    model: str
    confidence: float
    degraded: bool
    packed: bytes | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def packed(entry: Entry) -> Entry:
    """The entry with its body in both forms, as it is stored."""
    return entry if entry.packed is not None else msgspec.structs.replace(entry, packed=pack(entry.body))


def encode(entry: Entry) -> bytes:
    """The bytes to store: of a body that is packed, only the packed form."""
    return _encode(entry if entry.packed is None else msgspec.structs.replace(entry, body=b""))


def decode(raw: bytes) -> Entry | None:
    """Reads a stored entry; None where the bytes are not one (another program's, or damaged)."""
    try:
        entry = _decode(raw)
        return entry if entry.packed is None else msgspec.structs.replace(entry, body=unpack(entry.packed))
    except ValueError:
        return None
