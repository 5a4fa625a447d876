"""OpenAI's wire format, on the same cache, single flight, queue and providers as the three tasks."""
