"""What nginx's cache has on disk."""
