"""Ollama's wire format, on the same cache, single flight, queue and providers as OpenAI's."""
