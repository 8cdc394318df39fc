"""Mooring's own: what OpenStack has no word for."""
