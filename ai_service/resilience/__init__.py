"""What keeps a failing provider from doing harm: fallback chain, circuit breaker, admission queue, idle queue."""
