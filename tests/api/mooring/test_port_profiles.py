"""``/mooring/v1/port-profiles``, and what networks, ports and nics make of them."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mooring.api.mooring.port_profiles import PORT_PROFILES
from mooring.api.network.discovery import PREFIX
from mooring.api.network.networks import NETWORK_COLLECTION
from mooring.api.network.ports import PORT_COLLECTION
from mooring.config import ControllerConfig, UcsmConfig
from mooring.service.trail import NEWEST, trail
from mooring.testing.controller import project_id
from mooring.testing.in_process import Answer, InProcessClient, serving

BASE = "/mooring/v1/port-profiles"
NETWORKS, PORTS = "/network/v2.0/networks", "/network/v2.0/ports"
PROFILE = "mooring:port_profile"
ROUTES = (*PORT_PROFILES, *NETWORK_COLLECTION.routes(PREFIX), *PORT_COLLECTION.routes(PREFIX))
SOMEBODY = "00000000-0000-4000-8000-000000000000"
RANGES = ("physnet1:1000:1099", "physnet2:1000:1099")


@dataclass(slots=True)
class Profiles:
    """The API as an admin, a member and a member of another project see it."""

    nobody: InProcessClient
    admin: InProcessClient
    member: InProcessClient
    other: InProcessClient

    def create(self, name: str = "gold", vlans: Any = (100,), **more: Any) -> Answer:
        return self.admin.post(BASE, {"port_profile": {"name": name, "vlans": list(vlans), **more}})

    def made(self, name: str = "gold", vlans: Any = (100,), **more: Any) -> dict[str, Any]:
        answer = self.create(name, vlans, **more)
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.body["port_profile"]
        return found

    def change(self, profile: str = "gold", /, **changes: object) -> Answer:
        return self.admin.put(f"{BASE}/{profile}", {"port_profile": changes})

    def show(self, name: str = "gold") -> dict[str, Any]:
        found: dict[str, Any] = self.admin.get(f"{BASE}/{name}").body["port_profile"]
        return found

    def project(self, name: str) -> str:
        return project_id(self.nobody.controller, name)

    def network(self, *of: Any, **more: Any) -> Answer:
        """Of the member's project, made by an admin: VLAN, which ``None`` is flat, and physical network."""
        vlan, physnet = of[0] if of else 100, of[1] if len(of) > 1 else "physnet1"
        kind = {"provider:network_type": "flat" if vlan is None else "vlan", "provider:physical_network": physnet}
        segment = kind if vlan is None else {**kind, "provider:segmentation_id": vlan}
        body = {"name": "blue", "project_id": self.project("demo"), **segment, **more}
        return self.admin.post(NETWORKS, {"network": body})

    def network_id(self, *of: Any, **more: Any) -> str:
        answer = self.network(*of, **more)
        assert answer.status == 201, answer.body
        return str(answer.body["network"]["id"])

    def port(self, network: str, *by: InProcessClient, **more: Any) -> Answer:
        """Made by the member, unless somebody is named."""
        body = {"network_id": network, "binding:vnic_type": "direct", **more}
        return (by or (self.member,))[0].post(PORTS, {"port": body})

    def events(self) -> list[tuple[str, Mapping[str, Any]]]:
        told = self.nobody.controller.store.read_now(lambda tx: trail(tx, NEWEST, 500))
        return [(str(e["kind"]), e["detail"]) for e in told if str(e["kind"]).startswith("port-profile")]  # type: ignore[misc]  # a detail is an object


@contextlib.contextmanager
def profiles_at(folder: Path) -> Iterator[Profiles]:
    with serving(folder, ROUTES, ControllerConfig(network_vlan_ranges=RANGES)) as nobody:
        yield Profiles(nobody, nobody.admin(), nobody.member("demo"), nobody.member("other"))


@pytest.fixture
def profiles(tmp_path: Path) -> Iterator[Profiles]:
    with profiles_at(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profiles]:
    """For refusals: nothing may ever change in it."""
    with profiles_at(tmp_path_factory.mktemp("quiet")) as made:
        made.made("there")
        yield made
        assert [kind for kind, _ in made.events()] == ["port-profile.created"]


def neutron_says(answer: Answer) -> tuple[int, str, str]:
    """Status, type, and the message without its hint."""
    said = answer.body["NeutronError"]
    return answer.status, said["type"], said["message"].partition(" (")[0]


