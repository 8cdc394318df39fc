"""Real cards as data: their PCI ids, where their VFs sit, and what a NIC's PF driver answers to each VF setting.

The manners are those of the kernel's drivers, each cited by file and function. What the kernel does for every card
stays out of here: ``net/core/rtnetlink.c`` itself refuses a maximum rate below the minimum (EINVAL,
``rtnl_set_vf_rate``) and answers EOPNOTSUPP for an operation that a driver does not have (``do_setvfinfo``); and every
driver here refuses a multicast MAC, a VLAN id over 4095 and a priority over 7 with EINVAL.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol

ZERO_MAC = "00:00:00:00:00:00"
VLAN_ID_MAX = 4095
"""What drivers take: 4095 goes through, although 802.1Q reserves it."""
VLAN_QOS_MAX = 7

_UNTRUSTED = VfSettings(
    mac=ZERO_MAC, vlan=Vlan(), spoof_check=True, trust=False, rate=TxRate(), link_state=LinkState.AUTO
)


@dataclass(frozen=True, slots=True)
class Card:
    """One kind of card with its PF driver. ``dataclasses.replace`` makes a stranger one for a test."""

    name: str
    vendor_id: str
    product_id: str
    vf_product_id: str
    driver: str
    vf_driver: str
    vf_total: int
    """``sriov_totalvfs`` of each port; 0 is a card without SR-IOV."""
    vf_offset: int
    """First VF Offset of the first port."""
    vf_stride: int
    speed_mbps: int
    device_class: str = "020000"
    """Six hex digits: class, subclass and interface; of its VFs too."""
    vf_offset_step: int = 0
    """What each further port adds to the offset, on cards whose ports hold their VFs in blocks."""
    newborn: VfSettings = _UNTRUSTED
    """A VF right after ``sriov_numvfs`` was written. A field that is ``None`` is one the driver never reports."""
    refusals: Mapping[VfField, int] = field(default_factory=dict)
    """Fields that cannot be written at all, with the errno of the answer."""
    max_rate_mbps: int | None = None
    """A greater maximum rate is EINVAL; ``None``: the driver takes any."""
    min_rate: bool = False
    """Whether a minimum rate is possible; where not, any but 0 is EINVAL."""
    vlan_protocols: frozenset[VlanProtocol] = frozenset({VlanProtocol.Q})
    """Any other is EPROTONOSUPPORT."""
    takes_zero_mac: bool = True
    """All zeros takes the administrative MAC away; where it does not, the answer is EINVAL."""
    admin_mac_is_sticky: bool = True
    """With an administrative MAC the guest cannot take another one, unless the VF is trusted."""
    admin_mac_needs_rebind: bool = False
    """The VF's own netdev shows a new administrative MAC only after its driver is bound anew."""
    rate_needs_link: bool = False
    """While the PF has no link, any rate is EINVAL, 0 included."""
    shows_vfs: bool = True
    """Whether ``RTM_GETLINK`` lists the VFs: drivers without ``ndo_get_vf_config`` show but their number."""
    takes_vlans: bool = True
    """Where it does not, any VLAN but 0 is EOPNOTSUPP."""
    no_vlan_shown_as: int = 0
    """The id that is read back when there is no VLAN. mlx4 shows 4095 (``MLX4_VGT``)."""

    @property
    def is_nic(self) -> bool:
        """Whether its functions have netdevs."""
        return self.device_class.startswith("02")

    def offset_of_port(self, function: int) -> int:
        """First VF Offset (``sriov_offset``) of the port that is PCI function ``function`` of the card."""
        return self.vf_offset + self.vf_offset_step * function


