"""Caches on the LAN: announcing this one by mDNS, finding others, and pulling through them."""
