"""What only maintainers run: benchmarks beside other gateways (`perf`), generators of the documents (`docs`)."""
