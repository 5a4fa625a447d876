"""Workloads run sequentially by one user: streams, and cold starts."""
