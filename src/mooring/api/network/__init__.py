"""Networking v2.0, as Neutron serves it."""
