"""What the processes beside nginx have in common."""