# --- making and looking ----------------------------------------------------------------------------------------


def test_a_new_profile_is_shown_with_its_vlans_the_native_one_first(profiles: Profiles) -> None:
    made = profiles.made("gold", [100, 7, 5], physical_networks=["physnet1"], description="trunk", max_ports=12)
    assert (made["vlans"], made["physical_networks"], made["max_ports"]) == ([100, 5, 7], ["physnet1"], 12)
    assert (made["kind"], made["projects"], made["revision_number"]) == ("802.1Qbh", [], 1)
    assert made["upstream"] == {"state": "unmanaged", "reason": "", "checked_at": None}
    nobody: dict[str, list[str]] = {"networks": [], "ports": [], "bound_ports": []}
    assert profiles.show() == profiles.show(made["id"]) == {**made, **nobody}
    assert profiles.admin.get(f"{BASE}?name=gold").body["port_profiles"] == [made]
    assert profiles.admin.get(f"{BASE}?name=silver").body["port_profiles"] == []


def test_with_a_manager_a_new_profile_is_pending(tmp_path: Path) -> None:
    config = ControllerConfig(ucsm=UcsmConfig(url="http://127.0.0.1:1"))
    with serving(tmp_path, ROUTES, config) as nobody:
        body = {"port_profile": {"name": "gold", "vlans": [100]}}
        assert nobody.admin().post(BASE, body).body["port_profile"]["upstream"]["state"] == "pending"


