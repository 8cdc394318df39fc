"""Which PCI groups a device is in: against a rule that is written out, and fast enough for every device of a cloud."""

import fnmatch
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.grouping import Grouping, groups_of
from mooring.core.pci_pattern import covers, parse_addresses
from mooring.model.group import PciGroup, PciSelector
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device
from mooring.model.vf import VfState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VF = Device(
    "d1", "h1", PciAddress.parse("0000:81:10.4"), FunctionKind.VF, "8086", "10ca", VfState.AVAILABLE, NOW,
    numa_node=0, link_speed_mbps=25000, physical_network="physnet1", tags=("gold", "rack1"),
    features=("rx", "tso"), device_class="020000",
)  # fmt: skip


def group(name: str, *selectors: PciSelector, excludes: Sequence[PciSelector] = ()) -> PciGroup:
    return PciGroup(f"id-{name}", name, NOW, NOW, selectors=selectors, excludes=tuple(excludes))


def is_in(
    device: Device, *selectors: PciSelector, aggregates: Sequence[str] = (), **more: Sequence[PciSelector]
) -> bool:
    return groups_of(device, aggregates, [group("g", *selectors, **more)]) == {"g"}


MEANS = {
    "vendor": (PciSelector(vendor_id="8086"), PciSelector(vendor_id="15b3")),
    "product": (PciSelector("8086", "10ca"), PciSelector("8086", "10c9")),
    "class, two digits": (PciSelector(device_class="02"), PciSelector(device_class="03")),
    "class, all digits": (PciSelector(device_class="020000"), PciSelector(device_class="020700")),
    "kind": (PciSelector(kind=FunctionKind.VF), PciSelector(kind=FunctionKind.PF)),
    "any of the physical networks": (
        PciSelector(physical_networks=("physnet2", "physnet1")), PciSelector(physical_networks=("physnet2",)),
    ),
    "any of the hosts": (PciSelector(hosts=("h2", "h1")), PciSelector(hosts=("h2", "h11"))),
    "a pattern of hosts": (PciSelector(hosts=("h*",)), PciSelector(hosts=("*2",))),
    "any of the aggregates": (PciSelector(aggregates=("b", "a")), PciSelector(aggregates=("b", "c"))),
    "host and aggregate": (
        PciSelector(hosts=("h1",), aggregates=("a",)), PciSelector(hosts=("h1",), aggregates=("b",)),
    ),
    "an address": (PciSelector(addresses=("0000:81:10.4",)), PciSelector(addresses=("0000:81:10.5",))),
    "domain and bus": (PciSelector(addresses=("0000:81:*.*",)), PciSelector(addresses=("0000:82:*.*", "0001:81:*.*"))),
    "a range of addresses": (
        PciSelector(addresses=("0000:81:10.0-0000:81:10.7",)), PciSelector(addresses=("0000:81:10.5-0000:81:11.7",)),
    ),
    "NUMA node": (PciSelector(numa_node=0), PciSelector(numa_node=1)),
    "speed at least": (PciSelector(min_link_speed_mbps=25000), PciSelector(min_link_speed_mbps=25001)),
    "all of the features": (PciSelector(features=("tso", "rx")), PciSelector(features=("tso", "ntuple"))),
    "all of the tags": (PciSelector(tags=("rack1",)), PciSelector(tags=("rack1", "rack2"))),
    "trusted": (PciSelector(trusted=False), PciSelector(trusted=True)),
}  # fmt: skip


@pytest.mark.parametrize(("means", "does_not"), MEANS.values(), ids=MEANS)
def test_a_selector_means_devices_for_which_what_it_gives_holds(means: PciSelector, does_not: PciSelector) -> None:
    assert is_in(VF, means, aggregates=("a",))
    assert not is_in(VF, does_not, aggregates=("a",))


@pytest.mark.parametrize(
    ("unknown", "selector"),
    [
        (replace(VF, physical_network=None), PciSelector(physical_networks=("physnet1",))),
        (replace(VF, numa_node=None), PciSelector(numa_node=0)),
        (replace(VF, link_speed_mbps=None), PciSelector(min_link_speed_mbps=1)),
        (replace(VF, device_class=""), PciSelector(device_class="02")),
        (replace(VF, vendor_id=""), PciSelector(vendor_id="8086")),
    ],
)
def test_what_the_kernel_does_not_say_of_a_device_is_not_what_is_wanted(unknown: Device, selector: PciSelector) -> None:
    assert is_in(VF, selector)
    assert not is_in(unknown, selector)


def test_any_selector_will_do_and_everything_in_it_has_to_hold() -> None:
    assert is_in(VF, PciSelector(vendor_id="15b3"), PciSelector(vendor_id="8086", numa_node=0))
    assert not is_in(VF, PciSelector(vendor_id="8086", numa_node=1))


def test_an_exclude_wins_wherever_the_selectors_stand() -> None:
    assert not is_in(VF, PciSelector(vendor_id="8086"), excludes=[PciSelector(tags=("gold",))])
    assert not is_in(VF, PciSelector(vendor_id="8086"), excludes=[PciSelector(addresses=("0000:81:10.4",))])
    assert is_in(VF, PciSelector(vendor_id="8086"), excludes=[PciSelector(addresses=("0000:81:10.5",))])
    assert not is_in(VF, PciSelector(addresses=("*:81:10.*",)), excludes=[PciSelector(addresses=("*:*:*.4-7",))])
    assert is_in(VF, PciSelector(vendor_id="8086"), excludes=[PciSelector(hosts=("h2",))])


