"""Throughput of misses: a real Ollama asked by several at once, directly and through the service, in turns."""