INTEL_82576 = Card(
    name="Intel 82576",
    vendor_id="8086",
    product_id="10c9",
    vf_product_id="10ca",
    driver="igb",
    vf_driver="igbvf",
    vf_total=7,
    vf_offset=128,
    vf_stride=2,
    speed_mbps=1000,
    refusals={VfField.LINK_STATE: errno.EOPNOTSUPP},
    max_rate_mbps=1000,
    admin_mac_needs_rebind=True,
    rate_needs_link=True,
)
"""``drivers/net/ethernet/intel/igb/igb_main.c``, and the same seen on an emulated card.

``igb_netdev_ops`` has no ``ndo_set_vf_link_state``, so EOPNOTSUPP, while reading shows the kernel's preset ``auto``.
``igb_ndo_set_vf_bw`` answers EINVAL to any minimum rate, to a maximum over the link's speed, and without link.
``igb_ndo_set_vf_vlan`` takes 802.1Q only. ``igb_ndo_set_vf_mac`` takes zeros (clears ``IGB_VF_FLAG_PF_SET_MAC``), and
otherwise asks in the log for the VF driver to be loaded anew. Seven VFs of eight, ``igb_probe_vfs``: the PF keeps one
pool for itself. Both ports have offset 128 and stride 2, so their VFs interleave.
"""

INTEL_X710 = Card(
    name="Intel X710",
    vendor_id="8086",
    product_id="1572",
    vf_product_id="154c",
    driver="i40e",
    vf_driver="iavf",
    vf_total=64,
    vf_offset=16,
    vf_stride=1,
    vf_offset_step=63,
    speed_mbps=10_000,
    max_rate_mbps=10_000,
)
"""``drivers/net/ethernet/intel/i40e/i40e_virtchnl_pf.c``, the two-port card.

``i40e_ndo_set_vf_bw`` answers EINVAL to any minimum rate; ``i40e_set_bw_limit`` (``i40e_main.c``) to a maximum over the
link's speed, and rounds one below 50 up to 50 in the card while the read-back shows what was asked.
``i40e_ndo_set_vf_port_vlan`` takes 802.1Q only. ``i40e_ndo_set_vf_mac`` takes zeros, ``i40e_ndo_set_vf_link_state`` all
three states.
"""

INTEL_E810 = Card(
    name="Intel E810-C",
    vendor_id="8086",
    product_id="1592",
    vf_product_id="1889",
    driver="ice",
    vf_driver="iavf",
    vf_total=128,
    vf_offset=8,
    vf_stride=1,
    vf_offset_step=127,
    speed_mbps=100_000,
    max_rate_mbps=100_000,
    min_rate=True,
    vlan_protocols=frozenset({VlanProtocol.Q, VlanProtocol.AD}),
)
"""``drivers/net/ethernet/intel/ice/ice_sriov.c``, two ports, in double VLAN mode.

``ice_is_supported_port_vlan_proto`` takes 802.1ad there. ``ice_set_vf_bw`` takes a minimum rate while DCB is off;
the scheduler's ceiling is ``ICE_SCHED_MAX_BW`` (100 Gb/s). ``ice_set_vf_mac`` takes zeros: the VF brings its own.
``ice_set_vf_link_state`` takes all three states.
"""

MELLANOX_CX6 = Card(
    name="Mellanox ConnectX-6 Dx",
    vendor_id="15b3",
    product_id="101d",
    vf_product_id="101e",
    driver="mlx5_core",
    vf_driver="mlx5_core",
    vf_total=8,
    vf_offset=2,
    vf_stride=1,
    vf_offset_step=7,
    speed_mbps=100_000,
    min_rate=True,
    newborn=VfSettings(
        mac=ZERO_MAC, vlan=Vlan(), spoof_check=False, trust=False, rate=TxRate(), link_state=LinkState.AUTO
    ),
    admin_mac_is_sticky=False,
)
"""``drivers/net/ethernet/mellanox/mlx5/core``, in legacy mode; eight VFs a port is the firmware's setting (NUM_OF_VFS).

``mlx5e_set_vf_vlan`` (``en_main.c``) takes 802.1Q only. ``mlx5_esw_set_vport_mac_locked`` (``eswitch.c``) takes zeros,
and only warns while the spoof check is on. ``mlx5_eswitch_set_vport_rate`` takes both rates and does not compare them
with the link. VFs start with the spoof check off; nothing but that check holds a guest to its administrative MAC.
"""

