"""Cards that can do SR-IOV, by PCI id: what a port of theirs ought to show, and the driver that shows it.

From the drivers' own tables: ``igb_pci_tbl``, ``ixgbe_pci_tbl``, ``i40e_pci_tbl``, ``ice_pci_tbl``,
``mlx5_core_pci_table``, ``mlx4_pci_table``, ``bnxt_pci_tbl``. Ids of VFs are not here. A card that is missing here is
served like any other; it only gets no advice when it shows no SR-IOV.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SriovCard:
    """One family of cards."""

    name: str
    driver: str
    firmware_setting: str
    """How SR-IOV is switched on for a port that does not show it."""


_FIRMWARE = "enable SR-IOV in the machine's firmware, and for this port in the card's own setup where it has one"
_MELLANOX = "mlxconfig -d {address} set SRIOV_EN=1 NUM_OF_VFS=8, then power the host off and on"
_BROADCOM = "enable SR-IOV in the machine's firmware, and set the port's Multi-Function Mode to SR-IOV"

_FAMILIES = {
    SriovCard("Intel 82576", "igb", _FIRMWARE): "8086: 10c9 10e6 10e7 10e8 150a 150d 1518 1526",
    SriovCard("Intel I350", "igb", _FIRMWARE): "8086: 1521 1522 1523 1524",
    SriovCard("Intel 82599", "ixgbe", _FIRMWARE): "8086: 10f7 10f8 10f9 10fb 10fc 1507 1517 151c 154a 154d 1557 1558",
    SriovCard("Intel X540", "ixgbe", _FIRMWARE): "8086: 1528 1560",
    SriovCard("Intel X550", "ixgbe", _FIRMWARE): "8086: 1563 15d1 15aa 15ab 15ac 15ad 15ae",
    SriovCard("Intel 700 series", "i40e", _FIRMWARE): (
        "8086: 1572 1580 1581 1583 1584 1585 1586 1589 158a 158b 15ff 37ce 37cf 37d0 37d1 37d2 37d3"
    ),
    SriovCard("Intel E800 series", "ice", _FIRMWARE): "8086: 1591 1592 1593 1599 159a 159b",
    SriovCard("NVIDIA ConnectX", "mlx5_core", _MELLANOX): (
        "15b3: 1011 1013 1015 1017 1019 101b 101d 101f 1021 1023 a2d2 a2d6 a2dc"
    ),
    SriovCard("Mellanox ConnectX-3", "mlx4_core", _MELLANOX): "15b3: 1003 1007",
    SriovCard("Broadcom NetXtreme-E", "bnxt_en", _BROADCOM): (
        "14e4: 16ce 16cf 16d0 16d1 16d2 16d6 16d7 16d8 16d9 16df 1750 1751 1752 1760"
    ),
}

_BY_ID: Mapping[tuple[str, str], SriovCard] = {
    (ids.partition(":")[0], product): card for card, ids in _FAMILIES.items() for product in ids.split()[1:]
}


def card_of(vendor_id: str, product_id: str) -> SriovCard | None:
    """The family of a port, by its ids in four hex digits each."""
    return _BY_ID.get((vendor_id, product_id))
