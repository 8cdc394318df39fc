"""Floor 3, the controller's stories: one function, one verb, one transaction. They never wait and never call a host."""
