"""Image v2, as Glance serves it."""
