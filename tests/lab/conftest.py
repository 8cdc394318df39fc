"""One lab for all tests here, booted once: two emulated hosts, two wires, and the cloud on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.build import build
from lab.cloud import LabCloud
from lab.lab import Lab


@dataclass(frozen=True, slots=True)
class Nets:
    """Ids of networks. ``blue`` and ``red`` have the same addresses: only their VLANs keep them apart."""

    blue: str
    """VLAN 100 of physnet1."""
    red: str
    """VLAN 200 of physnet1."""
    white: str
    """VLAN 201 of physnet1."""
    green: str
    """VLAN 300 of physnet2."""
    amber: str
    """VLAN 301 of physnet2."""
    bare: str
    """physnet2 without a tag."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCloud]:
    """Everything up, every function free."""
    with Lab(build()) as lab:
        made = LabCloud(lab, Path(tmp_path_factory.mktemp("controller")))
        try:
            made.start()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="session")
def flavor(cloud: LabCloud) -> str:
    """As small as the guest's kernel and initrd allow."""
    wish = {"name": "lab", "ram": 160, "vcpus": 1, "disk": 0}
    return str(cloud.client.want(200, "POST", "/compute/v2.1/flavors", {"flavor": wish})["flavor"]["id"])


@pytest.fixture(scope="session")
def nets(cloud: LabCloud) -> Nets:
    return Nets(
        blue=cloud.make_network("blue", "physnet1", 100, "10.1.0.0/24"),
        red=cloud.make_network("red", "physnet1", 200, "10.1.0.0/24"),
        white=cloud.make_network("white", "physnet1", 201, "10.2.0.0/24"),
        green=cloud.make_network("green", "physnet2", 300, "10.3.0.0/24"),
        amber=cloud.make_network("amber", "physnet2", 301, "10.5.0.0/24"),
        bare=cloud.make_network("bare", "physnet2", None, "10.4.0.0/24"),
    )


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left(cloud: LabCloud) -> Iterator[None]:
    """Every module gives everything back, whatever became of it; the auditor has nothing to say."""
    yield
    cloud.clear()
    assert cloud.rig.findings() == []
