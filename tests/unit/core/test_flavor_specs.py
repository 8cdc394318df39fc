"""What a flavor and an image ask of a host, each alone and both together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.flavor_specs import (
    FlavorNeeds,
    ImageNeeds,
    agreed,
    check_guest_cells,
    read_flavor_specs,
    read_image_properties,
)
from mooring.errors import Invalid
from mooring.model.port import VnicType
from mooring.model.request import NumaPolicy, Spread

HOST_PROPERTY = "aggregate_instance_extra_specs"


@pytest.mark.parametrize(
    ("specs", "needs"),
    [
        ({}, FlavorNeeds()),
        ({"pci_passthrough:alias": "gpu:2,nvme:1"}, FlavorNeeds(aliases=(("gpu", 2), ("nvme", 1)))),
        ({"hw:pci_numa_affinity_policy": "socket"}, FlavorNeeds(numa_policy=NumaPolicy.SOCKET)),
        ({"hw:numa_nodes": "16"}, FlavorNeeds(guest_cells=16)),
        ({"hw:numa_nodes": "1"}, FlavorNeeds(guest_cells=1)),
        ({"pci:spread": "numa"}, FlavorNeeds(spread=Spread.NUMA)),
        ({"pci:features": "tso,rx"}, FlavorNeeds(features=frozenset({"rx", "tso"}))),
        ({f"{HOST_PROPERTY}:rack:row": "<in> b"}, FlavorNeeds(host_properties={"rack:row": "<in> b"})),
        ({"hw:cpu_policy": "shared", "pcix": "1", "acme:pci": "2", "hwacme:x": "y", "hw": "z"}, FlavorNeeds()),
    ],
)
def test_every_served_extra_spec_is_read(specs: dict[str, str], needs: FlavorNeeds) -> None:
    assert read_flavor_specs(specs) == needs


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pci_passthrough:alias", "gpu:0"),
        ("pci_passthrough:alias", ""),
        ("pci_passthrough:Alias", "gpu:1"),
        ("hw:pci_numa_affinity_policy", "Required"),
        ("hw:pci_numa_affinity_policy", ""),
        ("hw:numa_nodes", "0"),
        ("hw:numa_nodes", "17"),
        ("hw:numa_nodes", "-1"),
        ("hw:numa_nodes", "1.0"),
        ("hw:numa_nodes", "٢"),
        ("hw:numa_nodes", "auto"),
        ("hw:numa_cpus.0", "0-1"),
        ("hw:cpu_policy", "dedicated"),
        ("pci:spread", "nics"),
        ("pci:features", "rx,,tso"),
        ("pci:feature", "rx"),
        ("resources1:VCPU", "1"),
        ("trait:X", "required"),
        (f"{HOST_PROPERTY}:", "x"),
        (f"{HOST_PROPERTY}:rack", "<or> a b"),
        (f"{HOST_PROPERTY}:rack", "<in>"),
    ],
)
def test_a_wrong_or_unkept_extra_spec_is_refused_by_name_and_value(key: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_flavor_specs({"acme:note": "fine", key: value})
    assert key in caught.value.message
    assert value in caught.value.message


@pytest.mark.parametrize(
    ("properties", "needs"),
    [
        ({"os_type": "linux", "hw_vif_model": "e1000"}, ImageNeeds()),
        ({"hw_pci_numa_affinity_policy": "legacy"}, ImageNeeds(numa_policy=NumaPolicy.LEGACY)),
        ({"hw_numa_nodes": "2"}, ImageNeeds(guest_cells=2)),
        ({"mooring_default_vnic_type": "macvtap"}, ImageNeeds(default_vnic_type=VnicType.MACVTAP)),
    ],
)
def test_every_served_image_property_is_read(properties: dict[str, str], needs: ImageNeeds) -> None:
    assert read_image_properties(properties) == needs


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hw_pci_numa_affinity_policy", "near"),
        ("hw_numa_nodes", "0"),
        ("hw_numa_nodes", "two"),
        ("mooring_default_vnic_type", "sriov"),
    ],
)
def test_a_wrong_image_property_is_refused_by_name_and_value(key: str, value: str) -> None:
    with pytest.raises(Invalid, match=f"{key}.*{value}"):
        read_image_properties({key: value})


POLICIES = [None, *NumaPolicy]


@pytest.mark.parametrize("of_flavor", POLICIES)
@pytest.mark.parametrize("of_image", POLICIES)
def test_an_image_names_the_policy_only_where_its_flavor_does_not(
    of_flavor: NumaPolicy | None, of_image: NumaPolicy | None
) -> None:
    flavor, image = FlavorNeeds(numa_policy=of_flavor), ImageNeeds(numa_policy=of_image)
    if of_flavor is not None and of_image not in (None, of_flavor):
        with pytest.raises(Invalid, match=f"{of_image}.*{of_flavor}"):
            agreed(flavor, image)
    else:
        assert agreed(flavor, image).numa_policy == (of_flavor or of_image)


@pytest.mark.parametrize(
    ("of_flavor", "of_image", "cells"), [(0, 0, 0), (2, 0, 2), (0, 4, 4), (2, 2, None), (1, 4, None)]
)
def test_flavor_and_image_do_not_both_give_the_guest_cells(of_flavor: int, of_image: int, cells: int | None) -> None:
    flavor, image = FlavorNeeds(guest_cells=of_flavor), ImageNeeds(guest_cells=of_image)
    if cells is None:
        with pytest.raises(Invalid, match=f"hw_numa_nodes={of_image}.*hw:numa_nodes={of_flavor}"):
            agreed(flavor, image)
    else:
        assert agreed(flavor, image).guest_cells == cells


@pytest.mark.parametrize(("cells", "vcpus", "memory_mib"), [(0, 3, 1000), (1, 3, 1000), (2, 4, 1000), (4, 4, 1024)])
def test_cells_that_divide_vcpus_and_memory_are_taken(cells: int, vcpus: int, memory_mib: int) -> None:
    check_guest_cells(cells, vcpus, memory_mib)


@pytest.mark.parametrize(("cells", "vcpus", "memory_mib"), [(2, 3, 1024), (2, 4, 1025), (4, 2, 1024), (16, 8, 4096)])
def test_cells_that_do_not_are_refused_with_the_numbers(cells: int, vcpus: int, memory_mib: int) -> None:
    with pytest.raises(Invalid, match=f"{vcpus} vCPUs and {memory_mib} MiB .* {cells} NUMA cells"):
        check_guest_cells(cells, vcpus, memory_mib)


KEYS = st.sampled_from(
    [
        "pci_passthrough:alias",
        "hw:pci_numa_affinity_policy",
        "hw:numa_nodes",
        "pci:spread",
        "pci:features",
        "hw:",
        ":",
        "n",
    ]
)


@given(st.dictionaries(KEYS | st.text(max_size=12), st.text(max_size=12)))
def test_extra_specs_of_any_text_are_read_or_invalid(specs: dict[str, str]) -> None:
    try:
        needs = read_flavor_specs(specs)
    except Invalid:
        return
    assert 0 <= needs.guest_cells <= 16
