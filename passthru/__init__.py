"""A network's own copy of the Nix binary caches it uses."""

__version__ = "0.1.0"
