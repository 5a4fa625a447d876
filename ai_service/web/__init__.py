"""The web page on port 3011: one page to try the service and to watch it; talks to the service's API only."""
