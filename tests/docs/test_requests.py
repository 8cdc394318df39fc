"""The page of requests names every key in which a function can be asked for, and the bounds that the code has."""

import re

from mooring.cli.nics import GROUP_KEYS
from mooring.core import flavor_specs, pci_wishes
from mooring.core.function_wish import WISH_KEYS
from mooring.host.ethtool import FEATURES
from mooring.model.request import NumaPolicy, Spread
from tests.docs.examples import DOCS

PAGE = (DOCS / "reference/requests.md").read_text(encoding="utf-8")
SPANS = set(re.findall(r"`([^`\n]+)`", PAGE))


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_key_has_a_row_where_it_is_said() -> None:
    nics, ports, flavors, images = (section(name) for name in ("Nics", "Ports", "Flavors", "Images"))
    assert [key for key in GROUP_KEYS if f"`{key}`" not in nics] == []
    assert [key for key in WISH_KEYS if f"| `binding:profile` `{key}` |" not in ports] == []
    served = {flavor_specs.ALIAS, flavor_specs.NUMA_POLICY, flavor_specs.NUMA_NODES, flavor_specs.SPREAD}
    served |= {flavor_specs.FEATURES, f"{flavor_specs.HOST_PROPERTY}KEY"}
    assert set(re.findall(r"^\| `([^`]+)` \|", flavors, re.MULTILINE)) == served
    of_images = {flavor_specs.IMAGE_NUMA_POLICY, flavor_specs.IMAGE_NUMA_NODES, flavor_specs.IMAGE_VNIC_TYPE}
    assert set(re.findall(r"^\| `([^`]+)` \|", images, re.MULTILINE)) == of_images


def test_every_word_that_a_key_takes_is_named() -> None:
    policies = re.findall(r"^\| `([^`]+)` \|", section("NUMA policies"), re.MULTILINE)
    assert sorted(policies) == sorted(NumaPolicy)
    assert set(Spread) | set(FEATURES) <= SPANS


def test_bounds_are_the_codes() -> None:
    assert f"COUNT (1 to {pci_wishes.COUNT_MAX})" in PAGE
    assert f"{pci_wishes.COUNT_MAX} in all" in PAGE
    assert f"| 1 to {pci_wishes.MIN_RATE_MBPS_MAX} |" in PAGE
    assert f"1 to {pci_wishes.FEATURES_MAX} |" in PAGE
    assert PAGE.count(f"| 1 to {flavor_specs.GUEST_CELLS_MAX} |") == 2
