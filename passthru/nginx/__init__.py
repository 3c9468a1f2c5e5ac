"""nginx as the engine: what is told to it (pure), and the few modules that talk to it."""
