"""Nics in request bodies, in Nova's spelling and in the one of ``nova boot --nic``.

To those keys the SR-IOV proposal of 2013 adds ``vnic-type``, ``port-profile`` and ``pci-group``, which it also calls
``pci-flavor`` and ``pci-alias``. ``pci-group=fast:2`` is two nics on one network, each with a function of that PCI
group.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mooring.api.compute.microversion import Microversion
from mooring.api.compute.shapes import TAG, At, Field, IpAddress, ListOf, Object, Text, Uuid, envelope, refuse
from mooring.core.pci_wishes import read_group_and_count
from mooring.errors import Invalid
from mooring.service.server_ports import NicWish

NICS_MAX = 64
_GROUP_KEYS = ("pci-group", "pci-flavor", "pci-alias")
_COMMON = {
    "vnic-type": Field(Text(1, 64)),
    "port-profile": Field(Text(1, 255)),
    **{key: Field(Text(1, 300)) for key in _GROUP_KEYS},
}
_NIC = Object(
    {
        "uuid": Field(Uuid(is_nullable=True)),
        "net-id": Field(Uuid(is_nullable=True)),
        "port": Field(Uuid(is_nullable=True)),
        "port-id": Field(Uuid(is_nullable=True)),
        "fixed_ip": Field(IpAddress()),
        "v4-fixed-ip": Field(IpAddress()),
        "v6-fixed-ip": Field(IpAddress()),
        "tag": Field(TAG, since=(2, 32)),
        **_COMMON,
    }
)
_NIC_SPELLINGS = {
    "port_id": ("port", "port-id"),
    "network_id": ("uuid", "net-id"),
    "fixed_ip": ("fixed_ip", "v4-fixed-ip", "v6-fixed-ip"),
    "group": _GROUP_KEYS,
}
_ATTACH_SPELLINGS = {"port_id": "port", "net_id": "uuid"}
_ATTACH = Object(
    {
        "port_id": Field(Uuid()),
        "net_id": Field(Uuid()),
        "fixed_ips": Field(ListOf(Object({"ip_address": Field(IpAddress(), is_required=True)}), 1)),
        "tag": Field(TAG, since=(2, 49)),
        **_COMMON,
    }
)


class Networks:
    """A list of nics, or one of two words."""

    _nics = ListOf(_NIC, NICS_MAX)

    def read(self, value: Any, at: At) -> Any:
        if at.version >= (2, 37) and value in ("auto", "none"):
            return value
        return self._nics.read(value, at)


def attach_wish(body: object, version: Microversion) -> NicWish:
    """The body of ``POST /servers/{id}/os-interface``."""
    given = envelope(body, "interfaceAttachment", _ATTACH, version)
    nic = {_ATTACH_SPELLINGS.get(name, name): value for name, value in given.items()}
    if fixed_ips := nic.pop("fixed_ips", ()):
        nic["fixed_ip"] = fixed_ips[0]["ip_address"]
    wishes = _nic(nic, "interfaceAttachment")
    if len(wishes) > 1:
        raise refuse("interfaceAttachment", given, "one interface is attached at a time: a count is 1")
    return wishes[0]


def nics(networks: Any) -> tuple[NicWish, ...] | Literal["auto", "none"]:
    """No list, or an empty one, leaves the choice to us."""
    if not networks:
        return "auto"
    if networks == "none":
        return "none"
    if networks == "auto":
        return "auto"
    wishes = tuple(wish for ordinal, nic in enumerate(networks) for wish in _nic(nic, str(ordinal)))
    if len(wishes) > NICS_MAX:
        raise Invalid(f"the server would have {len(wishes)} nics, and {NICS_MAX} is the most")
    return wishes


def _nic(nic: Mapping[str, Any], where: str) -> Sequence[NicWish]:
    """One, or as many as a count of PCI functions says."""
    named = {name: _one_of(nic, keys, where) for name, keys in _NIC_SPELLINGS.items()}
    port_id, network_id, fixed_ip = named["port_id"], named["network_id"], named["fixed_ip"]
    if port_id and network_id:
        raise refuse(where, nic, f"a nic names either port {port_id} or network {network_id}")
    if not (port_id or network_id):
        raise refuse(where, nic, "a nic names a network with 'uuid', or a port with 'port'")
    if port_id and fixed_ip:
        raise Invalid(
            f"Specified Fixed IP '{fixed_ip}' cannot be used with port '{port_id}': "
            "the two cannot be specified together."
        )
    vnic_type = nic.get("vnic-type")
    if port_id and (vnic_type or nic.get("port-profile")):
        raise refuse(where, nic, f"port {port_id} has a vnic-type and a port-profile of its own")
    group, count = (None, 1) if named["group"] is None else read_group_and_count(named["group"], f"{where}: pci-group")
    for key, value in (("a port", port_id), ("a fixed IP", fixed_ip), ("a tag", nic.get("tag"))):
        if count > 1 and value:
            raise refuse(where, nic, f"{key} is for one nic, and the count of PCI functions makes {count}")
    wish = NicWish(
        port_id=port_id, network_id=network_id, fixed_ip=fixed_ip, tag=nic.get("tag"),
        # The proposal's own word for a function passed through whole.
        vnic_type="direct" if vnic_type == "sriov" else vnic_type, port_profile=nic.get("port-profile"),
        pci_group=group,
    )  # fmt: skip
    return [wish] * count


def _one_of(nic: Mapping[str, Any], keys: Sequence[str], where: str) -> str | None:
    """The value under whichever spelling was used."""
    given = [nic[key] for key in keys if nic.get(key) is not None]
    if len(given) > 1:
        raise refuse(where, nic, f"{' and '.join(key for key in keys if key in nic)} are the same thing: give one")
    return str(given[0]) if given else None
