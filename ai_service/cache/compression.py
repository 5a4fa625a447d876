"""The one content coding that answers are stored and sent in: Zstandard (RFC 8878), for bodies that gain by it."""

from __future__ import annotations

from functools import lru_cache

import zstandard

CODING = b"zstd"
PACK_ABOVE_BYTES = 1024
MAX_UNPACKED_BYTES = 16 * 1024 * 1024
"""Far above any answer; a damaged frame may claim any size."""
_LEVEL = 3

_pack = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress
_unpack = zstandard.ZstdDecompressor().decompress


def may_pack(body: bytes) -> bool:
    """Whether a body is long enough to gain by it."""
    return len(body) > PACK_ABOVE_BYTES


def pack(body: bytes) -> bytes | None:
    """Compress a body into a Zstandard frame; return None where that would save too little."""
    if not may_pack(body):
        return None
    packed = _pack(body)
    return packed if len(packed) < len(body) else None


def unpack(packed: bytes) -> bytes:
    """Decompress a Zstandard frame.

    Raises:
        ValueError: It is damaged, or too large.
    """
    try:
        if not 0 <= zstandard.frame_content_size(packed) <= MAX_UNPACKED_BYTES:
            raise ValueError("the frame says no size, or one that no answer has")
        return _unpack(packed)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


@lru_cache(256)
def accepts_zstd(header: bytes) -> bool:
    """Whether an `Accept-Encoding` (RFC 9110, section 12.5.3) names zstd and does not refuse it."""
    for item in header.lower().split(b","):
        coding, _, parameter = item.partition(b";")
        if coding.strip() == CODING:
            name, _, value = parameter.replace(b" ", b"").partition(b"=")
            return name != b"q" or value.strip(b"0.") != b""
    return False