def test_a_group_of_address_tuples_tells_two_upstream_switches_apart() -> None:
    """Hosts whose cards sit in different slots: which bus leads to which switch is another tuple on each."""
    west = [("h1", "0000:81"), ("h1", "0000:82"), ("h2", "0000:05")]
    wests = [PciSelector(hosts=(host,), addresses=(f"{bus}:*.*",)) for host, bus in west]
    grouping = Grouping([group("west", *wests)])
    for host, bus in (*west, ("h1", "0000:05"), ("h2", "0000:81"), ("h3", "0000:81"), ("h1", "0001:81")):
        device = replace(VF, host=host, address=PciAddress.parse(f"{bus}:10.3"))
        assert (grouping.on(host, ())(device) == {"west"}) == ((host, bus) in west)


def test_a_group_without_devices_is_nobodys_and_a_cloud_without_groups_has_none() -> None:
    assert not is_in(VF)
    assert groups_of(VF, ("a",), []) == frozenset()


# --- against a rule that is written out ------------------------------------------------------------------------

HOSTS, AGGREGATES = ("h1", "h2", "rack1-3"), ("a", "b")
ADDRESSES = tuple(map(PciAddress.parse, ("0000:81:10.4", "0000:81:10.5", "0001:05:00.0")))
PATTERNS = ("0000:81:10.4", "0000:*:10.*", "0001:05:*.*", "0000:81:10.0-0000:81:10.4", "*:*:*.0-4")


def subsets(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.one_of(
        st.just(()), st.sets(st.sampled_from(values), min_size=1, max_size=2).map(lambda s: tuple(sorted(s)))
    )


devices = st.builds(
    lambda host, address, kind, **more: replace(VF, host=host, address=address, kind=kind, **more),
    st.sampled_from(HOSTS), st.sampled_from(ADDRESSES), st.sampled_from(FunctionKind),
    vendor_id=st.sampled_from(["8086", "15b3"]), physical_network=st.sampled_from([None, "p1", "p2"]),
    numa_node=st.sampled_from([None, 0, 1]), link_speed_mbps=st.sampled_from([None, 1000, 25000]),
    tags=subsets(("gold", "blue")), features=subsets(("rx", "tso")), trusted=st.booleans(),
)  # fmt: skip
selectors = st.builds(
    PciSelector,
    vendor_id=st.sampled_from([None, "8086"]), device_class=st.sampled_from([None, "02"]),
    kind=st.sampled_from([None, FunctionKind.VF]), physical_networks=subsets(("p1", "p2")),
    hosts=subsets((*HOSTS, "h*", "*-3")), aggregates=subsets(AGGREGATES), addresses=subsets(PATTERNS),
    numa_node=st.sampled_from([None, 1]), min_link_speed_mbps=st.sampled_from([None, 10000]),
    features=subsets(("rx", "tso")), tags=subsets(("gold", "blue")), trusted=st.sampled_from([None, True]),
)  # fmt: skip
groups = st.lists(st.tuples(st.lists(selectors, max_size=3), st.lists(selectors, max_size=2)), max_size=3).map(
    lambda many: [group(f"g{n}", *chosen, excludes=left) for n, (chosen, left) in enumerate(many)]
)


def plainly_holds(one: PciSelector, device: Device, aggregates: Sequence[str]) -> bool:
    wanted: Mapping[str, object] = {
        "vendor_id": one.vendor_id, "kind": one.kind, "numa_node": one.numa_node, "trusted": one.trusted,
    }  # fmt: skip
    lists = (one.physical_networks, {device.physical_network}), (one.aggregates, set(aggregates))
    return (
        all(value is None or getattr(device, name) == value for name, value in wanted.items())
        and device.device_class.startswith(one.device_class or "")
        and all(not values or bool(set(values) & has) for values, has in lists)
        and (not one.hosts or any(fnmatch.fnmatchcase(device.host, host) for host in one.hosts))
        and (not one.addresses or any(covers(parse_addresses(text), device.address) for text in one.addresses))
        and (device.link_speed_mbps or 0) >= (one.min_link_speed_mbps or 0)
        and set(one.features) <= set(device.features)
        and set(one.tags) <= set(device.tags)
    )


@given(
    groups, st.lists(devices, max_size=6), st.dictionaries(st.sampled_from(HOSTS), st.sets(st.sampled_from(AGGREGATES)))
)
def test_what_is_kept_from_one_device_to_the_next_changes_no_answer(
    found: list[PciGroup], asked: list[Device], aggregates_of: Mapping[str, set[str]]
) -> None:
    grouping = Grouping(found)
    for device in asked:
        aggregates = sorted(aggregates_of.get(device.host, ()))
        expected = {
            one.name
            for one in found
            if any(plainly_holds(each, device, aggregates) for each in one.selectors)
            and not any(plainly_holds(each, device, aggregates) for each in one.excludes)
        }
        assert grouping.on(device.host, aggregates)(device) == expected


def test_a_device_costs_microseconds_however_many_hosts_and_groups_there_are() -> None:
    """Ten times what was measured on one core at 2 GHz: 130 devices of 10,000 hosts are to load in seconds."""
    named = [group(f"g{n}", PciSelector(vendor_id="8086", tags=(f"t{n}",))) for n in range(40)]
    tuples = [group(f"x{n}", PciSelector(hosts=(f"h{n}",), addresses=("0000:81:*.*",))) for n in range(60)]
    grouping = Grouping([*named, *tuples])
    functions = [replace(VF, address=PciAddress(0, 0x81, 2 + n // 8, n % 8)) for n in range(130)]
    started_s = time.process_time()
    for number in range(300):
        on_host = grouping.on(f"h{number}", ())
        for device in functions:
            on_host(device)
    took_us = (time.process_time() - started_s) * 1e6 / (300 * len(functions))
    assert took_us < 20
