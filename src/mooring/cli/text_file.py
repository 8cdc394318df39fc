"""A file of text that a person named."""

from pathlib import Path

from mooring.errors import Invalid


def read_text(path: Path, max_bytes: int) -> str:
    """Raises Invalid for a file that cannot be read, is too large or is no text."""
    try:
        with path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
        text = content.decode()
    except OSError as missing:
        raise Invalid(f"{path}: {missing.strerror or missing}", hint="is that the right file?") from missing
    except UnicodeDecodeError as broken:
        raise Invalid(f"{path}: {broken}", hint="the file is text in UTF-8") from broken
    if len(content) > max_bytes:
        raise Invalid(f"{path} is over {max_bytes} bytes", hint="is that the right file?")
    return text
