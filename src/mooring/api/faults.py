"""Errors to HTTP: one table from class to status, one renderer for each service's dialect."""

import re
from collections.abc import Callable
from http import HTTPStatus

from mooring.errors import (
    Conflict,
    Forbidden,
    HostFault,
    Invalid,
    MechanismDriverError,
    MooringError,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unauthenticated,
    Unreachable,
    Unsupported,
)

#: The first class that matches decides.
_STATUS: tuple[tuple[type[MooringError], HTTPStatus], ...] = (
    (Invalid, HTTPStatus.BAD_REQUEST),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (PreconditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (Unreachable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Conflict, HTTPStatus.CONFLICT),
    (Unsupported, HTTPStatus.CONFLICT),
    (HostFault, HTTPStatus.INTERNAL_SERVER_ERROR),
)

_NOVA_KEYS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
}
_NOVA_NOUNS = {"server": "Instance", "server group": "Instance group", "port": "Port id"}
_NEUTRON_NOUNS = {
    "qos_policy": "QoS policy", "qos_rule": "QoS rule", "subnet_pool": "Subnet pool", "address_scope": "Address scope",
}  # fmt: skip
_WORD = re.compile(r"(?:^|[_ -])(\w)")


def status_of(error: MooringError) -> int:
    if error.code == "HTTPMethodNotAllowed":
        return HTTPStatus.METHOD_NOT_ALLOWED
    if error.code == "VersionNotSupported":
        return HTTPStatus.NOT_ACCEPTABLE
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def _sentence(error: MooringError) -> str:
    return _with_hint(error.message, error.hint)


def _with_hint(message: str, hint: str) -> str:
    """Clients show the message, and nothing else of an error."""
    return f"{message} ({hint})" if hint else message


def _keystone(error: MooringError, status: int) -> object:
    message = f"Could not find {error.noun}: {error.ident}." if isinstance(error, NotFound) else _sentence(error)
    return {"error": {"code": status, "message": message, "title": _title(status)}}


def _drivers_answer(error: MechanismDriverError) -> tuple[int, MooringError]:
    """What drivers raised in a hook, as Neutron's API answers it.

    Errors of one status are answered with it, in their words; those of several are a conflict that lists them. What is
    no error of ours is a failure of the driver, and no client's business.
    """
    unknown = MooringError(error.message, code=error.code, hint=error.hint)
    inner = [fault if isinstance(fault, MooringError) else unknown for fault in error.faults.values()]
    by_status = [(status_of(fault), _neutron_error(fault)) for fault in inner]
    if len({status for status, _ in by_status}) == 1:
        status, first = by_status[0]
        words = dict.fromkeys(said["message"] for _, said in by_status)
        return status, MooringError("\n".join(words), code=first["type"])
    lines = [f"HTTP {status} {said['type']}: {said['message']}" for status, said in by_status]
    return HTTPStatus.CONFLICT, MooringError("\n".join(lines), code=Conflict.code)


def _neutron(error: MooringError, status: int) -> object:
    if status == HTTPStatus.UNAUTHORIZED:
        return _keystone(error, status)
    return {"NeutronError": _neutron_error(error)}


def _neutron_error(error: MooringError) -> dict[str, str]:
    if isinstance(error, NotFound):
        kind = _WORD.sub(lambda match: match[1].upper(), error.noun)
        message = error.words or f"{_NEUTRON_NOUNS.get(error.noun, kind)} {error.ident} could not be found."
        name = f"{kind}NotFound"
        if error.code != NotFound.code:
            message, name = "The resource could not be found.", error.code
        return {"type": name, "message": _with_hint(message, error.hint), "detail": ""}
    return {"type": error.code, "message": _sentence(error), "detail": ""}


def _nova(error: MooringError, status: int) -> object:
    if status == HTTPStatus.UNAUTHORIZED:
        return _keystone(error, status)
    message = _sentence(error)
    if isinstance(error, NotFound):
        noun = _NOVA_NOUNS.get(error.noun, error.noun.capitalize())
        message = f"{noun} {error.ident} could not be found."
    return {_NOVA_KEYS.get(status, "computeFault"): {"code": status, "message": message}}


def _plain(error: MooringError, status: int) -> object:
    return {
        "error": {
            "code": error.code,
            "status": status,
            "message": error.message,
            "hint": error.hint,
            "facts": dict(error.facts),
        }
    }


Renderer = Callable[[MooringError, int], object]
_DIALECTS: dict[str, Renderer] = {"identity": _keystone, "network": _neutron, "compute": _nova, "image": _plain}


def render(error: MooringError, path: str) -> tuple[int, object]:
    """(status, body) in the dialect of the service that ``path`` belongs to."""
    status = status_of(error)
    if isinstance(error, MechanismDriverError):
        status, error = _drivers_answer(error)
    dialect = _DIALECTS.get(path.split("/", 2)[1], _plain)
    return status, dialect(error, status)


def unexpected(request_id: str) -> MooringError:
    """What a client hears of a bug: nothing but where to find it in the log."""
    return MooringError("an unexpected error happened", code="InternalError", hint=f"report it with {request_id}")
