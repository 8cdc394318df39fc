"""``/mooring/v1/pci-devices``: the functions of all hosts, with owner, settings and state."""

from collections.abc import Sequence
from urllib.parse import urlencode

from mooring.api.call import Call, Reply, Route
from mooring.api.mooring.device_query import is_watch, read_page
from mooring.api.mooring.device_watch import watch_devices
from mooring.api.mooring.views import device_view
from mooring.service.device_list import get_device, page_of_devices

_PLACE = frozenset({"marker"})


async def list_devices(call: Call) -> Reply:
    """One page of functions, by host and address unless sorted; or, with ``?watch=true``, what changes."""
    if is_watch(call):
        return await watch_devices(call)
    asked = read_page(call)
    page = await call.controller.store.read(
        lambda tx: page_of_devices(tx, asked.wish, after=asked.after, limit=asked.limit)
    )
    body = {"pci_devices": [device_view(row, asked.fields) for row in page.rows], "sequence": page.sequence}
    if page.marker is not None:
        body["pci_devices_links"] = [{"rel": "next", "href": _next(call, page.marker)}]
    return Reply(body=body)


def _next(call: Call, marker: str) -> str:
    kept = {name: values for name, values in call.query.items() if name not in _PLACE}
    return f"{call.base_url}{call.path}?{urlencode({**kept, 'marker': [marker]}, doseq=True)}"


async def show_device(call: Call) -> Reply:
    """One function, by its id."""
    ident = call.params["device_id"]
    row = await call.controller.store.read(lambda tx: get_device(tx, ident))
    return Reply(body={"pci_device": device_view(row)})


DEVICES: Sequence[Route] = (
    Route("GET", "/mooring/v1/pci-devices", list_devices, "mooring:pci-devices"),
    Route("GET", "/mooring/v1/pci-devices/{device_id}", show_device, "mooring:pci-devices"),
)
