"""When one selector means all that another means: a yes is never wrong."""

from dataclasses import replace

import pytest
from hypothesis import given

from mooring.core.grouping import groups_of
from mooring.core.selector_cover import is_within
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind
from mooring.model.request import Device
from tests.unit.core.test_grouping import devices, group, selectors

VF = PciSelector("8086", "10ca", kind=FunctionKind.VF)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (VF, VF),
        (VF, PciSelector(vendor_id="8086")),
        (VF, PciSelector(kind=FunctionKind.VF)),
        (PciSelector(device_class="020000"), PciSelector(device_class="02")),
        (PciSelector(hosts=("h1",)), PciSelector(hosts=("h2", "h1"))),
        (PciSelector(hosts=("h1", "h2")), PciSelector(hosts=("h*",))),
        (PciSelector(hosts=("h*",)), PciSelector(hosts=("h*",))),
        (PciSelector(aggregates=("a",)), PciSelector(aggregates=("a", "b"))),
        (PciSelector(physical_networks=("p",), numa_node=1), PciSelector(physical_networks=("p", "q"))),
        (PciSelector(min_link_speed_mbps=25000), PciSelector(min_link_speed_mbps=10000)),
        (PciSelector(tags=("a", "b")), PciSelector(tags=("b",))),
        (PciSelector(addresses=("0000:81:10.4",)), PciSelector(addresses=("0000:81:*.*",))),
        (PciSelector(addresses=("0000:81:10.0-3",)), PciSelector(addresses=("0000:81:*.*",))),
        (PciSelector(addresses=("0000:81:10.0-0000:81:11.7",)), PciSelector(addresses=("0000:81:*.*",))),
        (PciSelector(addresses=("0000:81:10.2-0000:81:10.4",)), PciSelector(addresses=("0000:81:10.2-4",))),
        (
            PciSelector(addresses=("0000:81:10.1-0000:81:10.4",)),
            PciSelector(addresses=("0000:81:10.0-0000:81:11.7",)),
        ),
    ],
)
def test_what_is_given_as_narrowly_or_more_so_is_within(narrow: PciSelector, wide: PciSelector) -> None:
    assert is_within(narrow, wide)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (PciSelector(vendor_id="8086"), VF),
        (PciSelector(device_class="02"), PciSelector(device_class="0200")),
        (VF, PciSelector(hosts=("h1",))),
        (PciSelector(hosts=("h*",)), PciSelector(hosts=("h1",))),
        (PciSelector(hosts=("h1",)), PciSelector(hosts=("g*",))),
        (PciSelector(aggregates=("a", "b")), PciSelector(aggregates=("a",))),
        (PciSelector(min_link_speed_mbps=10000), PciSelector(min_link_speed_mbps=25000)),
        (PciSelector(numa_node=1), PciSelector(numa_node=0)),
        (PciSelector(trusted=False), PciSelector(trusted=True)),
        (PciSelector(tags=("b",)), PciSelector(tags=("a", "b"))),
        (PciSelector(addresses=("0000:*:10.4",)), PciSelector(addresses=("0000:81:*.*",))),
        (PciSelector(addresses=("0000:81:10.0-0000:82:11.7",)), PciSelector(addresses=("0000:81:*.*",))),
        (PciSelector(addresses=("0000:81:10.4", "0000:82:10.4")), PciSelector(addresses=("0000:81:*.*",))),
        (PciSelector(addresses=("0000:81:10.*",)), PciSelector(addresses=("0000:81:10.4",))),
        (PciSelector(addresses=("0000:81:10.*",)), PciSelector(addresses=("0000:81:10.0-0000:81:10.6",))),
    ],
)
def test_what_could_mean_more_is_not_within(narrow: PciSelector, wide: PciSelector) -> None:
    assert not is_within(narrow, wide)


@given(selectors, selectors, devices)
def test_no_device_is_outside_of_what_is_said_to_be_all(narrow: PciSelector, wide: PciSelector, device: Device) -> None:
    if is_within(narrow, wide):
        found = groups_of(device, ("a",), [group("narrow", narrow), group("wide", wide)])
        assert "wide" in found or "narrow" not in found


@given(selectors)
def test_everything_is_within_itself_and_within_what_asks_less(selector: PciSelector) -> None:
    assert is_within(selector, selector)
    assert is_within(selector, replace(selector, tags=(), kind=None, hosts=()))
