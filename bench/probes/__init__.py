"""Workloads that one patient user measures better than a load generator: streams, and cold models."""
