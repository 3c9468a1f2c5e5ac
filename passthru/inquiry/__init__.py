"""Asking another process of this machine over its unix socket."""
