"""Providers of completions (Ollama, OpenAI-compatible, mock) and what guards them."""
