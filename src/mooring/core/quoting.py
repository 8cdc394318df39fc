"""A value that somebody wrote, as an error's message quotes it."""

_SHOWN_MAX_CHARS = 80


def shown(value: object) -> str:
    """For a message: as Python writes it, and not too long."""
    try:
        text = repr(value)
    except RecursionError:
        return "what nests too deep"
    return text if len(text) <= _SHOWN_MAX_CHARS else text[:_SHOWN_MAX_CHARS] + "..."
