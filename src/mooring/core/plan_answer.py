"""The answer to a wish of a file, as JSON has it: a host with exactly these devices, or why not, host by host."""

from collections.abc import Mapping

from mooring.core.nearest import nearest_miss
from mooring.core.placing import Wish, answers
from mooring.core.plan_file import Inventory
from mooring.core.stock import Stock
from mooring.model.request import Lack, Shortage


def answer_object(wish: Wish, inventory: Inventory) -> Mapping[str, object]:
    """``{"host", "devices": {request: [address]}}``, or ``{"host": null, "hosts": {name: [lack]}, "nearest_miss"}``."""
    stock = Stock()
    for host in inventory.hosts:
        stock.put(host)
    placement = next(stock.candidates(wish, inventory.liveness_of), None)
    if placement is not None:
        devices = {name: [str(address) for address in given] for name, given in placement.devices.items()}
        return {"host": placement.host, "devices": devices}
    known = {host.name: host for host in stock.hosts()}
    shortages = [one for one in answers(wish, known.values(), inventory.liveness_of) if isinstance(one, Shortage)]
    miss = nearest_miss(wish, known, shortages, inventory.liveness_of)
    told = {shortage.host: [_lack_object(lack) for lack in shortage.lacks] for shortage in shortages}
    return {"host": None, "hosts": told, "nearest_miss": None if miss is None else miss.text}


def _lack_object(lack: Lack) -> Mapping[str, object]:
    """``request`` is the first that it is about; ``requests`` are there when they are several."""
    several = {"requests": list(lack.requests)} if len(lack.requests) > 1 else {}
    return {
        "constraint": lack.constraint,
        "request": lack.requests[0] if lack.requests else None,
        **several,
        "need": lack.need,
        "have": lack.have,
        "text": lack.text,
    }
