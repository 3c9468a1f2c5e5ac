"""Followers of a NAR: its bytes for whoever asks while nginx still downloads it for another."""
