"""Benchmarks for maintainers: ``python -m tools.perf peers | budgets | overhead``.

`peers` measures the service beside other gateways, `budgets` what it costs on this machine, `overhead` what a running
one adds to a miss. They build on `bench`, which imports none of them.
"""