def test_members_see_those_that_they_may_name_without_vlans_and_physical_networks(profiles: Profiles) -> None:
    profiles.made("gold", projects=[profiles.project("demo")], physical_networks=["physnet1"])
    shown = profiles.member.get(BASE).body["port_profiles"]
    assert [set(one) for one in shown] == [{"id", "name", "description", "kind"}]
    assert profiles.member.get(f"{BASE}/gold").body["port_profile"] == shown[0]
    assert profiles.other.get(BASE).body["port_profiles"] == []
    there, nowhere = (profiles.other.get(f"{BASE}/{name}") for name in ("gold", "lost"))
    assert there.status == nowhere.status == 404
    assert str(there.body).replace("gold", "lost") == str(nowhere.body)


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PUT", "/there"), ("DELETE", "/there")])
def test_members_change_nothing(quiet: Profiles, method: str, path: str) -> None:
    body = {"port_profile": {"name": "mine", "vlans": [100]}}
    assert quiet.member.send(method, f"{BASE}{path}", body).status == 403


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 40}, "name"), ({"name": "a/b"}, "name"), ({"name": None}, "name"),
        ({"name": SOMEBODY}, "name"), ({"name": "ü"}, "name"),
        ({"vlans": []}, "vlans"), ({"vlans": [0]}, "vlans"), ({"vlans": [4095]}, "vlans"), ({"vlans": "100"}, "vlans"),
        ({"vlans": [1, 1]}, "vlans"), ({"vlans": [True]}, "vlans"), ({"vlans": [[1]]}, "vlans"),
        ({"physical_networks": ["nowhere"]}, "physical_networks"), ({"physical_networks": [""]}, None),
        ({"physical_networks": "physnet1"}, None), ({"projects": [SOMEBODY]}, "projects"),
        ({"kind": "802.1Qbg"}, "kind"), ({"kind": 7}, "kind"), ({"max_ports": 0}, "max_ports"),
        ({"max_ports": 4097}, "max_ports"), ({"max_ports": True}, "max_ports"), ({"max_ports": 1.5}, "max_ports"),
        ({"description": "x" * 256}, None), ({"upstream": "present"}, None), ({"revision_number": 1}, None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_and_named(quiet: Profiles, wrong: dict[str, Any], field: str | None) -> None:
    answer = quiet.admin.post(BASE, {"port_profile": {"name": "gold", "vlans": [100], **wrong}})
    assert answer.status == 400, answer.body
    if field is not None:
        assert answer.body["error"]["facts"]["field"] == field


@pytest.mark.parametrize("body", [{}, {"port_profile": None}, {"port_profile": {"name": "gold"}}, [], "gold"])
def test_what_is_no_profile_is_refused(quiet: Profiles, body: object) -> None:
    assert quiet.admin.post(BASE, body).status == 400


def test_a_taken_name_is_refused(profiles: Profiles) -> None:
    profiles.made()
    profiles.made("silver")
    assert profiles.create().status == 409
    assert profiles.change("silver", name="gold").status == 409


def test_a_change_is_of_one_revision(profiles: Profiles) -> None:
    profiles.made()
    assert profiles.change(max_ports=9, revision_number=7).status == 412
    body = {"port_profile": {"max_ports": 9}}
    for given, status in (("revision_number=7", 412), ("7", 400), ("revision_number=1", 200)):
        assert profiles.admin.send("PUT", f"{BASE}/gold", body, {"If-Match": given}).status == status
    assert (profiles.show()["max_ports"], profiles.show()["revision_number"]) == (9, 2)
    assert profiles.change(max_ports=9).body["port_profile"]["revision_number"] == 2


def test_every_change_is_told(profiles: Profiles) -> None:
    profiles.made()
    profiles.change(vlans=[100, 5], name="platinum")
    profiles.admin.delete(f"{BASE}/platinum")
    assert [(kind, detail["name"]) for kind, detail in profiles.events()] == [
        ("port-profile.created", "gold"),
        ("port-profile.updated", "platinum"),
        ("port-profile.deleted", "platinum"),
    ]
    assert profiles.events()[1][1] == {"name": "platinum", "vlans": [100, 5]}


# --- networks and ports ----------------------------------------------------------------------------------------


def test_a_network_carries_a_default_by_name_or_id_and_shows_the_name(profiles: Profiles) -> None:
    made = profiles.made()
    for named in ("gold", made["id"]):
        shown = profiles.admin.get(f"{NETWORKS}/{profiles.network_id(**{PROFILE: named})}").body["network"]
        assert shown[PROFILE] == "gold"
        profiles.admin.delete(f"{NETWORKS}/{shown['id']}")
    network = profiles.network_id()
    assert PROFILE not in profiles.admin.get(f"{NETWORKS}/{network}").body["network"]
    for value in ("gold", None):
        answer = profiles.admin.put(f"{NETWORKS}/{network}", {"network": {PROFILE: value}})
        assert answer.body["network"].get(PROFILE) == value


@pytest.mark.parametrize(
    ("network", "code", "words"),
    [
        ((200,), "PortProfileVlanMismatch",
         "port profile gold puts ports on VLAN 100, and network blue is on VLAN 200"),
        ((None,), "PortProfileVlanMismatch", "port profile gold puts ports on VLAN 100, and network blue is untagged"),
        ((100, "physnet2"), "PortProfilePhysicalNetworkMismatch",
         "port profile gold is of physnet1, and network blue is on physnet2"),
    ],
)  # fmt: skip
def test_a_profile_that_is_not_the_networks_is_refused_with_both_values(
    profiles: Profiles, network: tuple[Any, ...], code: str, words: str
) -> None:
    profiles.made(physical_networks=["physnet1"])
    wanted = 409, code, words
    assert neutron_says(profiles.network(*network, **{PROFILE: "gold"})) == wanted
    ident = profiles.network_id(*network)
    assert neutron_says(profiles.admin.put(f"{NETWORKS}/{ident}", {"network": {PROFILE: "gold"}})) == wanted
    assert neutron_says(profiles.port(ident, profiles.admin, **{PROFILE: "gold"})) == wanted
    bare = profiles.port(ident, profiles.admin).body["port"]["id"]
    assert neutron_says(profiles.admin.put(f"{PORTS}/{bare}", {"port": {PROFILE: "gold"}})) == wanted
    assert PROFILE not in profiles.admin.get(f"{NETWORKS}/{ident}").body["network"]


def test_a_member_hears_that_it_clashes_and_no_vlan(profiles: Profiles) -> None:
    profiles.made(vlans=[777])
    status, code, words = neutron_says(profiles.port(profiles.network_id(100), **{PROFILE: "gold"}))
    assert (status, code) == (409, "PortProfileVlanMismatch")
    assert "777" not in words
    assert "100" not in words


def test_a_profile_that_there_is_not_and_one_of_others_are_the_same_to_a_member(profiles: Profiles) -> None:
    profiles.made("theirs", projects=[profiles.project("other")])
    network = profiles.network_id()
    there, nowhere = (neutron_says(profiles.port(network, **{PROFILE: name})) for name in ("theirs", "lost"))
    assert nowhere[:2] == (404, "PortProfileNotFound")
    assert [str(part).replace("theirs", "lost") for part in there] == [str(part) for part in nowhere]


def test_no_name_at_all_is_no_port_profile(profiles: Profiles) -> None:
    status, _, words = neutron_says(profiles.port(profiles.network_id(), **{PROFILE: ""}))
    assert (status, words) == (400, "the name of a port profile is empty")


def test_a_port_has_its_own_or_none_and_it_is_shown_by_name(profiles: Profiles) -> None:
    profiles.made()
    network = profiles.network_id()
    port = profiles.port(network, **{PROFILE: "gold"}).body["port"]
    assert port[PROFILE] == "gold"
    changed = profiles.member.put(f"{PORTS}/{port['id']}", {"port": {PROFILE: None}})
    assert changed.body["port"].get(PROFILE) is None


@pytest.mark.parametrize("vnic_type", ["normal", "direct-physical"])
def test_a_port_without_a_vf_of_its_own_names_no_profile(profiles: Profiles, vnic_type: str) -> None:
    profiles.made()
    answer = profiles.port(profiles.network_id(), **{PROFILE: "gold", "binding:vnic_type": vnic_type})
    assert answer.status == 400
    assert f"and the port's is {vnic_type}" in neutron_says(answer)[2]


@pytest.mark.parametrize("is_default", [True, False])
def test_the_vlan_of_a_network_does_not_move_from_under_a_profile(profiles: Profiles, is_default: bool) -> None:
    profiles.made()
    network = profiles.network_id(**({PROFILE: "gold"} if is_default else {}))
    if not is_default:
        assert profiles.port(network, **{PROFILE: "gold"}).status == 201
    answer = profiles.admin.put(f"{NETWORKS}/{network}", {"network": {"provider:segmentation_id": 300}})
    assert neutron_says(answer) == (
        409,
        "PortProfileVlanMismatch",
        "port profile gold puts ports on VLAN 100, and network blue is on VLAN 300",
    )


def test_vlan_and_default_move_together(profiles: Profiles) -> None:
    profiles.made()
    profiles.made("silver", [300])
    network = profiles.network_id(**{PROFILE: "gold"})
    changes = {"provider:segmentation_id": 300, PROFILE: "silver"}
    assert profiles.admin.put(f"{NETWORKS}/{network}", {"network": changes}).status == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vlans": [200, 100]}, "port profile gold puts ports on VLAN 200, and network blue is on VLAN 100"),
        ({"physical_networks": ["physnet2"]}, "port profile gold is of physnet2, and network blue is on physnet1"),
    ],
)
@pytest.mark.parametrize("is_network", [True, False])
def test_a_change_that_contradicts_who_names_it_is_refused(
    profiles: Profiles, changes: dict[str, Any], words: str, is_network: bool
) -> None:
    profiles.made()
    network = profiles.network_id(**({PROFILE: "gold"} if is_network else {}))
    if not is_network:
        assert profiles.port(network, **{PROFILE: "gold"}).status == 201
    answer = profiles.change(**changes)
    assert (answer.status, answer.body["error"]["message"]) == (409, words)
    assert profiles.change(vlans=[100, 5], name="platinum").status == 200


def test_a_profile_that_is_named_stays(profiles: Profiles) -> None:
    profiles.made()
    network = profiles.network_id(**{PROFILE: "gold"})
    port = profiles.port(network, name="fast", **{PROFILE: "gold"}).body["port"]
    answer = profiles.admin.delete(f"{BASE}/gold")
    assert (answer.status, answer.body["error"]["code"]) == (409, "PortProfileInUse")
    assert answer.body["error"]["message"] == "port profile gold is in use: networks blue; ports fast"
    assert answer.body["error"]["facts"] == {"networks": [network], "ports": [port["id"]], "bound_ports": []}
    assert profiles.show()["networks"] == [{"id": network, "name": "blue"}]
    assert profiles.show()["ports"] == [{"id": port["id"], "name": "fast"}]
    profiles.member.delete(f"{PORTS}/{port['id']}")
    profiles.admin.delete(f"{NETWORKS}/{network}")
    assert profiles.admin.delete(f"{BASE}/gold").status == 204
