"""What is wrong is refused with a 4xx that names the field and the value, and changes nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.network.neutron import BASE, ZERO, Neutron

VLAN = {"provider:network_type": "vlan", "provider:physical_network": "physnet1"}
#: Stand for the ids of what the scene has.
NET, SUB, PORT = "@network", "@subnet", "@port"
MAC = "02:00:00:00:00:0a"


class Scene:
    """A network with a subnet and a port; the port has 192.0.2.50 and ``MAC``."""

    def __init__(self, neutron: Neutron):
        self.neutron = neutron
        network = neutron.vlan_network(100, name="scene")
        subnet = neutron.subnet(network)
        fixed = [{"ip_address": "192.0.2.50"}]
        port = neutron.port(network, mac_address=MAC, fixed_ips=fixed)
        self._ids = {NET: network["id"], SUB: subnet["id"], PORT: port["id"]}

    def translate(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.translate(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.translate(item) for item in value]
        if isinstance(value, str):
            for name, ident in self._ids.items():
                value = value.replace(name, ident)
        return value


@pytest.fixture(scope="module")
def scene(quiet: Neutron) -> Scene:
    return Scene(quiet)


def network(**attributes: object) -> tuple[str, str, object]:
    return "POST", "/networks", {"network": attributes}


def vlan(vlan_id: object) -> tuple[str, str, object]:
    return "POST", "/networks", {"network": {**VLAN, "provider:segmentation_id": vlan_id}}


def subnet(**attributes: object) -> tuple[str, str, object]:
    return "POST", "/subnets", {"subnet": {"network_id": NET, "ip_version": 4, "cidr": "10.0.0.0/24", **attributes}}


def port(**attributes: object) -> tuple[str, str, object]:
    return "POST", "/ports", {"port": {"network_id": NET, **attributes}}


def put(noun: str, ident: str, **attributes: object) -> tuple[str, str, object]:
    return "PUT", f"/{noun}s/{ident}", {noun: attributes}


#: caller, call, status, and the words that the error holds.
TABLE: list[tuple[str, tuple[str, str, object], int, tuple[str, ...]]] = [
    ("admin", network(bogus=1), 400, ("'bogus'",)),
    ("admin", network(id=ZERO), 400, ("'id' not allowed in POST",)),
    ("admin", network(status="DOWN"), 400, ("'status' not allowed",)),
    ("admin", put("network", NET, status="DOWN"), 400, ("read-only attribute status",)),
    ("admin", put("network", NET, project_id="x"), 400, ("read-only attribute project_id",)),
    ("admin", network(name=1), 400, ("name", "'1'")),
    ("admin", network(name="n" * 256), 400, ("name", "255")),
    ("admin", network(name=None), 400, ("name", "None")),
    ("admin", network(mtu=True), 400, ("mtu", "'True' is not an integer")),
    ("admin", network(mtu="big"), 400, ("mtu", "'big'")),
    ("admin", network(mtu=-1), 400, ("mtu", "-1")),
    ("admin", network(mtu=9217), 400, ("mtu", "9217")),
    ("admin", network(mtu=1500.5), 400, ("mtu", "1500.5")),
    ("admin", network(admin_state_up="perhaps"), 400, ("admin_state_up", "'perhaps'")),
    ("admin", network(admin_state_up=None), 400, ("admin_state_up", "'None'")),
    ("admin", network(admin_state_up=2), 400, ("admin_state_up", "'2'")),
    ("admin", network(tags=["a"]), 400, ("'tags' not allowed in POST",)),
    ("admin", network(qos_policy_id=ZERO), 404, (ZERO,)),
    ("admin", network(**{"mooring:default_vnic_type": "baremetal"}), 400, ("default_vnic_type", "baremetal")),
    ("admin", vlan(0), 400, ("segmentation_id", "0", "1 through 4094")),
    ("admin", vlan(4095), 400, ("segmentation_id", "4095")),
    ("admin", vlan(4096), 400, ("segmentation_id", "4096")),
    ("admin", vlan(-5), 400, ("segmentation_id", "-5")),
    ("admin", vlan("x"), 400, ("segmentation_id", "'x'")),
    ("admin", vlan(True), 400, ("segmentation_id", "'True'")),
    ("admin", vlan(100), 409, ("VLAN 100", "physnet1", "in use")),
    ("admin", network(**{**VLAN, "provider:physical_network": "nowhere"}), 400, ("'nowhere' unknown",)),
    (
        "admin",
        network(**{"provider:network_type": "flat", "provider:physical_network": "nowhere"}),
        400,
        ("'nowhere'",),
    ),
    ("admin", network(segments=[{**VLAN, "vlan": 5}]), 400, ("segments", "vlan")),
    ("admin", network(segments="x"), 400, ("segments", "'x'")),
    ("admin", network(segments=[VLAN], **VLAN), 400, ("cannot both be set",)),
    ("admin", put("network", NET, **{"provider:segmentation_id": 4095}), 400, ("segmentation_id", "4095")),
    ("admin", put("network", NET, **{"provider:network_type": "flat"}), 400, ("provider:network_type",)),
    ("member", vlan(101), 403, ("provider:network_type",)),
    ("member", network(shared=False), 403, ("create_network:shared",)),
    ("member", network(project_id="another"), 400, ("project_id",)),
    ("member", network(tenant_id="another"), 400, ("tenant_id",)),
    ("admin", network(tenant_id="a", project_id="b"), 400, ("tenant_id", "project_id")),
    ("reader", network(name="r"), 403, ("create_network",)),
    ("member", subnet(cidr="192.0.2.0/25"), 400, ("192.0.2.0/25", "overlaps")),
    ("member", subnet(cidr="nonsense"), 400, ("nonsense", "CIDR")),
    ("member", subnet(cidr=5), 400, ("cidr", "'5'")),
    ("member", subnet(cidr="10.0.0.0/33"), 400, ("10.0.0.0/33",)),
    ("member", subnet(ip_version=True), 400, ("ip_version", "'True'")),
    ("member", subnet(ip_version=5), 400, ("ip_version", "5")),
    ("member", subnet(network_id="net1"), 400, ("network_id", "'net1'", "UUID")),
    ("member", subnet(network_id=ZERO), 404, (ZERO,)),
    ("member", subnet(gateway_ip="10.0.0.300"), 400, ("gateway_ip", "10.0.0.300")),
    ("member", subnet(gateway_ip="fe80::1"), 400, ("gateway_ip", "fe80::1")),
    ("member", subnet(allocation_pools=[{"start": "10.0.0.9"}]), 400, ("allocation_pools", "10.0.0.9")),
    ("member", subnet(allocation_pools=None), 400, ("allocation_pools", "None")),
    ("member", subnet(allocation_pools=[{"start": "10.0.1.1", "end": "10.0.1.9"}]), 400, ("10.0.1.1", "beyond")),
    ("member", subnet(dns_nameservers=["dns"]), 400, ("dns_nameservers", "'dns'")),
    ("member", subnet(dns_nameservers=[f"10.9.9.{n}" for n in range(6)]), 400, ("dns_nameservers", "6")),
    ("member", subnet(host_routes=[{"destination": "x", "nexthop": "10.0.0.1"}]), 400, ("host_routes", "'x'")),
    ("member", subnet(service_types=["anything"]), 400, ("service_types", "'anything'")),
    ("member", subnet(ipv6_ra_mode="slaac"), 400, ("ipv6_ra_mode",)),
    ("member", subnet(prefixlen=26), 400, ("prefixlen", "together")),
    ("member", subnet(segment_id=ZERO), 403, ("create_subnet:segment_id",)),
    ("member", put("subnet", SUB, cidr="10.0.0.0/24"), 400, ("read-only attribute cidr",)),
    ("member", ("POST", "/ports", {"port": {}}), 400, ("'network_id' not specified",)),
    ("member", port(network_id="net1"), 400, ("network_id", "'net1'")),
    ("member", port(network_id=None), 400, ("network_id", "'None'")),
    ("member", port(network_id=ZERO), 404, (ZERO,)),
    ("member", port(mac_address="02:00:00:00:00"), 400, ("mac_address", "02:00:00:00:00")),
    ("member", port(mac_address="01:00:5e:00:00:01"), 400, ("mac_address", "01:00:5e:00:00:01")),
    ("member", port(mac_address="ff:ff:ff:ff:ff:ff"), 400, ("mac_address", "ff:ff:ff:ff:ff:ff")),
    ("member", port(mac_address=f"{MAC}\n"), 400, ("mac_address", MAC)),
    ("member", port(mac_address=MAC), 409, ("mac address", MAC)),
    ("member", put("port", PORT, mac_address="zz"), 400, ("mac_address", "zz")),
    ("member", port(fixed_ips=[{"ip_address": "9.9.9.9"}]), 400, ("9.9.9.9",)),
    ("member", port(fixed_ips=[{"ip_address": "192.0.2.0"}]), 400, ("192.0.2.0",)),
    ("member", port(fixed_ips=[{"ip_address": "192.0.2.050"}]), 400, ("fixed_ips", "192.0.2.050")),
    ("member", port(fixed_ips=[{"ip_address": "192.0.2.50"}]), 409, ("192.0.2.50", "allocated")),
    ("member", port(fixed_ips=[{"ip_address": "192.0.2.7"}] * 2), 400, ("fixed_ips", "192.0.2.7")),
    ("member", port(fixed_ips=[{"subnet_id": ZERO}]), 400, ("fixed_ips", ZERO)),
    ("member", port(fixed_ips=[{"subnet_id": "sub"}]), 400, ("fixed_ips", "'sub'")),
    ("member", port(fixed_ips=[{}]), 400, ("fixed_ips",)),
    ("member", port(fixed_ips={"ip_address": "192.0.2.9"}), 400, ("fixed_ips",)),
    ("member", port(fixed_ips=[{"subnet_id": SUB}] * 65), 400, ("fixed_ips", "65")),
    ("member", port(**{"binding:vnic_type": "bogus"}), 400, ("binding:vnic_type", "bogus")),
    ("member", port(**{"binding:vnic_type": None}), 400, ("binding:vnic_type", "None")),
    ("member", port(**{"binding:vnic_type": ["direct"]}), 400, ("binding:vnic_type", "direct")),
    ("member", port(**{"binding:host_id": "cn1"}), 403, ("binding:host_id",)),
    ("member", port(**{"binding:profile": {}}), 403, ("binding:profile",)),
    ("admin", port(**{"binding:profile": {"a": "b"}}), 403, ("binding:profile",)),
    ("member", put("port", PORT, **{"binding:host_id": None}), 403, ("update_port:binding:host_id",)),
    ("member", port(trusted=False), 403, ("trusted",)),
    ("nova", port(**{"binding:profile": {"x": "y" * 4096}}), 400, ("binding:profile", "too large")),
    ("nova", port(**{"binding:profile": {"pci_slot": "81:10"}}), 400, ("pci_slot", "'81:10'")),
    ("nova", port(**{"binding:profile": {"vlan": 4095}}), 400, ("vlan", "4095")),
    ("nova", port(**{"binding:profile": {"vlan": 101}}), 409, ("101", "100")),
    ("nova", port(**{"binding:vif_type": "ovs"}), 400, ("binding:vif_type",)),
    ("member", port(security_groups=[ZERO]), 404, (ZERO,)),
    ("member", port(extra_dhcp_opts=[{"opt_name": "a"}]), 400, ("extra_dhcp_opts",)),
    ("member", port(numa_affinity_policy="near"), 400, ("numa_affinity_policy", "near")),
    ("member", port(**{"binding:profile": {"pci_group": "nowhere"}}), 400, ("PCI group nowhere",)),
    ("member", port(**{"binding:profile": {"pci_group": "fast", "a": "b"}}), 403, ("binding:profile",)),
    ("member", port(**{"binding:profile": {"pci_group": "a:b"}}), 400, ("binding:profile pci_group", "a:b")),
    ("member", port(**{"binding:profile": {"pci_features": []}}), 400, ("binding:profile pci_features",)),
    ("member", port(**{"binding:profile": {"pci_min_rate_mbps": 1}}), 403, ("binding:profile",)),
    ("nova", port(**{"binding:profile": {"pci_min_rate_mbps": 0}}), 400, ("binding:profile pci_min_rate_mbps", "0")),
    ("member", port(tags=["t" * 256]), 400, ("tags", "255")),
    ("member", port(tags=[f"t{n}" for n in range(51)]), 400, ("tags", "51")),
    ("member", put("port", PORT, network_id=ZERO), 400, ("read-only attribute network_id",)),
    ("member", ("POST", "/ports", {"ports": []}), 400, ("Resources required",)),
    ("member", ("POST", "/ports", {"ports": [{"network_id": NET}, {"network_id": ZERO}]}), 404, (ZERO,)),
    ("member", ("POST", "/ports", {"ports": [{"network_id": NET}, 5]}), 400, ("'port'",)),
    ("member", ("POST", "/ports", [1]), 400, ("Unable to find 'port'",)),
    ("member", ("PUT", f"/ports/{PORT}/tags", {"tags": "x"}), 400, ("tags", "'x'")),
    ("member", ("PUT", f"/ports/{PORT}/tags", {"tag": []}), 400, ("tags",)),
    ("member", ("DELETE", f"/ports/{PORT}/tags/none", None), 404, ("none",)),
    ("other", ("DELETE", f"/ports/{PORT}", None), 404, (PORT,)),
    ("other", ("DELETE", f"/networks/{NET}", None), 404, (NET,)),
    ("other", put("subnet", SUB, name="x"), 404, (SUB,)),
    ("member", ("DELETE", f"/networks/{NET}", None), 409, (PORT,)),
    ("member", ("DELETE", f"/subnets/{SUB}", None), 409, (SUB,)),
    ("reader", ("DELETE", f"/ports/{PORT}", None), 403, ("delete_port",)),
]


@pytest.mark.parametrize(("caller", "call", "status", "words"), TABLE, ids=range(len(TABLE)))
def test_bad_input_is_named_and_changes_nothing(
    scene: Scene, caller: str, call: tuple[str, str, object], status: int, words: tuple[str, ...]
) -> None:
    method, path, body = scene.translate(list(call))
    before = scene.neutron.dump()
    answer = getattr(scene.neutron, caller).send(method, BASE + path, body)
    assert answer.status == status, answer.body
    said = answer.body["NeutronError"]
    for word in words:
        assert scene.translate(word) in f"{said['message']} {said['detail']}"
    assert scene.neutron.dump() == before


@pytest.mark.parametrize("raw", [b"{bad", b"\xff\xfe", b"[" * 3000, b'{"network": {"name": "\\ud800"}}', b"NaN", b""])
def test_body_that_is_no_json_is_refused(scene: Scene, raw: bytes) -> None:
    answer = scene.neutron.member.send("POST", f"{BASE}/networks", raw=raw)
    assert answer.status == 400, answer.body
    assert answer.body["NeutronError"]["type"] == "HTTPBadRequest"


def test_body_over_the_limit_is_refused(scene: Scene) -> None:
    answer = scene.neutron.member.post(f"{BASE}/networks", {"network": {"name": "n" * 300_000}})
    assert answer.status == 413


@pytest.mark.parametrize("token", [None, "", "garbage", "x" * 5000])
def test_without_a_token_that_is_known_there_is_no_answer(scene: Scene, token: str | None) -> None:
    answer = scene.neutron.nobody.with_token(token).get(f"{BASE}/networks")
    assert answer.status == 401
    assert answer.body["error"]["title"] == "Unauthorized"


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("bogus=1", "['bogus']"),
        ("changed_since=2026-01-01", "changed_since"),
        ("limit=-1", "-1"),
        ("limit=1e9", "1e9"),
        ("sort_key=name&sort_dir=up", "up"),
        ("sort_key=fixed_ips&sort_dir=asc", "fixed_ips"),
        ("admin_state_up=perhaps", "perhaps"),
        ("fixed_ips=192.0.2.1", "192.0.2.1"),
        ("revision_number=one", "one"),
        ("page_reverse=backwards", "backwards"),
    ],
)
def test_query_that_means_nothing_is_refused(scene: Scene, query: str, word: str) -> None:
    answer = scene.neutron.member.get(f"{BASE}/ports?{query}")
    assert answer.status == 400, answer.body
    assert word in answer.body["NeutronError"]["message"]


SCALARS = st.none() | st.booleans() | st.integers(-5, 5000) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=8) | st.sampled_from(["192.0.2.9", "2001:db8::/64", ZERO, MAC, "vlan", "physnet1", "direct"])
KEYS = st.sampled_from(
    [
        "subnet_id",
        "ip_address",
        "start",
        "end",
        "pci_slot",
        "vlan",
        "destination",
        "nexthop",
        "pci_group",
        "pci_features",
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = {
    "network": ["name", "mtu", "shared", "segments", "provider:segmentation_id", "provider:physical_network", "tags"],
    "subnet": [
        "cidr",
        "ip_version",
        "gateway_ip",
        "allocation_pools",
        "dns_nameservers",
        "host_routes",
        "service_types",
    ],
    "port": [
        "fixed_ips",
        "mac_address",
        "binding:profile",
        "binding:vnic_type",
        "binding:host_id",
        "device_id",
        "trusted",
    ],
}


USUAL: dict[str, dict[str, Any]] = {
    "network": {},
    "subnet": {"network_id": NET, "ip_version": 4},
    "port": {"network_id": NET},
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), noun=st.sampled_from(sorted(ATTRIBUTES)), is_put=st.booleans())
def test_no_value_of_any_attribute_breaks_the_server(
    scene: Scene, data: st.DataObject, noun: str, is_put: bool
) -> None:
    given_attributes = data.draw(st.dictionaries(st.sampled_from(ATTRIBUTES[noun]), JSON, max_size=3))
    usual = USUAL[noun]
    ident = {"network": NET, "subnet": SUB, "port": PORT}[noun]
    body = given_attributes if is_put else {**usual, **given_attributes}
    call = ("PUT", f"/{noun}s/{ident}", {noun: body}) if is_put else ("POST", f"/{noun}s", {noun: body})
    method, path, sent = scene.translate(list(call))
    answer = scene.neutron.nova.send(method, BASE + path, sent)
    assert answer.status < 500, answer.body
