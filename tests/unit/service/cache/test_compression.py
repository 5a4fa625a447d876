"""Zstandard: what is packed, and who gets it."""

from __future__ import annotations

import pytest
import zstandard

from ai_service.cache.compression import accepts_zstd, pack, unpack

LONG = b'{"step":"Stir."}' * 100


def test_a_long_body_is_packed_and_comes_back_the_same() -> None:
    """To the byte."""
    packed = pack(LONG)
    assert packed is not None
    assert len(packed) < len(LONG)
    assert unpack(packed) == LONG


@pytest.mark.parametrize("body", [b"", b"x" * 1024, bytes(range(256)) * 4])
def test_a_short_body_is_left_alone(body: bytes) -> None:
    """It would gain nothing."""
    assert pack(body) is None


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not a frame",
        zstandard.compress(LONG)[:-3],
        zstandard.ZstdCompressor(write_checksum=True).compress(LONG)[:-1] + b"x",
        zstandard.compress(b"0" * (16 * 1024 * 1024 + 1)),
    ],
)
def test_what_is_damaged_or_too_large_is_refused(damaged: bytes) -> None:
    """Nobody gets half an answer."""
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own wording
        unpack(damaged)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"zstd", True),
        (b"gzip, deflate, br, zstd", True),
        (b"gzip;q=1.0, ZSTD ; q=0.5", True),
        (b"zstd;q=0", False),
        (b"gzip, zstd; q=0.000", False),
        (b"gzip, x-zstd", False),
        (b"*", False),
        (b"", False),
    ],
)
def test_a_client_gets_it_only_if_it_says_so(header: bytes, *, accepted: bool) -> None:
    """Quality zero is a refusal."""
    assert accepts_zstd(header) is accepted
