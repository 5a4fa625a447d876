"""What the service knows of its surroundings: providers, cache, containers, a probe, who leads."""
