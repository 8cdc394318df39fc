"""Case 3 of the 2013 thread: hosts on two upstream switches, VFs that the hosts keep, and groups of (host, bus) tuples.

Told with the unmodified ``openstack`` command and our own, which talk to a controller and two simulated hosts.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import pytest

from mooring.main import CLOUDS
from mooring.testing.cards import INTEL_X710
from mooring.testing.client import wait_until
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from mooring.testing.rig import Rig
from tests.clients.conftest import COMMAND_MAX_S, OpenStack, exported, openstack_in

pytestmark = pytest.mark.requires("client")
MooringCommand = Callable[..., Any]

KEPT, TRUSTED = 0, 3
"""The VF of each PF that the host's own DHCP server uses, and the one on switch A that is for trusted ports."""
OFFERED_VFS = 12
SERVERS, FLAVORS = "/compute/v2.1/servers", "/compute/v2.1/flavors"
NETWORKS, PORTS = "/network/v2.0/networks", "/network/v2.0/ports"
IMAGES, GROUPS = "/image/v2/images", "/mooring/v1/pci-groups"
WEST = {("compute1", "0000:81"), ("compute2", "0000:06")}
"""In compute1 this bus leads to switch A, in compute2 that one to switch B."""
WEST_OPTIONS = " ".join(f"--select host={host},address={bus}:*.*" for host, bus in sorted(WEST))


def on_two_switches(first: str, second: str) -> Plan:
    """Two cards with four VFs each: the one on bus ``first`` reaches physnetA, the one on ``second`` physnetB."""
    return Plan(
        ports=(
            port(INTEL_X710, f"0000:{first}:00.0", "ens1f0", 1, 4),
            port(INTEL_X710, f"0000:{second}:00.0", "ens2f0", 2, 4, numa_node=1),
        ),
        specs=(
            Spec("ens1f0", vfs=str(KEPT), exclude=True),
            Spec("ens2f0", vfs=str(KEPT), exclude=True),
            Spec("ens1f0", "physnetA", vfs=str(TRUSTED), trusted=True),
            Spec("ens1f0", "physnetA"),
            Spec("ens2f0", "physnetB"),
        ),
        bridge_mappings={},
    )


@pytest.fixture(scope="module")
def switches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("switches"))
    try:
        rig.start_controller()
        rig.add_hosts({"compute1": on_two_switches("81", "82"), "compute2": on_two_switches("05", "06")})
        for name in rig.hosts:
            rig.start_agent(name)
        rig.wait_available(OFFERED_VFS)
        yield rig
    finally:
        rig.close()


@pytest.fixture(scope="module")
def admin(switches: Rig) -> Mapping[str, str]:
    """An admin's environment. There are two networks, each on a switch, a flavor and an image."""
    environment = exported(OS_CLIENT_CONFIG_FILE=str(switches.state / CLOUDS), OS_CLOUD="mooring")
    openstack = openstack_in(environment)
    for name, switch, vlan in (("blue", "A", 100), ("green", "B", 200)):
        openstack(
            f"network create --share --provider-network-type vlan --provider-physical-network physnet{switch}"
            f" --provider-segment {vlan} {name}"
        )
    flavor = {"name": "small", "ram": 64, "vcpus": 1, "disk": 1}
    switches.client.want(200, "POST", "/compute/v2.1/flavors", {"flavor": flavor})
    image = {"name": "debian", "disk_format": "qcow2", "container_format": "bare", "visibility": "public"}
    switches.client.want(201, "POST", "/image/v2/images", image)
    return environment


@pytest.fixture
def openstack(admin: Mapping[str, str]) -> OpenStack:
    return openstack_in(admin)


@pytest.fixture
def mooring(admin: Mapping[str, str]) -> MooringCommand:
    return mooring_in(admin)


def mooring_in(environment: Mapping[str, str]) -> MooringCommand:
    """Runs one ``mooring`` command, and gives its JSON, or its text; ``refused`` wants exit code 1, and gives all."""

    def run(command: str, *, refused: bool = False) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "mooring", *command.split()], env={**environment, "COLUMNS": "200"},
            capture_output=True, text=True, timeout=COMMAND_MAX_S, check=False,
        )  # fmt: skip
        assert done.returncode == int(refused), f"{command}: {done.stdout}{done.stderr}"
        if refused:
            return done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in command else done.stdout

    return run


