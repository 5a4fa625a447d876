"""The use case: from a question to an answer, by the cache, a shared computation or the providers."""
