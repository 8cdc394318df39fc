"""From wanted and seen to what to write: the order of a VF's fields, and what did not read back.

The link state is in no plan. It goes first, to isolate the VF, and last, once everything else reads back: a VF
must never carry frames with a stranger's MAC, VLAN or spoof check. The order of the rest is the one that real cards
take: spoof checking is undefined while the administrative MAC is zero, so the MAC goes before it, and Intel's
drivers apply the check to the VLAN that they hold at that moment, so the VLAN does too.
"""

from mooring.errors import Unsupported
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan

#: Everything but the link state, in the order in which it is written.
WRITE_ORDER = (VfField.GUID, VfField.MAC, VfField.VLAN, VfField.SPOOF_CHECK, VfField.TRUST, VfField.RATE)

#: mlx4 and mlx5 show this for "no VLAN"; nobody may ask for it (802.1Q reserves it).
_SHOWN_FOR_NO_VLAN = 4095


def baseline(mac: str) -> VfSettings:
    """The constant safe state of a VF that nobody owns: every field, with ``mac`` a fresh local address."""
    return VfSettings(mac=mac, vlan=Vlan(), spoof_check=True, trust=False, rate=TxRate(), link_state=LinkState.AUTO)


def infiniband_baseline(guid: str) -> VfSettings:
    """The same of a VF on InfiniBand, of which there is no more to set (``ipoib_netdev_ops_pf`` of the kernel)."""
    return VfSettings(guid=guid, link_state=LinkState.AUTO)


def plan(desired: VfSettings, observed: VfSettings) -> tuple[VfField, ...]:
    """The fields to write so that ``observed`` becomes ``desired``, in order; empty when it is so already.

    ``None`` in ``desired`` is left alone. Raises Unsupported, before anything is written, when a wanted field is
    one that the card does not report: it could be written but never verified.
    """
    wanted = _wanted(desired, observed)
    return tuple(field for field in wanted if _value(desired, field) != _value(observed, field))


def plan_all(desired: VfSettings, observed: VfSettings) -> tuple[VfField, ...]:
    """Every wanted field, whatever is shown: for a new owner, what a card shows is no proof of what it does.

    The rate alone is written only when it differs: igb refuses any rate, even "no limit", while the PF has no link.
    """
    wanted = _wanted(desired, observed)
    return tuple(field for field in wanted if field is not VfField.RATE or desired.rate != observed.rate)


def residue(desired: VfSettings, observed: VfSettings) -> tuple[str, ...]:
    """What does not read back, one sentence for each field; empty means verified. Looks at the link state too."""
    return tuple(
        f"{field} is {_text(_value(observed, field))}, wanted {_text(_value(desired, field))}"
        for field in (*WRITE_ORDER, VfField.LINK_STATE)
        if _value(desired, field) is not None and _value(desired, field) != _value(observed, field)
    )


def differing(desired: VfSettings, observed: VfSettings) -> tuple[VfField, ...]:
    """The fields that are wanted, are shown, and are not the same; what a card does not report is no difference."""
    return tuple(
        field
        for field in (*WRITE_ORDER, VfField.LINK_STATE)
        if None not in (_value(desired, field), _value(observed, field))
        and _value(desired, field) != _value(observed, field)
    )


def _wanted(desired: VfSettings, observed: VfSettings) -> tuple[VfField, ...]:
    wanted = tuple(field for field in WRITE_ORDER if _value(desired, field) is not None)
    silent = [field for field in wanted if _value(observed, field) is None]
    if silent:
        raise Unsupported(
            f"the card does not report {', '.join(silent)}, so that it could not be verified",
            hint="use a function of another card, or exclude this one in the host's device_spec",
            facts={"fields": tuple(silent)},
        )
    return wanted


def _value(settings: VfSettings, field: VfField) -> object:
    """One field, in the form that compares: MAC in lower case, "no VLAN" in one spelling."""
    if field is VfField.MAC:
        return settings.mac.lower() if settings.mac is not None else None
    if field is VfField.GUID:
        return settings.guid.lower() if settings.guid is not None else None
    if field is VfField.VLAN and settings.vlan is not None and settings.vlan.id == _SHOWN_FOR_NO_VLAN:
        return Vlan()
    value: object = getattr(settings, field.value)
    return value


def _text(value: object) -> str:
    match value:
        case None:
            return "not reported"
        case bool():
            return "on" if value else "off"
        case Vlan(id=0, qos=0):
            return "none"
        case Vlan(id=vlan_id, qos=qos, protocol=protocol):
            return f"{vlan_id} (qos {qos}, {protocol})"
        case TxRate(min_mbps=low, max_mbps=high):
            return f"{low}-{high or 'unlimited'} Mbit/s"
        case _:
            return str(value)
