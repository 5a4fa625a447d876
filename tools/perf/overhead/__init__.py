"""What the service adds to a miss: the same call, directly and through the service, in turns."""
