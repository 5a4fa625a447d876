"""What a process stands on: socket, uvicorn, systemd, periodic work."""
