"""What the cache does, as figures: the access log read, counted, kept, and shown."""
