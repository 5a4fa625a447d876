"""The `alchemorsel` command: look at, steer and try a host's AI, also where the service is down."""
