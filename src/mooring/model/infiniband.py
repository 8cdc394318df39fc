"""InfiniBand's words for a port: its GUID, made from the MAC, and its partition, made from the VLAN."""

_PKEY_FULL_MEMBER = 0x8000
#: The default partition, with full membership (InfiniBand Architecture Specification 1, 10.9.1.2).
PKEY_DEFAULT = "0xffff"
_OUI_CHARS = len("fa:16:3e")


def guid_of(mac: str) -> str:
    """The GUID of a port with this MAC, eight octets: two zeros between the MAC's halves.

    Mellanox's rule, that of ``eswitchd`` and its ``_get_guid_from_mac`` (networking-mlnx, for ConnectX-3 and later
    alike), and not EUI-64's, which would put ff:fe there and turn a bit around. The MAC is read off the GUID again.
    """
    return f"{mac[:_OUI_CHARS]}:00:00{mac[_OUI_CHARS:]}".lower()


def pkey_of(vlan_id: int) -> str:
    """The P_Key that stands for a VLAN, with the bit of full membership; 0, no VLAN, is the default partition.

    The 15 bits below the membership are the VLAN's, which is how ``eswitchd`` finds the key of a network.
    """
    return f"0x{_PKEY_FULL_MEMBER | vlan_id:04x}" if vlan_id else PKEY_DEFAULT
