"""Reading ``[[device_spec]]``: every entry is checked to the last key before any of them counts.

A rule that says something else than was meant would hand out the wrong card. So nothing is guessed: an unknown key, an
entry without a selector, a wildcard that could match nothing or selectors that contradict each other are errors, which
name the entry, its line where that is known, and the way out.
"""

from collections.abc import Mapping, Sequence

from mooring.core.devspec import DeviceSpec
from mooring.core.devspec_values import (
    HEADER,
    KEYS,
    Reader,
    read_class,
    read_driver,
    read_hex_id,
    read_link_type,
    read_physical_network,
    read_serial,
    read_switch_id,
)
from mooring.core.quoting import shown
from mooring.errors import Invalid

_SELECTORS = (
    "pf", "address", "vfs", "vendor_id", "product_id", "class", "driver", "serial", "switch_id", "link_type",
    "min_link_speed_mbps", "numa_node",
)  # fmt: skip
_OF_PFS = ("pf", "serial", "switch_id")
_OF_NICS = ("switch_id", "link_type", "min_link_speed_mbps")
_NETWORK_CLASS = "02"
NUM_VFS_MAX = 65535
"""TotalVFs is a 16-bit number (SR-IOV specification, 3.3.6)."""
NUMA_NODE_MAX = 1023
LINK_SPEED_MAX_MBPS = 10_000_000


def parse_device_specs(
    entries: Sequence[Mapping[str, object]], lines: Sequence[Mapping[str, int]] = ()
) -> tuple[DeviceSpec, ...]:
    """The checked entries, in their order; ``lines`` says for each where its keys stand, and itself under ``""``.

    Raises Invalid that names entry (counted from 1), line, field and value, with the way out as its hint: for an
    unknown key, a wrong type, text that cannot be read, an entry that selects nothing, one of NICs without a physical
    network, keys that contradict each other, and two entries that give one PF different numbers of VFs.
    """
    known = lines if len(lines) == len(entries) else [{}] * len(entries)
    specs = tuple(
        _parse(Reader(number, values, at))
        for number, (values, at) in enumerate(zip(entries, known, strict=True), start=1)
    )
    _refuse_disagreement(specs)
    return specs


def _parse(entry: Reader) -> DeviceSpec:
    entry.refuse_unknown(KEYS)
    spec = DeviceSpec(
        pf=entry.pf(),
        address=entry.addresses(),
        vfs=entry.vf_indices(),
        physical_network=entry.read("physical_network", read_physical_network),
        exclude=entry.flag("exclude"),
        num_vfs=entry.number("num_vfs", 0, NUM_VFS_MAX, example=8, hint="sriov_totalvfs says what the PF can have"),
        whole=entry.flag("whole"),
        vendor_id=entry.read("vendor_id", read_hex_id),
        product_id=entry.read("product_id", read_hex_id),
        device_class=entry.read("class", read_class),
        driver=entry.read("driver", read_driver),
        serial=entry.read("serial", read_serial),
        switch_id=entry.read("switch_id", read_switch_id),
        link_type=entry.read("link_type", read_link_type),
        min_link_speed_mbps=entry.number(
            "min_link_speed_mbps", 1, LINK_SPEED_MAX_MBPS, example=25000, hint="a link of 25 Gb/s has 25000"
        ),
        numa_node=entry.number("numa_node", 0, NUMA_NODE_MAX, example=0, hint="leave it out for any node"),
        trusted=entry.flag("trusted"),
        tags=entry.tags(),
        line=entry.lines.get(HEADER),
    )
    _refuse_nothing(entry, spec)
    _refuse_mixture(entry, spec)
    return spec


def _refuse_nothing(entry: Reader, spec: DeviceSpec) -> None:
    given = [key for key in _SELECTORS if key in entry.values]
    if not given:
        raise entry.invalid(
            "it selects nothing",
            f"give pf (a netdev's name or a PF's address), address or another of {_list(_SELECTORS)}",
        )
    if spec.address is not None:
        for key in _OF_PFS:
            if key in entry.values:
                raise entry.invalid(
                    f"it has both {key} and address", f"address alone says which functions; leave {key} out", key=key
                )
    if "vfs" in given and (spec.address is not None or given == ["vfs"]):
        raise entry.invalid("it has vfs without pf", "vfs are counted on a PF; name it with pf", key="vfs")
    if not spec.exclude:
        _refuse_network(entry, spec)


def _refuse_network(entry: Reader, spec: DeviceSpec) -> None:
    """What is said of NICs alone needs a physical network; what is said of others has none."""
    is_class_of_nics = spec.device_class is None or spec.device_class.startswith(_NETWORK_CLASS)
    if spec.physical_network is not None:
        if not is_class_of_nics:
            raise entry.invalid(
                f"it has both class {spec.device_class} and physical_network",
                "only functions of class 02 reach a physical network; leave physical_network out",
                key="physical_network",
            )
        return
    of_nics = [key for key in _OF_NICS if key in entry.values]
    if isinstance(spec.pf, str):
        of_nics.append("pf")
    if spec.device_class is not None and is_class_of_nics:
        of_nics.append("class")
    if of_nics:
        key = of_nics[0]
        raise entry.invalid(
            f"it has no physical_network, and {key} = {shown(entry.values[key])} is said of NICs alone",
            "name the physical network, or set exclude = true",
        )


def _refuse_mixture(entry: Reader, spec: DeviceSpec) -> None:
    """Keys that each are right, and not together."""
    if spec.num_vfs is not None and not spec.names_pf:
        raise entry.invalid("it has num_vfs without pf", "VFs are made on a PF; name it with pf", key="num_vfs")
    if spec.exclude:
        for key in ("trusted", "tags"):
            if key in entry.values:
                raise entry.invalid(
                    f"it has both exclude and {key}", f"what is not handed out has none; leave {key} out", key=key
                )
    if not spec.whole:
        return
    if spec.vfs is not None:
        raise entry.invalid(
            "it has both whole and vfs", "whole is said of PFs themselves; give vfs an entry of its own", key="vfs"
        )
    if spec.exclude:
        raise entry.invalid(
            "it has both whole and exclude", "a PF is handed out only by an entry with whole; leave that out",
            key="whole",
        )  # fmt: skip


def _refuse_disagreement(specs: Sequence[DeviceSpec]) -> None:
    """By the name that the entries use; one PF under two names shows only on the host (``num_vfs_of``)."""
    first: dict[object, tuple[int, DeviceSpec]] = {}
    for number, spec in enumerate(specs, start=1):
        if spec.pf is None or spec.num_vfs is None:
            continue
        before, other = first.setdefault(spec.pf, (number, spec))
        if spec.num_vfs != other.num_vfs:
            at = "" if spec.line is None else f" (line {spec.line})"
            given = f"it gives {spec.pf} num_vfs = {spec.num_vfs}, and entry {before} num_vfs = {other.num_vfs}"
            raise Invalid(
                f"device_spec entry {number}: {given}{at}",
                hint="give one PF one number of VFs",
                facts={"entry": number, "field": "num_vfs"},
            )


def _list(keys: Sequence[str]) -> str:
    return ", ".join(keys)
