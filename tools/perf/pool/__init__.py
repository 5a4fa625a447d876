"""How the throughput of uncached requests grows with the number of Ollama servers."""
