"""The kernel's answers to a VF request, as our errors: one table, for the real kernel and for the simulated one."""

import errno

from mooring.errors import Conflict, HostFault, Invalid, MooringError, NotFound, Unsupported


def errno_name(code: int) -> str:
    """As the kernel spells it: Python says ENOTSUP for EOPNOTSUPP, which is the same number."""
    return "EOPNOTSUPP" if code == errno.EOPNOTSUPP else errno.errorcode.get(code, str(code))


def from_errno(code: int, text: str, what: str, **more: object) -> MooringError:
    """Our error for an errno of the kernel's. ``text`` is the driver's own words where it gave some, else strerror's.

    ``more`` goes into the facts, beside ``errno``.
    """
    message = f"{what}: {text} ({errno_name(code)})"
    facts = {"errno": code, **more}
    match code:
        case errno.EOPNOTSUPP | errno.EPROTONOSUPPORT:
            return Unsupported(message, facts=facts)
        case errno.EINVAL | errno.ERANGE:
            return Invalid(message, hint="the driver does not take this value; the kernel log may say why", facts=facts)
        case errno.ENODEV | errno.ENXIO:
            return NotFound("netdev", what, hint="the PF or its VFs are gone: was its driver reloaded?")
        case errno.EBUSY | errno.EAGAIN:
            return Conflict(message, hint="the VF is in reset; it is worth another try", facts=facts)
        case errno.EMSGSIZE:
            return HostFault(
                message, hint="its VFs do not fit one message; fewer VFs on this PF make it fit", facts=facts
            )
        case errno.EPERM | errno.EACCES:
            return HostFault(message, hint="the agent needs CAP_NET_ADMIN", facts=facts)
        case _:
            return HostFault(message, hint="the kernel log may say why", facts=facts)
