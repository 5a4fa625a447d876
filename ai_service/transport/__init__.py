"""Connections to servers: an HTTP client, and TLS."""
