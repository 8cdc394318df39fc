"""The eswitch mode of a PF, through devlink.

pyroute2 0.9.7 has the command and its attributes; its own ``DL`` sends no more than two others, and without a limit.

Loads pyroute2: to be imported with the first question.
"""

from collections.abc import Callable
from typing import Any

from pyroute2.netlink.devlink import DEVLINK_CMD_ESWITCH_GET, devlinkcmd
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket

from mooring.errors import MooringError
from mooring.host.netlink_answers import answered, ask, find_family
from mooring.model.pci import PciAddress

#: ``enum devlink_eswitch_mode`` of include/uapi/linux/devlink.h.
ESWITCH_MODES = ("legacy", "switchdev", "switchdev_inactive")


def read_eswitch_mode(pf: PciAddress, open_socket: Callable[[], Any] = AsyncGenericNetlinkSocket) -> str | None:
    """``None`` when the driver has no devlink, or no eswitch there."""

    async def question() -> str | None:
        async with open_socket() as socket:
            answers = await ask(socket, _request(pf), await find_family(socket, "devlink", devlinkcmd))
        modes = [answer.get_attr("DEVLINK_ATTR_ESWITCH_MODE") for answer in answers]
        return next((ESWITCH_MODES[mode] for mode in modes if mode in range(len(ESWITCH_MODES))), None)

    try:
        return answered(question, f"the eswitch mode of {pf}")
    except MooringError:
        return None


def _request(pf: PciAddress) -> Any:
    request = devlinkcmd()
    request["cmd"], request["version"] = DEVLINK_CMD_ESWITCH_GET, 1
    request["attrs"] = [("DEVLINK_ATTR_BUS_NAME", "pci"), ("DEVLINK_ATTR_DEV_NAME", str(pf))]
    return request
