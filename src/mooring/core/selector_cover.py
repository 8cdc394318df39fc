"""Whether one selector means everything that another one means: what an exclude leaves nothing of."""

from mooring.core.grouping import ANY_TEXT, host_pattern
from mooring.core.pci_pattern import AddressPattern, AddressRange, AddressSelector, Span, parse_addresses
from mooring.model.group import PciSelector
from mooring.model.pci import PciAddress


def is_within(selector: PciSelector, other: PciSelector) -> bool:
    """True only if no device could be meant by ``selector`` and not by ``other``.

    Each thing that ``other`` gives has to be given by ``selector`` too, as narrowly or more so. Two values that
    together would do are not added up: a yes is certain, a no is not.
    """
    return (
        all(
            wide is None or wide == narrow
            for narrow, wide in (
                (selector.vendor_id, other.vendor_id), (selector.product_id, other.product_id),
                (selector.kind, other.kind), (selector.numa_node, other.numa_node), (selector.trusted, other.trusted),
            )
        )
        and (selector.device_class or "").startswith(other.device_class or "")
        and (other.min_link_speed_mbps or 0) <= (selector.min_link_speed_mbps or 0)
        and set(other.features) <= set(selector.features)
        and set(other.tags) <= set(selector.tags)
        and _among(selector.physical_networks, other.physical_networks)
        and _among(selector.aggregates, other.aggregates)
        and _hosts_among(selector.hosts, other.hosts)
        and _addresses_among(selector.addresses, other.addresses)
    )  # fmt: skip


def _among(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _hosts_among(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    if not wide or not narrow:
        return not wide
    patterns = [host_pattern(text) for text in wide]
    return all(host in wide or (ANY_TEXT not in host and any(matches(host) for matches in patterns)) for host in narrow)


def _addresses_among(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    if not wide or not narrow:
        return not wide
    wanted, given = map(parse_addresses, narrow), [parse_addresses(text) for text in wide]
    return all(any(_is_address_within(one, other) for other in given) for one in wanted)


def _is_address_within(narrow: AddressSelector, wide: AddressSelector) -> bool:
    if narrow == wide:
        return True
    if isinstance(narrow, PciAddress):
        return not isinstance(wide, PciAddress) and wide.covers(narrow)
    if isinstance(wide, AddressPattern):
        spans = _spans(narrow)
        return spans is not None and all(
            low <= first and last <= high for (first, last), (low, high) in zip(spans, _of(wide), strict=True)
        )
    if isinstance(wide, AddressRange) and isinstance(narrow, AddressRange):
        return wide.covers(narrow.first) and wide.covers(narrow.last)
    return False


def _of(pattern: AddressPattern) -> tuple[Span, Span, Span, Span]:
    return pattern.domain, pattern.bus, pattern.slot, pattern.function


def _spans(narrow: AddressPattern | AddressRange) -> tuple[Span, Span, Span, Span] | None:
    """Of a range between two addresses only what lies in one bus can be told by spans: all of its slots."""
    if isinstance(narrow, AddressPattern):
        return _of(narrow)
    first, last = narrow.first, narrow.last
    if (first.domain, first.bus) != (last.domain, last.bus):
        return None
    whole = first.slot == last.slot
    functions = (first.function, last.function) if whole else (0, 7)
    return (first.domain,) * 2, (first.bus,) * 2, (first.slot, last.slot), functions
