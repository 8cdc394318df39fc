"""``/network-ip-availabilities``: read-only counts, one row a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mooring.api.call import Call, Reply, Route
from mooring.api.network.attributes import Among, Attribute, Attributes, Condition, column
from mooring.api.network.filters import PROJECT_CHARS_MAX
from mooring.api.network.listing import PAGING, fields_of, page_links, read_listing, select, shown_fields
from mooring.api.network.values import integer, text
from mooring.service.ip_availability import Availability, Counts, availability_of, get_counted, list_counted
from mooring.store.ip_availability import networks_with_version
from mooring.store.networks import NETWORKS
from mooring.store.tx import Tx

_RULE = "get_network_ip_availability"
_PATH = "network-ip-availabilities"
_PLURAL = "network_ip_availabilities"


def _with_version(attribute: str, values: Sequence[str]) -> Condition:
    wanted = [integer(attribute, value) for value in values]
    return Among(lambda tx: networks_with_version(tx, wanted))


ATTRIBUTES = Attributes(
    "network_ip_availability",
    [
        Attribute("network_id", filter=column("id"), sort="id"),
        Attribute("network_name", filter=column("name")),
        Attribute("project_id", text(PROJECT_CHARS_MAX), in_post=False, in_put=False, filter=column("project_id")),
        Attribute("ip_version", filter=_with_version),
    ],
)


def routes(prefix: str) -> list[Route]:
    many = f"{prefix}/{_PATH}"
    return [
        Route("GET", many, index, _RULE, query=(*ATTRIBUTES.filters, *PAGING)),
        Route("GET", f"{many}/{{ident}}", show, _RULE, query=("fields",)),
    ]


async def index(call: Call) -> Reply:
    """List them: filtered, in pages. An IP version leaves out the subnets of the other."""
    listing, who = read_listing(call, ATTRIBUTES), call.who
    versions = [integer("ip_version", value) for value in call.query.get("ip_version", ())]

    def story(tx: Tx) -> list[Availability]:
        rows = select(
            tx,
            listing,
            lambda query: list_counted(tx, who, query),
            lambda ident: get_counted(tx, who, ident),
            NETWORKS.flat,
        )
        return availability_of(tx, rows, versions)

    found = await call.controller.store.read(story)
    body: dict[str, Any] = {_PLURAL: [shown_fields(_view(each), listing.fields) for each in found]}
    links = page_links(call, listing, [each.network.id for each in found])
    if links:
        body[f"{_PLURAL}_links"] = links
    return Reply(body=body)


async def show(call: Call) -> Reply:
    """Show one, by its network's id."""
    who, ident = call.who, call.params["ident"]
    found = await call.controller.store.read(lambda tx: availability_of(tx, [get_counted(tx, who, ident)])[0])
    return Reply(body={"network_ip_availability": shown_fields(_view(found), fields_of(call))})


def _view(found: Availability) -> Mapping[str, Any]:
    network = found.network
    return {
        "network_id": network.id,
        "network_name": network.name,
        "project_id": network.project_id,
        "tenant_id": network.project_id,
        "subnet_ip_availability": [
            {
                "subnet_id": subnet.id,
                "subnet_name": subnet.name,
                "cidr": subnet.cidr,
                "ip_version": subnet.ip_version,
                **_numbers(counts),
            }
            for subnet, counts in found.subnets
        ],
        **_numbers(found.counts),
    }


def _numbers(counts: Counts) -> Mapping[str, Any]:
    return {
        "used_ips": _number(counts.used),
        "total_ips": _number(counts.total_in_pools),
        "ip_availability_details": {
            "total_ips_in_subnet": _number(counts.total),
            "total_ips_in_allocation_pool": _number(counts.total_in_pools),
            "used_ips_in_subnet": _number(counts.used),
            "used_ips_in_allocation_pool": _number(counts.used_in_pools),
        },
    }


def _number(count: int) -> msgspec.Raw:
    """As JSON has numbers, of any length: the encoder's end at 64 bits, and an IPv6 subnet's do not."""
    return msgspec.Raw(str(count).encode())
