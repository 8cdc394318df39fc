"""libvirt's answers, as our errors: one table. Needs no libvirt: the numbers are part of its stable ABI."""

from enum import IntEnum

from mooring.errors import Conflict, Forbidden, HostFault, Invalid, MooringError, NotFound, Unreachable, Unsupported

SHOWN_MAX_CHARS = 500


class ErrorCode(IntEnum):
    """``virErrorNumber`` in libvirt/virterror.h, as far as an answer hangs on it."""

    INTERNAL_ERROR = 1
    NO_SUPPORT = 3
    NO_CONNECT = 5
    INVALID_CONN = 6
    INVALID_ARG = 8
    OPERATION_FAILED = 9
    OS_TYPE = 16
    XML_ERROR = 27
    DOM_EXIST = 28
    OPERATION_DENIED = 29
    XML_DETAIL = 35
    SYSTEM_ERROR = 38
    RPC = 39
    NO_DOMAIN = 42
    INVALID_MAC = 44
    AUTH_FAILED = 45
    OPERATION_INVALID = 55
    CONFIG_UNSUPPORTED = 67
    OPERATION_TIMEOUT = 68
    ARGUMENT_UNSUPPORTED = 74
    AUTH_CANCELLED = 79
    OPERATION_UNSUPPORTED = 84
    RESOURCE_BUSY = 87
    ACCESS_DENIED = 88
    CPU_INCOMPATIBLE = 91
    XML_INVALID_SCHEMA = 92
    AUTH_UNAVAILABLE = 94
    DEVICE_MISSING = 99


#: ``virErrorDomain`` of the client's own half: whatever its code, the daemon was not reached or went away.
FROM_RPC = 7

_DENIED = frozenset(
    {
        ErrorCode.OPERATION_DENIED,
        ErrorCode.AUTH_FAILED,
        ErrorCode.AUTH_CANCELLED,
        ErrorCode.ACCESS_DENIED,
        ErrorCode.AUTH_UNAVAILABLE,
    }
)
_SILENT = frozenset(
    {
        ErrorCode.NO_CONNECT,
        ErrorCode.INVALID_CONN,
        ErrorCode.RPC,
        # Another job holds the domain's lock; the next try may find it free.
        ErrorCode.OPERATION_TIMEOUT,
    }
)
_UNSUPPORTED = frozenset(
    {
        ErrorCode.NO_SUPPORT,
        ErrorCode.OS_TYPE,
        ErrorCode.CONFIG_UNSUPPORTED,
        ErrorCode.ARGUMENT_UNSUPPORTED,
        ErrorCode.OPERATION_UNSUPPORTED,
        ErrorCode.CPU_INCOMPATIBLE,
    }
)
_INVALID = frozenset(
    {
        ErrorCode.INVALID_ARG,
        ErrorCode.XML_ERROR,
        ErrorCode.XML_DETAIL,
        ErrorCode.INVALID_MAC,
        ErrorCode.XML_INVALID_SCHEMA,
    }
)
_CONFLICT = frozenset({ErrorCode.DOM_EXIST, ErrorCode.OPERATION_INVALID, ErrorCode.RESOURCE_BUSY})


def from_libvirt(code: int, domain: int, text: str, what: str) -> MooringError:
    """Our error for a ``libvirtError``: its code, its domain (who raised it) and its own words.

    ``what`` says what was tried, and on what: ``start of server 6d1c…``. A code that the table does not know is a
    HostFault: libvirt's drivers answer INTERNAL_ERROR, OPERATION_FAILED and SYSTEM_ERROR to all that breaks.
    """
    message = f"{what}: {' '.join(text.split())[:SHOWN_MAX_CHARS]}"
    facts = {"libvirt_code": code, "libvirt_domain": domain}
    if code == ErrorCode.NO_DOMAIN:
        return NotFound("domain", f"({what})")
    if code == ErrorCode.DEVICE_MISSING:
        return NotFound("device", f"({what})")
    if code in _DENIED:
        return Forbidden(message, hint="may the agent's user use libvirt's socket?", facts=facts)
    if code in _SILENT or domain == FROM_RPC:
        return Unreachable(message, hint="is libvirtd (or virtqemud) running on this host?", facts=facts)
    if code in _UNSUPPORTED:
        return Unsupported(message, facts=facts)
    if code in _INVALID:
        return Invalid(message, facts=facts)
    if code in _CONFLICT:
        return Conflict(message, facts=facts)
    return HostFault(message, hint="libvirt's log on this host may say why", facts=facts)
