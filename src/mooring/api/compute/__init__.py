"""Compute v2.1, as Nova serves it."""
