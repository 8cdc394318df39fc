"""Each answer of libvirt's becomes the error whose name a caller can act on."""

import pytest

from mooring.errors import Conflict, Forbidden, HostFault, Invalid, MooringError, NotFound, Unreachable, Unsupported
from mooring.host.libvirt_answers import FROM_RPC, SHOWN_MAX_CHARS, ErrorCode, from_libvirt

FROM_QEMU = 10


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (ErrorCode.NO_DOMAIN, NotFound),
        (ErrorCode.DEVICE_MISSING, NotFound),
        (ErrorCode.ACCESS_DENIED, Forbidden),
        (ErrorCode.AUTH_FAILED, Forbidden),
        (ErrorCode.OPERATION_DENIED, Forbidden),
        (ErrorCode.NO_CONNECT, Unreachable),
        (ErrorCode.OPERATION_TIMEOUT, Unreachable),
        (ErrorCode.NO_SUPPORT, Unsupported),
        (ErrorCode.CONFIG_UNSUPPORTED, Unsupported),
        (ErrorCode.OPERATION_UNSUPPORTED, Unsupported),
        (ErrorCode.XML_ERROR, Invalid),
        (ErrorCode.XML_INVALID_SCHEMA, Invalid),
        (ErrorCode.OPERATION_INVALID, Conflict),
        (ErrorCode.RESOURCE_BUSY, Conflict),
        (ErrorCode.INTERNAL_ERROR, HostFault),
        (ErrorCode.SYSTEM_ERROR, HostFault),
        (999, HostFault),
    ],
)
def test_code_of_libvirt_becomes_this_error(code: int, error: type[MooringError]) -> None:
    assert type(from_libvirt(code, FROM_QEMU, "words", "start of server s")) is error


@pytest.mark.parametrize("code", [ErrorCode.SYSTEM_ERROR, ErrorCode.INTERNAL_ERROR])
def test_daemon_that_went_away_is_unreachable_and_not_a_fault_of_the_host(code: int) -> None:
    error = from_libvirt(code, FROM_RPC, "Cannot recv data: Connection reset by peer", "list of domains")
    assert isinstance(error, Unreachable)
    assert error.retryable


def test_message_keeps_libvirts_words_on_one_line_and_within_bounds() -> None:
    error = from_libvirt(ErrorCode.XML_DETAIL, FROM_QEMU, "(domain):1: no\n  end\n" + "x" * 9999, "start of server s")
    assert error.message.startswith("start of server s: (domain):1: no end xxx")
    assert len(error.message) <= len("start of server s: ") + SHOWN_MAX_CHARS
    assert error.facts == {"libvirt_code": 35, "libvirt_domain": FROM_QEMU}
