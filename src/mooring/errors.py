"""Every error that Mooring raises on purpose, on one page.

    MooringError
    ├── Invalid             400  never right: a field, its value, and what would do
    ├── Unauthenticated     401  who are you?
    ├── Forbidden           403  not yours to do
    ├── NotFound            404  the thing named does not exist, or not for you
    ├── Conflict            409  right, but not now
    │   └── Exhausted       409  nothing left: no host, no free function, no address
    ├── Stale               409  an older epoch or generation than the one on record
    ├── PreconditionFailed  412  If-Match named another revision
    ├── TooLarge            413  the body is over its limit
    ├── Unsupported         409  this card, kernel or libvirt cannot do it
    ├── HostFault           500  the host broke while we changed it
    ├── MechanismDriverError     what its drivers raised: their status where they agree on one
    └── Unreachable         503  database, controller, libvirt silent; worth another try

Errors know no HTTP; ``api/faults.py`` holds the one table from class to status, and a renderer for each
service's dialect. ``code`` is a stable string for programs (Neutron's exception name where Neutron has one),
``hint`` is what a person can do about it.
"""

from collections.abc import Mapping


class MooringError(Exception):
    """The root. ``message`` says what happened, with the values; ``hint`` says the way out."""

    code = "MooringError"
    retryable = False

    def __init__(
        self, message: str, *, code: str | None = None, hint: str = "", facts: Mapping[str, object] | None = None
    ):
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint
        self.facts: Mapping[str, object] = facts or {}


class Invalid(MooringError):
    """A field holds what can never be right."""

    code = "InvalidInput"


class Unauthenticated(MooringError):
    """No credential, or one that is expired, foreign or garbage."""

    code = "Unauthorized"


class Forbidden(MooringError):
    """The caller is known, and may not."""

    code = "PolicyNotAuthorized"


class NotFound(MooringError):
    """``noun`` (lower case: ``network``, ``server``) named ``ident`` does not exist for this caller.

    ``words`` is the sentence that the service says of this noun, where it is another than of most.
    """

    code = "NotFound"

    def __init__(self, noun: str, ident: str, *, hint: str = "", words: str = ""):
        super().__init__(words or f"{noun} {ident} could not be found", hint=hint)
        self.noun = noun
        self.ident = ident
        self.words = words


class Conflict(MooringError):
    """A right request at the wrong moment: something else holds what it needs."""

    code = "Conflict"


class Exhausted(Conflict):
    """Nothing is left that would do; the message counts what was tried."""

    code = "NoValidHost"


class Stale(Conflict):
    """A report or a command from before: its epoch or generation is older than the one on record."""

    code = "Stale"


class PreconditionFailed(MooringError):
    """``If-Match`` named another revision than the stored one."""

    code = "RevisionNumberConstraintFailed"


class TooLarge(MooringError):
    """The request is over a limit that is checked before it is parsed."""

    code = "RequestTooLarge"


class Unsupported(MooringError):
    """This card, driver, kernel or libvirt cannot do it."""

    code = "Unsupported"


class HostFault(MooringError):
    """The host took the write and does not show it, or broke while we changed it."""

    code = "HostFault"


class MechanismDriverError(MooringError):
    """Mechanism drivers failed in a hook of a change; ``faults`` is what each raised, by its name.

    Where they raised errors of ours, of one status, the answer has that status and their words; several statuses
    are a conflict, and an error of another kind is nobody's business but the log's.
    """

    code = "MechanismDriverError"

    def __init__(self, hook: str, faults: Mapping[str, BaseException]):
        names = " and ".join(faults)
        super().__init__(f"mechanism driver {names} failed in {hook}", hint="the controller's log has the reason")
        self.hook = hook
        self.faults = faults


class Unreachable(MooringError):
    """The database, the controller or libvirt did not answer."""

    code = "Unreachable"
    retryable = True
