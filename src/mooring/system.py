"""The real outside: the system's clock and its generator."""

import base64
import os
import time
import uuid
from datetime import UTC, datetime

_SECRET_BYTES = 32
#: Neutron's default ``base_mac``: an OUI that people know as "OpenStack".
_PORT_PREFIX = "fa:16:3e"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


class SystemIds:
    def uuid(self) -> str:
        return str(uuid.UUID(bytes=os.urandom(16), version=4))

    def hex_id(self) -> str:
        return os.urandom(16).hex()

    def secret(self) -> str:
        return base64.urlsafe_b64encode(os.urandom(_SECRET_BYTES)).rstrip(b"=").decode()

    def mac(self) -> str:
        return f"{_PORT_PREFIX}:" + os.urandom(3).hex(":")
