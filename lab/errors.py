"""What the lab says when it cannot go on."""


class LabError(Exception):
    """``message`` says what happened, with the values; ``hint`` says what a person can do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint


class CommandFailed(LabError):
    """A command inside a host ended with another exit code than 0."""
