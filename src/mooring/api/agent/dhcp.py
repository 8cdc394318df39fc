"""Keeps every network's DHCP on hosts that live: the one thing about DHCP that no request and no report says."""

import asyncio
import logging
from functools import partial

from mooring.api.call import Controller
from mooring.errors import MooringError
from mooring.model.identity import Caller
from mooring.service import dhcp

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0
_BATCH_MAX = 50
"""Networks in one transaction: others wait for it."""
_CONTROLLER = Caller("controller", "controller", None, None, frozenset({"admin"}))


class DhcpKeeper:
    """Looks at the hosts that offer DHCP, and at the networks whenever one of those came, died or changed."""

    def __init__(self, controller: Controller):
        self._controller = controller
        self._settled: dhcp.Picture | None = None

    async def run(self) -> None:
        """For ever; cancelled with its loop."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look()
            except MooringError as failed:
                _log.warning("dhcp-not-settled reason=%r", failed.message)

    async def look(self) -> None:
        store, world = self._controller.store, self._controller.world
        picture = await store.read(lambda tx: dhcp.picture(tx, world))
        if picture == self._settled:
            return
        unsettled = await store.read(lambda tx: dhcp.unsettled(tx, world))
        for start in range(0, len(unsettled), _BATCH_MAX):
            batch = unsettled[start : start + _BATCH_MAX]
            await store.write(partial(dhcp.settle, world=world, who=_CONTROLLER, network_ids=batch))
        self._settled = picture
