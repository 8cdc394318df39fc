"""Floor 4, HTTP: Identity v3, Networking v2.0, Compute v2.1, Image v2, the agents' stream, and Mooring's own."""
