"""JSON that somebody wrote by hand, or that a program wrote to break us."""

import json


def load_json(text: str) -> object:
    """Raises ValueError for what is no JSON, and for what nests too deep."""
    try:
        return json.loads(text)
    except RecursionError as deep:
        raise ValueError("it nests too deep") from deep
