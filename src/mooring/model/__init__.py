"""Floor 0: the nouns. Frozen dataclasses and enums of the standard library; they reach outside of nothing."""
