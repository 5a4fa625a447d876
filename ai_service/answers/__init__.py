"""The use case: from a parsed request to an answer, by the cache, a shared computation or the providers."""