class Api:
    """What tests make by the API itself, where the client would only take its time; and all of it gone again."""

    def __init__(self, rig: Rig):
        self._rig = rig
        self._want = rig.client.want

    def _listed(self, path: str) -> list[dict[str, Any]]:
        """What is at a path, whatever it is called there."""
        body = self._want(200, "GET", path)
        return next(list(found) for found in body.values() if isinstance(found, list))

    def _id(self, path: str, wanted: str) -> str:
        return next(str(one["id"]) for one in self._listed(path) if one["name"] == wanted)

    def server(self, name: str, *networks: str, flavor: str = "small", ports: Sequence[str] = ()) -> None:
        """With a direct port on each of these networks, or with these ports."""
        nics = [{"uuid": self._id(NETWORKS, network), "vnic-type": "direct"} for network in networks]
        nics += [{"port": self._id(PORTS, port)} for port in ports]
        wish = {"name": name, "flavorRef": self._id(FLAVORS, flavor), "imageRef": self._id(IMAGES, "debian")}
        wanted = {"server": {**wish, "networks": nics or "none"}}
        answer = self._rig.client.call("POST", SERVERS, wanted, **{"OpenStack-API-Version": "compute 2.74"})
        assert answer.status == HTTPStatus.ACCEPTED, answer.body

    def trusted_port(self, name: str) -> None:
        port = {"name": name, "network_id": self._id(NETWORKS, "blue"), "binding:vnic_type": "direct", "trusted": True}
        self._want(201, "POST", PORTS, {"port": port})

    def settle(self) -> Mapping[str, str]:
        """Name of each server to its status, once none is being built."""
        wait_until(lambda: "BUILD" not in self._statuses().values(), 30, "no server is being built")
        return self._statuses()

    def _statuses(self) -> Mapping[str, str]:
        return {one["name"]: one["status"] for one in self._listed(f"{SERVERS}/detail?all_tenants=1")}

    def delete_servers(self) -> None:
        """All of them; then every VF is free again, and the auditor finds nothing."""
        for server in self._listed(f"{SERVERS}?all_tenants=1"):
            self._want(204, "DELETE", f"{SERVERS}/{server['id']}")
        wait_until(lambda: not self._statuses(), 30, "no server is left")
        self._rig.wait_available(OFFERED_VFS)
        assert self._rig.findings() == []

    def sweep(self) -> None:
        """All that a test may have made."""
        self.delete_servers()
        for path, status in ((PORTS, 204), (FLAVORS, 202), (GROUPS, 204)):
            for one in self._listed(path):
                if one["name"] != "small":
                    self._want(status, "DELETE", f"{path}/{one['id']}")


@pytest.fixture
def api(switches: Rig, admin: Mapping[str, str]) -> Iterator[Api]:
    del admin  # it makes what a server needs
    made = Api(switches)
    yield made
    made.sweep()


