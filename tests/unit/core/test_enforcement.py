"""What a port says and nothing holds is marked, and nothing else is."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mooring.core.enforcement import marks
from mooring.model.port import AddressPair, Binding, Port, VnicType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PORT = Port("p", "n", "t", "", "02:00:00:00:00:01", NOW, NOW, binding=Binding(vnic_type=VnicType.DIRECT))
OWN, OTHER = AddressPair("192.0.2.9", "02:00:00:00:00:01"), AddressPair("192.0.2.9", "02:00:00:00:00:02")
FILTERS = Binding(vnic_type=VnicType.NORMAL, vif_type="ovs", vif_details={"port_filter": True})

OFFLOADED = Binding(vnic_type=VnicType.DIRECT, vif_type="ovs")
INFINIBAND = Binding(vnic_type=VnicType.DIRECT, vif_type="ib_hostdev")


@pytest.mark.parametrize(
    ("fields", "attributes"),
    [
        ({}, []),
        ({"security_group_ids": ("g",)}, ["security_groups"]),
        ({"security_group_ids": ("g",), "binding": FILTERS}, []),
        ({"allowed_address_pairs": (OWN,)}, []),
        ({"allowed_address_pairs": (OWN, OTHER)}, ["allowed_address_pairs"]),
        ({"allowed_address_pairs": (OTHER,), "port_security_enabled": False}, []),
        ({"allowed_address_pairs": (OTHER,), "binding": Binding()}, []),
        ({"binding": OFFLOADED}, ["port_security_enabled"]),
        ({"binding": OFFLOADED, "port_security_enabled": False}, []),
        ({"binding": OFFLOADED, "port_security_enabled": False, "trusted": True}, ["trusted"]),
        ({"binding": OFFLOADED, "allowed_address_pairs": (OTHER,)}, ["port_security_enabled"]),
        ({"binding": INFINIBAND}, ["binding:vif_details:pkey"]),
        ({"binding": INFINIBAND, "trusted": True}, ["binding:vif_details:pkey", "trusted"]),
        ({"binding": Binding(vnic_type=VnicType.NORMAL, vif_type="ovs")}, []),
        ({"hints": {"openvswitch": {}}}, ["hints"]),
        ({"device_profile": "gpu"}, ["device_profile"]),
        ({"security_group_ids": ("g",), "hints": {"openvswitch": {}}}, ["security_groups", "hints"]),
    ],
)
def test_mark_stands_for_what_nothing_holds(fields: dict[str, Any], attributes: list[str]) -> None:
    assert [mark["attribute"] for mark in marks(replace(PORT, **fields))] == attributes


def test_mark_names_the_macs_that_the_spoof_check_drops() -> None:
    (mark,) = marks(replace(PORT, allowed_address_pairs=(OWN, OTHER)))
    assert OTHER.mac_address in mark["reason"]
    assert OWN.mac_address not in mark["reason"]
