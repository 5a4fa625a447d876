"""The answer cache: canonical keys, entries, a store (Redis or memory) and the layer in front of it."""
