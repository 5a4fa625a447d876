"""A stored answer, and its form in the store."""

from __future__ import annotations

from zlib import crc32

import msgspec

from ai_service.cache.compression import pack, unpack


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
        degraded_reason: Which providers were passed over and why; "" where none was.
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
    degraded_reason: str = ""


SEAL_BYTES = 4
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def packed(entry: Entry) -> Entry:
    """Return the entry with its body in both forms, plain and compressed, as stored."""
    return entry if entry.packed is not None else msgspec.structs.replace(entry, packed=pack(entry.body))


def encode(entry: Entry, key: str) -> bytes:
    """Return the bytes to store under a key: of a body that is packed, only the packed form.

    They end with a seal, as one more element than an entry has: earlier versions, which know no seal, read them too.
    """
    fields = msgspec.structs.astuple(entry if entry.packed is None else msgspec.structs.replace(entry, body=b""))
    unsealed = _encode((*fields, bytes(SEAL_BYTES)))[:-SEAL_BYTES]
    return unsealed + _seal(unsealed, key)


def decode(raw: bytes, key: str) -> Entry | None:
    """Read what is stored under a key; None where it is damaged, or another program's, or was stored under another."""
    if raw[-SEAL_BYTES:] != _seal(raw[:-SEAL_BYTES], key):
        return None
    try:
        entry = _decode(raw)
        return entry if entry.packed is None else msgspec.structs.replace(entry, body=unpack(entry.packed))
    except ValueError:
        return None


def _seal(unsealed: bytes, key: str) -> bytes:
    """Return a checksum (CRC-32) of an entry's bytes and its key."""
    return crc32(unsealed, crc32(key.encode())).to_bytes(SEAL_BYTES, "big")
