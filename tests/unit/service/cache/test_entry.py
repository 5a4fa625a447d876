"""How entries are stored."""

from typing import Any

import msgspec
import pytest

from ai_service.cache.compression import pack
from ai_service.cache.entry import Entry, decode, encode

KEY = "ai:v1:recipe:0123456789ab:request"
ENTRY = Entry(
    body=b'{"success":true}',
    created=1.0,
    fresh_until=2.0,
    stale_until=3.0,
    compute_s=0.5,
    provider="ollama",
    model="m",
    confidence=0.8,
    degraded=False,
)
BODY = b'{"step":"Stir."}' * 100
PACKED = msgspec.structs.replace(ENTRY, body=BODY, packed=pack(BODY))
DAMAGED = msgspec.structs.replace(ENTRY, body=BODY, packed=b"damaged")


def test_an_entry_comes_back_as_it_was() -> None:
    """The body in particular: it is sent as it is."""
    assert decode(encode(ENTRY, KEY), KEY) == ENTRY


def test_a_packed_body_is_stored_once_and_comes_back_in_both_forms() -> None:
    """One form for each kind of client; the store keeps the short one."""
    assert decode(encode(PACKED, KEY), KEY) == PACKED
    assert len(encode(PACKED, KEY)) < len(BODY)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xff",
        b"not msgpack",
        encode(ENTRY, KEY)[:-4],
        encode(DAMAGED, KEY),
        msgspec.msgpack.encode([1, 2]),
        msgspec.msgpack.encode(ENTRY),
        encode(msgspec.structs.replace(PACKED, packed=pack(BODY + b"x")), KEY)[:-1] + b"x",
    ],
)
def test_damaged_and_foreign_bytes_are_no_entry(raw: bytes) -> None:
    """A store may hold anything; a miss is the worst that follows."""
    assert decode(raw, KEY) is None


@pytest.mark.parametrize("entry", [ENTRY, PACKED], ids=["plain", "packed"])
def test_no_flipped_bit_goes_unnoticed(entry: Entry) -> None:
    """Neither in the body nor in the times, wherever it lies; one in the array's length may make it no entry at all."""
    raw = encode(entry, KEY)
    for at in range(len(raw)):
        assert decode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], KEY) is None


def test_an_answer_is_that_of_its_own_key() -> None:
    """Renamed or copied in the store, it answers nothing."""
    assert decode(encode(ENTRY, KEY), "ai:v1:recipe:0123456789ab:other") is None


def test_earlier_versions_read_what_is_stored_now() -> None:
    """A rollback finds its answers: what was added comes after what they know."""
    earlier = msgspec.defstruct(
        "Earlier", [(name, Any) for name in Entry.__struct_fields__[:10]], frozen=True, array_like=True
    )
    found = msgspec.msgpack.decode(encode(ENTRY, KEY), type=earlier)
    assert msgspec.structs.astuple(found) == msgspec.structs.astuple(ENTRY)[:10]