@pytest.fixture
def member(switches: Rig, admin: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a member of another project."""
    del admin
    want = switches.client.want
    project = want(201, "POST", "/identity/v3/projects", {"project": {"name": "other"}})["project"]["id"]
    user = {"name": "eve", "password": "a-good-word", "default_project_id": project}
    eve = want(201, "POST", "/identity/v3/users", {"user": user})["user"]["id"]
    roles = {one["name"]: one["id"] for one in want(200, "GET", "/identity/v3/roles")["roles"]}
    want(204, "PUT", f"/identity/v3/projects/{project}/users/{eve}/roles/{roles['member']}")
    return exported(
        OS_AUTH_URL=f"{switches.url}/identity/v3", OS_USERNAME="eve", OS_PASSWORD="a-good-word",
        OS_PROJECT_NAME="other", OS_USER_DOMAIN_NAME="Default", OS_PROJECT_DOMAIN_NAME="Default",
        OS_IDENTITY_API_VERSION="3",
    )  # fmt: skip


def places(devices: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """(host, ``domain:bus``) of each."""
    return {(one["host"], one["address"].rpartition(":")[0]) for one in devices}


def claimed(device: Mapping[str, Any]) -> tuple[object, ...]:
    """What a claim says of a function."""
    return device["host"], device["address"], device["owner"], device["state"], device["generation"]


def owned_by(mooring: MooringCommand, server: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mooring(f"device list --server {server} --json")
    return found


def test_the_physical_network_decides_which_pf_gives_its_vfs_and_no_host_gives_those_that_it_keeps(
    openstack: OpenStack, mooring: MooringCommand, api: Api
) -> None:
    for network in ("blue", "green"):
        openstack(f"port create --network {network} --vnic-type direct port-{network}")
    openstack("server create --flavor small --image debian --nic port-id=port-blue --nic port-id=port-green both")
    assert api.settle() == {"both": "ACTIVE"}
    given = owned_by(mooring, "both")
    assert len({one["host"] for one in given}) == 1
    assert sorted((one["physical_network"], one["pf_netdev"], one["observed"]["vlan"]["id"]) for one in given) == [
        ("physnetA", "ens1f0", 100),
        ("physnetB", "ens2f0", 200),
    ]

    for number in range(5):
        api.server(f"blue{number}", "blue")
    assert set(api.settle().values()) == {"ACTIVE"}
    api.server("last", "blue")
    assert api.settle()["last"] == "ERROR"
    vfs = mooring("device list --kind VF --json")
    on_a = {(one["vf_index"], one["owner"] is None) for one in vfs if one["physical_network"] == "physnetA"}
    assert on_a == {(KEPT, True), (1, False), (2, False), (TRUSTED, False)}
    kept = [(one["vf_index"], one["owner"], one["state"]) for one in vfs if not one["is_offered"]]
    assert kept == 4 * [(KEPT, None, "unavailable")]
    reasons = Counter(one["reason"] for one in vfs if not one["is_offered"])
    assert reasons == {f"device_spec entry {entry} excludes it": 2 for entry in (1, 2)}

    fault = openstack("server show last -c fault")["fault"]["message"]
    assert fault == (
        "No valid host was found. 2 hosts: 2 have no free VF on physnetA (3 of 4 in use, 1 not offered)."
        " On physnetB, a host would do."
    )
    why = mooring("explain --flavor small --nic net-id=blue,vnic-type=direct", refused=True).splitlines()
    assert why[:2] == [f"no: {fault}", "nearest: on physnetB, compute1 would do"]
    assert [line.split(maxsplit=2) for line in why[4:]] == [
        [host, "no", "no free VF on physnetA (3 of 4 in use, 1 not offered)"] for host in ("compute1", "compute2")
    ]
    assert mooring("explain --flavor small --nic net-id=green,vnic-type=direct").startswith("yes: 2 hosts would do")
    api.delete_servers()
    assert mooring("audit") == "no findings\n"


def test_a_group_of_host_and_bus_tuples_gives_its_own_to_ports_and_flavors_and_shrinks_under_none(
    openstack: OpenStack, mooring: MooringCommand, api: Api
) -> None:
    assert "6 available, 2 unavailable" in mooring(f"pci-group create west {WEST_OPTIONS}")
    assert places(mooring("device list --group west --json")) == WEST
    openstack("port create --network green --vnic-type direct --binding-profile pci_group=west west-green")
    openstack("server create --flavor small --image debian --nic port-id=west-green one")
    openstack("flavor create --vcpus 1 --ram 64 --disk 1 --property pci_passthrough:alias=west:2 pair")
    openstack("server create --flavor pair --image debian --nic none two")
    assert api.settle() == {"one": "ACTIVE", "two": "ACTIVE"}
    assert places(owned_by(mooring, "one")) == {("compute2", "0000:06")}
    pair = owned_by(mooring, "two")
    assert [one["owner"]["request"] for one in pair] == ["west", "west"]
    assert places(pair) < WEST

    api.server("three", flavor="pair")
    api.server("four", flavor="pair")
    assert Counter(api.settle().values()) == {"ACTIVE": 3, "ERROR": 1}
    fault = openstack("server show four -c fault")["fault"]["message"]
    assert "1 of 2 wanted PCI devices or VFs of PCI group west free (2 of 4 in use, 1 not offered)" in fault
    assert fault.endswith("Without its PCI group, a host would do.")

    smaller = "pci-group set west --select host=compute2,address=0000:05:*.*"
    before = [claimed(one) for one in mooring("device list --kind VF --json")]
    refused = mooring(smaller, refused=True)
    assert "PCI group west is in use: servers have 5 of the functions that would leave it" in refused
    assert "with --force" in refused
    assert places(mooring("device list --group west --json")) == WEST
    mooring(f"{smaller} --force")
    assert places(mooring("device list --group west --json")) == {("compute2", "0000:05")}
    assert [claimed(one) for one in mooring("device list --kind VF --json")] == before
    assert mooring("audit") == "no findings\n"

    api.delete_servers()
    assert "flavors name it: pair" in mooring("pci-group delete west", refused=True)
    openstack("flavor delete pair", plain=True)
    assert mooring("pci-group delete west") == "PCI group west is deleted\n"


def test_a_group_of_one_project_does_not_exist_for_another_which_hears_nothing_of_hosts_either(
    mooring: MooringCommand, api: Api, member: Mapping[str, str]
) -> None:
    mooring(f"pci-group create private {WEST_OPTIONS} --project admin")
    mooring("pci-group create everyones --select physical_network=physnetB")
    for number in range(6):
        api.server(f"secret{number}", "green")
    assert set(api.settle().values()) == {"ACTIVE"}
    theirs, openstack = mooring_in(member), openstack_in(member)

    assert [one["name"] for one in theirs("pci-group list --json")] == ["everyones"]
    for run, command in (
        (theirs, "pci-group show GROUP"),
        (theirs, "explain --flavor small --nic net-id=blue,pci-group=GROUP"),
        (openstack, "port create --network blue --vnic-type direct --binding-profile pci_group=GROUP eves"),
    ):
        there, nowhere = (run(command.replace("GROUP", name), refused=True) for name in ("private", "nowhere"))
        assert "PCI group nowhere could not be found" in nowhere
        assert there.replace("private", "nowhere") == nowhere
    for command in (
        "device list --group private",
        "pci-group set everyones --description mine",
        "pci-group delete private",
    ):
        assert "needs the role admin" in theirs(command, refused=True)

    why = theirs("explain --flavor small --nic net-id=green,pci-group=everyones --json", refused=True)
    openstack("port create --network green --vnic-type direct --binding-profile pci_group=everyones eves")
    openstack("server create --flavor small --image debian --nic port-id=eves eves")
    fault = openstack("server show eves -c fault")["fault"]
    assert fault["message"].startswith(
        "No valid host was found. 2 hosts: 2 have no free VF of PCI group everyones on physnetB (3 of 4 in use"
    )
    for told in (why, json.dumps(fault)):
        assert [name for name in ("compute1", "compute2", "0000:", "secret", "private", "admin") if name in told] == []


def test_trusted_ports_get_the_vfs_for_trusted_ports_and_others_get_those_last(
    openstack: OpenStack, mooring: MooringCommand, api: Api
) -> None:
    for number in range(2):
        api.server(f"plain{number}", "blue")
    assert set(api.settle().values()) == {"ACTIVE"}
    free = mooring("device list --physnet physnetA --trusted --free --json")
    assert [(one["host"], one["vf_index"]) for one in free] == [("compute1", TRUSTED), ("compute2", TRUSTED)]

    openstack("port create --network blue --vnic-type direct --trusted trusted0")
    for number in range(1, 3):
        api.trusted_port(f"trusted{number}")
    for number in range(3):
        api.server(f"asks{number}", ports=[f"trusted{number}"])
    assert Counter(api.settle().values()) == {"ACTIVE": 4, "ERROR": 1}
    given = mooring("device list --server asks0 --server asks1 --server asks2 --json")
    assert [(one["host"], one["vf_index"], one["observed"]["trust"]) for one in given] == [
        ("compute1", TRUSTED, True),
        ("compute2", TRUSTED, True),
    ]
    why = mooring("explain --flavor small --nic port-id=trusted2", refused=True)
    assert "no free VF on physnetA (1 of 1 in use), 2 more not trusted" in why
    assert "nearest: without a say on trust, compute2 would do" in why
