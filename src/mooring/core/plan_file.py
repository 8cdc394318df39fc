"""Hosts and requests written down in files: where a server would go in a cloud that need not exist.

Hosts: ``{"hosts": [{"name", "devices": [...], "numa_sockets": {"0": 0}}]}``. Of a device ``address`` and ``type``
(``PF``, ``VF`` or ``PCI``) have to be there, of a VF its ``parent`` too; an ``owner`` that is not null has it. What
else a host may have, ``mooring device export`` writes down.
Requests: ``{"requests": [{"id", ...}], "numa_nodes": [0]}``. A key that is not known is refused here, for it would be a
wish that nobody heard.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mooring.core.placing import HostView, Wish
from mooring.core.plan_host import AMOUNT_MAX, HINT, KINDS, NODES_MAX, read_host
from mooring.core.plan_values import Place, one_of
from mooring.core.words import either
from mooring.errors import Invalid
from mooring.model.host import Liveness
from mooring.model.pci import FunctionKind
from mooring.model.request import NumaPolicy, PciRequest, Spread

HOSTS_MAX = 100_000
REQUESTS_MAX = 64
FUNCTIONS_MAX = 64
"""That all requests ask for together."""
_REQUEST_HINT = '{"requests": [{"id": "r1", "count": 1, "type": "VF", "physical_network": "physnet1"}]}'
REQUEST_KEYS = (
    "id", "count", "type", "physical_network", "group", "trusted", "features", "numa_policy", "min_rate_mbps",
)  # fmt: skip
WISH_KEYS = (
    "requests", "numa_nodes", "vcpus", "memory_mib", "disk_gib", "availability_zone", "host", "spread",
    "host_properties",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of a file."""

    hosts: tuple[HostView, ...]
    silent: Mapping[str, Liveness] = field(default_factory=dict)
    """Those whose agents do not answer, by name."""

    def liveness_of(self, host: str) -> Liveness:
        return self.silent.get(host, Liveness.ALIVE)


def parse_hosts(text: str) -> Inventory:
    """The hosts of a file. Raises Invalid, naming host and device, for what is none."""
    place = Place("", _json(text, "the inventory", HINT))
    silent: dict[str, Liveness] = {}
    hosts: dict[str, HostView] = {}
    for one in place.objects("hosts", HOSTS_MAX, HINT):
        host, liveness = read_host(one)
        if host.name in hosts:
            raise Invalid(f"host {host.name} is there twice", hint="list each host once, with all of its devices")
        hosts[host.name] = host
        if liveness is not Liveness.ALIVE:
            silent[host.name] = liveness
    return Inventory(tuple(hosts.values()), silent)


def parse_request(text: str) -> Wish:
    """The wish of a file. Raises Invalid, naming the request and the key, for what is none."""
    place = Place("", _json(text, "the request", _REQUEST_HINT))
    place.refuse_others(WISH_KEYS)
    requests = tuple(_request(one) for one in place.objects("requests", REQUESTS_MAX, _REQUEST_HINT))
    ids = [request.id for request in requests]
    if twice := next((ident for ident in ids if ids.count(ident) > 1), None):
        raise Invalid(f"two requests have the id {twice!r}", hint="give each an id of its own")
    if (functions := sum(request.count for request in requests)) > FUNCTIONS_MAX:
        raise Invalid(f"the requests ask for {functions} functions", hint=f"{FUNCTIONS_MAX} at most, for one server")
    nodes = place.numbers("numa_nodes", NODES_MAX)
    if len(set(nodes)) != len(nodes):
        raise Invalid(f"numa_nodes = {list(nodes)} has one twice", hint="name each node of a cell of the guest once")
    return Wish(
        requests, place.number("vcpus", 0, AMOUNT_MAX) or 0, place.number("memory_mib", 0, AMOUNT_MAX) or 0,
        place.number("disk_gib", 0, AMOUNT_MAX) or 0, place.text("availability_zone"), place.text("host"),
        one_of(place, "spread", {spread.value: spread for spread in Spread}) or Spread.PF, numa_nodes=nodes,
        host_properties=place.properties("host_properties"),
    )  # fmt: skip


def _json(text: str, what: str, hint: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise Invalid(f"{what} is no JSON: {wrong}", hint=hint) from wrong
    if not isinstance(value, dict):
        raise Invalid(f"{what} is no object", hint=hint)
    return value


def _request(place: Place) -> PciRequest:
    ident = place.required_text("id", "a text, as in r1")
    place = replace(place, name=f"request {ident}: ")
    place.refuse_others(REQUEST_KEYS)
    networks, count = place.any_of("physical_network"), place.number("count", 1, FUNCTIONS_MAX)
    return PciRequest(
        ident,
        _kinds(place),
        frozenset(networks) or None,
        1 if count is None else count,
        place.text("group"),
        place.flag("trusted"),
        frozenset(place.texts("features")),
        one_of(place, "numa_policy", {policy.value: policy for policy in NumaPolicy}),
        place.number("min_rate_mbps", 0, AMOUNT_MAX) or 0,
    )


def _kinds(place: Place) -> frozenset[FunctionKind]:
    words = place.any_of("type") or tuple(KINDS)
    if unknown := next((word for word in words if word not in KINDS), None):
        raise place.wrong("type", unknown, f"{either(KINDS)}, a list of these, or null")
    return frozenset(KINDS[word] for word in words)
