"""The ways to an upstream that nginx cannot go itself: beside nginx, in the path of misses only."""
