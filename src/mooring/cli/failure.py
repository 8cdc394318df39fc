"""How an error reaches a person, or with ``--json`` a program: what happened, and the way out."""

import click

from mooring.cli.text import plain
from mooring.errors import Invalid, MooringError

_NEAREST_MAX = 3


def tell(error: MooringError, *, is_json: bool) -> None:
    """Two lines on standard error; with ``is_json`` the object ``{"error": {"code", "message", "hint"}}`` instead."""
    if is_json:
        import json

        said = {"code": error.code, "message": error.message, "hint": error.hint}
        click.echo(json.dumps({"error": said}), err=True)
        return
    click.echo(f"mooring: {plain(error.message)}", err=True)
    if error.hint:
        click.echo(f"hint: {plain(error.hint)}", err=True)


def from_click(wrong: click.ClickException, path: str = "mooring") -> MooringError:
    """What click found wrong with the command line, in our words. ``path`` is the command, for click may not tell."""
    context = wrong.ctx if isinstance(wrong, click.UsageError) else None
    path = context.command_path if context else path
    message, hint = wrong.format_message(), f"{path} --help shows how to use it"
    if isinstance(wrong, click.exceptions.NoSuchCommand | click.NoSuchOption):
        message = wrong.message
        prefix = f"{path} " if isinstance(wrong, click.exceptions.NoSuchCommand) else ""
        near = [f"{prefix}{name}" for name in (wrong.possibilities or ())[:_NEAREST_MAX]]
        hint = f"did you mean {' or '.join(near)}?" if near else hint
    return Invalid(f"{message[:1].lower()}{message[1:].rstrip('.')}", hint=hint)
