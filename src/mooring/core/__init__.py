"""Floor 1, decisions: pure functions of their arguments. No clock, no file, no randomness, nothing that waits."""
