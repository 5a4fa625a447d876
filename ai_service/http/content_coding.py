"""Request bodies in a content coding, decoded within a bound (RFC 9110, section 8.4)."""

from __future__ import annotations

import zlib

import zstandard

from ai_service.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType

CODINGS = ("gzip", "zstd")
MAX_WINDOW_BYTES = 8 * 1024 * 1024
"""Memory that a frame of zstd may ask for (RFC 9659)."""
_GZIP = 16 + zlib.MAX_WBITS


def decode_body(body: bytes, coding: bytes, limit: int) -> bytes:
    """Decode a body.

    Args:
        body: As received.
        coding: Value of `Content-Encoding`.
        limit: Length in bytes that the decoded body may have at most.

    Raises:
        UnsupportedMediaType: The coding is unknown.
        PayloadTooLarge: The decoded body is longer than the limit.
        InvalidRequest: The body is not in that coding.
    """
    name = coding.strip().lower()
    try:
        if name in {b"gzip", b"x-gzip"}:
            decoded = _gunzip(body, limit)
        elif name == b"zstd":
            decoded = _unzstd(body, limit)
        elif name in {b"", b"identity"}:
            decoded = body
        else:
            shown = name[:32].decode("latin-1")
            raise UnsupportedMediaType(f"Expected a content coding of {', '.join(CODINGS)} or none, got {shown}.")
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise InvalidRequest(f"The body is not valid {name.decode('latin-1')}.") from None
    if len(decoded) > limit:
        raise PayloadTooLarge(f"Expected a body of at most {limit} bytes once it is decoded, got more.")
    return decoded


def _gunzip(body: bytes, limit: int) -> bytes:
    decoder = zlib.decompressobj(_GZIP)
    decoded = decoder.decompress(body, limit + 1)
    if len(decoded) <= limit and not decoder.eof:
        raise EOFError
    return decoded


def _unzstd(body: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).stream_reader(body) as reader:
        decoded = reader.read(limit + 1)
    if not decoded:
        raise EOFError
    return decoded