CISCO_VIC_1240 = Card(
    name="Cisco VIC 1240",
    vendor_id="1137",
    product_id="0043",
    vf_product_id="0071",
    driver="enic",
    vf_driver="enic",
    vf_total=16,
    vf_offset=1,
    vf_stride=1,
    speed_mbps=10_000,
    newborn=VfSettings(mac=ZERO_MAC),
    refusals=dict.fromkeys(set(VfField) - {VfField.MAC}, errno.EOPNOTSUPP),
    shows_vfs=False,
)
"""``drivers/net/ethernet/cisco/enic/enic_main.c``: VFs for port profiles (VM-FEX).

``enic_netdev_dynamic_ops`` has ``ndo_set_vf_mac``, ``ndo_set_vf_port`` and ``ndo_get_vf_port``, and no
``ndo_get_vf_config``, so that ``rtnl_fill_vf`` lists no VF: what a VF may do, its upstream switch says. How many VFs
there are, where they sit and how fast the port is, the fabric interconnect gives to the adapter; these are a choice.
"""

MELLANOX_CX6_INFINIBAND = Card(
    name="Mellanox ConnectX-6 InfiniBand",
    vendor_id="15b3",
    product_id="101b",
    vf_product_id="101c",
    driver="mlx5_core",
    vf_driver="mlx5_core",
    vf_total=8,
    vf_offset=1,
    vf_stride=1,
    speed_mbps=100_000,
    device_class="020700",
    newborn=VfSettings(
        mac=ZERO_MAC, vlan=Vlan(), rate=TxRate(), link_state=LinkState.AUTO, guid="00:00:00:00:00:00:00:00"
    ),
    refusals=dict.fromkeys(
        (VfField.MAC, VfField.VLAN, VfField.SPOOF_CHECK, VfField.TRUST, VfField.RATE), errno.EOPNOTSUPP
    ),
)
"""A port of InfiniBand: ``ipoib_netdev_ops_pf`` (``drivers/infiniband/ulp/ipoib/ipoib_main.c``) has the link state and
both GUIDs of a VF, and nothing else; what it does not fill in, the kernel shows as zero or as not there.
"""


def in_switchdev(card: Card) -> Card:
    """The same in switchdev mode: no VLAN, spoof check or trust is set there (``esw->mode`` in mlx5's ``eswitch.c``).

    Of the VLAN, 0 is taken, since libvirt writes it; here as there, nothing then happens.
    """
    refusals = dict.fromkeys((VfField.SPOOF_CHECK, VfField.TRUST), errno.EOPNOTSUPP)
    return replace(card, refusals={**card.refusals, **refusals}, takes_vlans=False)


NVIDIA_V100 = Card(
    name="NVIDIA Tesla V100",
    vendor_id="10de",
    product_id="1db4",
    vf_product_id="",
    driver="nouveau",
    vf_driver="",
    vf_total=0,
    vf_offset=0,
    vf_stride=0,
    speed_mbps=0,
    device_class="030200",
)
"""A GPU without a screen and without SR-IOV: a 3D controller, as ``pci.ids`` has it."""

SAMSUNG_PM9A3 = Card(
    name="Samsung PM9A3",
    vendor_id="144d",
    product_id="a80a",
    vf_product_id="",
    driver="nvme",
    vf_driver="",
    vf_total=0,
    vf_offset=0,
    vf_stride=0,
    speed_mbps=0,
    device_class="010802",
)
"""An NVMe drive with one namespace, whose disk is there while ``nvme`` has it."""

INTEL_N6001 = Card(
    name="Intel FPGA N6001",
    vendor_id="8086",
    product_id="bcce",
    vf_product_id="bccf",
    driver="dfl-pci",
    vf_driver="dfl-pci",
    vf_total=3,
    vf_offset=5,
    vf_stride=1,
    speed_mbps=0,
    device_class="120000",
)
"""An FPGA, a processing accelerator. Ids of ``drivers/fpga/dfl-pci.c``, whose ``cci_pci_sriov_configure`` makes VFs."""
