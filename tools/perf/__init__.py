"""Benchmarks for maintainers."""
