"""Where something serves."""

Address = tuple[str, int]
"""An IPv4 address and a TCP port."""
