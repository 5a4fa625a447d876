"""Only the service's own word about its own cache counts."""

from __future__ import annotations

import pytest

from bench.evidence.cache_status import parse_cache_status


@pytest.mark.parametrize(
    ("header", "outcome", "detail"),
    [
        ("alchemorsel; hit; ttl=12; detail=memory", "hit", "memory"),
        ("alchemorsel;hit;ttl=-3;detail=stale", "stale", "stale"),
        ("alchemorsel; hit; detail=coalesced", "coalesced", "coalesced"),
        ("alchemorsel; fwd=miss; detail=coalesced", "coalesced", "coalesced"),
        ("alchemorsel; fwd=miss; stored", "miss", ""),
        ("alchemorsel; fwd=uri-miss", "miss", ""),
        ("alchemorsel; fwd=stale", "expired", ""),
        ("alchemorsel; fwd=bypass", "bypass", ""),
        ('"alchemorsel"; hit; detail="redis"', "hit", "redis"),
        ('proxy; fwd=miss; detail="a, b; hit", alchemorsel; hit', "hit", ""),
    ],
)
def test_what_the_service_says_is_read(header: str, outcome: str, detail: str) -> None:
    """Hits, misses and their kinds are told apart, with and without quotes and spaces."""
    assert parse_cache_status(header) == (outcome, detail)


@pytest.mark.parametrize("header", [None, "", "proxy; hit", "alchemorsel", "alchemorsel; hit=?0", "alchemorsel-2; hit"])
def test_anything_else_is_no_proof(header: str | None) -> None:
    """No header, another cache's hit, or a member without hit and forward says nothing."""
    assert parse_cache_status(header).outcome == "none"
