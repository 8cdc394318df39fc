"""Bad input to ports and bindings, class by class: refused by name, never a 5xx, and nothing changes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.network.neutron import BASE, Neutron, neutron_at

MACS: list[Any] = [
    "", "zz", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01", "01:80:c2:00:00:0e",
    "02:00:00:00:00:01\n", " 02:00:00:00:00:01", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00:00:00:00:01",
    "0\uff12:00:00:00:00:01", "02:00:00:00:00:0g", "02:00:00:00:00:01\u0000", 1, True, [], {},
    "80:00:02:08:fe:80:00:00:00:00:00:00:7c:fe:90:03:00:29:26:52",
]  # fmt: skip
ADDRESSES: list[Any] = [
    "", "9.9.9.9", "192.0.2.0", "192.0.2.255", "192.0.2.05", "192.0.2.1\n", "0xc0.0.2.5", "3221225989", "192.0.2",
    "::ffff:192.0.2.5", "fe80::1%eth0", "192.0.2.5/24", "224.0.0.1", "0.0.0.0/0", "255.255.255.255", None, 5, True, [],
]  # fmt: skip
PAIRS: list[Any] = [
    "x", {}, [5], [{}], [{"mac_address": "02:00:00:00:00:01"}], [{"ip_address": "12.12.12.a"}],
    [{"ip_address": "10.0.0.0/33"}], [{"ip_address": "10.0.0.0/-1"}], [{"ip_address": "10.0.0.0/8/8"}],
    [{"ip_address": None}], [{"ip_address": "224.0.0.1"}], [{"ip_address": "ff02::/16"}],
    [{"ip_address": "10.0.0.1", "mac_address": "01:00:5e:00:00:01"}], [{"ip_address": "10.0.0.1", "x": 1}],
    [{"ip_address": "10.0.0.1"}, {"ip_address": "10.0.0.1"}], [{"ip_address": f"10.0.0.{n}"} for n in range(11)],
]  # fmt: skip
OPTIONS: list[Any] = [
    "x", {}, [5], [{}], [{"opt_name": "a"}], [{"opt_name": "", "opt_value": "b"}], [{"opt_name": "a", "opt_value": 5}],
    [{"opt_name": "a", "opt_value": "b\nmalice"}], [{"opt_name": "a\r", "opt_value": "b"}],
    [{"opt_name": "a", "opt_value": "b", "ip_version": 5}], [{"opt_name": "a", "opt_value": "b", "ip_version": True}],
    [{"opt_name": "a", "opt_value": "b", "ip_version": []}], [{"opt_name": "a", "opt_value": "b", "x": 1}],
    [{"opt_name": "a" * 65, "opt_value": "b"}], [{"opt_name": "a", "opt_value": "b" * 256}],
    [{"opt_name": "a", "opt_value": "b\u2028c"}], [{"opt_name": str(n), "opt_value": "b"} for n in range(65)],
]  # fmt: skip
IDS: list[Any] = [
    "", "x", "0000", "00000000-0000-0000-0000-00000000000", "00000000000000000000000000000000",
    "{00000000-0000-0000-0000-000000000000}", "urn:uuid:00000000-0000-0000-0000-000000000000",
    "00000000-0000-0000-0000-000000000000\n", "0000000\uff10-0000-0000-0000-000000000000", None, 5, [],
]  # fmt: skip
BINDINGS: list[dict[str, Any]] = [
    {"binding:host_id": ["cn1"]}, {"binding:host_id": "h" * 4096}, {"binding:host_id": 5},
    {"binding:profile": "x"}, {"binding:profile": []}, {"binding:profile": 5},
    {"binding:profile": {"trusted": 1}}, {"binding:profile": {"trusted": {"a": True}}},
    {"binding:profile": {"pci_slot": "0000:00:1f/0"}}, {"binding:profile": {"pci_slot": "0000:00:00.0\n"}},
    {"binding:profile": {"pci_slot": 5}}, {"binding:profile": {"pci_vendor_info": "x"}},
    {"binding:profile": {"physical_network": ""}}, {"binding:profile": {"physical_network": "p" * 65}},
    {"binding:profile": {"device_mac_address": "01:00:5e:00:00:01"}}, {"binding:profile": {"x": "y" * 4096}},
    {"binding:vnic_type": "DIRECT"}, {"binding:vnic_type": None}, {"binding:vnic_type": ["direct"]},
    {"binding:vif_type": "hw_veb"}, {"binding:vif_details": {}}, {"hardware_offload_type": "no"},
    {"hardware_offload_type": True}, {"data_plane_status": "up"}, {"hints": {"x": 1}}, {"hints": "x"},
    {"hints": {"openvswitch": {"other_config": {"tx-steering": "up"}}}}, {"hints": {"openvswitch": []}},
    {"device_profile": "x" * 256}, {"device_profile": 5}, {"ip_allocation": "none"}, {"resource_request": None},
    {"qos_network_policy_id": None}, {"mooring:not_enforced": []}, {"mooring:port_profile": 5},
    {"security_groups": "x"}, {"security_groups": {}}, {"status": "ACTIVE"}, {"device_owner": None},
    {"device_id": "d" * 256}, {"device_id": 5}, {"admin_state_up": "perhaps"}, {"port_security_enabled": None},
    {"tags": ["a", 5]},
]  # fmt: skip
CASES: list[tuple[str, Any]] = [
    *(("mac_address", value) for value in MACS),
    *(("fixed_ips", [{"ip_address": value}]) for value in ADDRESSES),
    *(("fixed_ips", [{"subnet_id": value}]) for value in IDS),
    *(("allowed_address_pairs", value) for value in PAIRS),
    *(("extra_dhcp_opts", value) for value in OPTIONS),
    *(("security_groups", [value]) for value in IDS),
    *(("qos_policy_id", value) for value in IDS if value is not None),
    *(case for each in BINDINGS for case in each.items()),
]
MARKED_BY_JSON = [
    b"", b"null", b"5", b"[]", b'{"port": null}', b'{"port": [1]}', b'{"ports": {}}', b'{"ports": [null]}',
    b'{"port": {"network_id": NaN}}', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b'{"port": {}} trailing',
    b'{"port": {"name": "\xed\xa0\x80"}}', b"[" * 100_000, b'{"port": ' * 30 + b"1" + b"}" * 30,
    b'{"port": {"__proto__": {}}}', b'{"port": {"network_id": 1e400}}',
]  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Neutron, dict[str, Any], str]]:
    """A network with a subnet and one port: (the cloud, the network, the port's id)."""
    with neutron_at(tmp_path_factory.mktemp("bad")) as neutron:
        network = neutron.vlan_network()
        neutron.subnet(network)
        yield neutron, network, neutron.port(network, mac_address="02:00:00:00:00:aa")["id"]


@pytest.mark.parametrize(("attribute", "value"), CASES, ids=lambda value: repr(value)[:50])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_value_that_cannot_be_is_refused_and_changes_nothing(
    scene: tuple[Neutron, dict[str, Any], str], method: str, attribute: str, value: Any
) -> None:
    neutron, network, port_id = scene
    before = neutron.dump()
    path = f"{BASE}/ports" if method == "POST" else f"{BASE}/ports/{port_id}"
    body = {attribute: value, **({"network_id": network["id"]} if method == "POST" else {})}
    answer = neutron.nova.send(method, path, {"port": body})
    assert answer.status in (400, 404), answer.body
    said = answer.body["NeutronError"]["message"]
    assert "\n" not in said, "a log line stays a line"
    assert len(said) < 1000
    assert neutron.dump() == before


@pytest.mark.parametrize(
    "ident", ["x", "0" * 8, "..%2f..", "%00", "x" * 4000, "00000000-0000-0000-0000-000000000000%0a"]
)
@pytest.mark.parametrize("path", ["", "/bindings", "/bindings/cn1", "/bindings/cn1/activate", "/tags"])
def test_id_of_nothing_is_not_found(scene: tuple[Neutron, dict[str, Any], str], ident: str, path: str) -> None:
    neutron = scene[0]
    method = "PUT" if path.endswith("activate") else "GET"
    assert neutron.nova.send(method, f"{BASE}/ports/{ident}{path}", None).status in (400, 404)


def test_truncated_id_is_nobodys(scene: tuple[Neutron, dict[str, Any], str]) -> None:
    neutron, _, port_id = scene
    assert neutron.nova.get(f"{BASE}/ports/{port_id[:11]}").status == 404
    assert neutron.nova.get(f"{BASE}/ports/{port_id.upper()}").status == 404


@pytest.mark.parametrize("raw", MARKED_BY_JSON, ids=lambda raw: repr(raw[:30]))
@pytest.mark.parametrize("path", ["/ports", "/security-groups", "/security-group-rules", "/ports/PORT/bindings"])
def test_body_that_is_no_request_is_refused(scene: tuple[Neutron, dict[str, Any], str], path: str, raw: bytes) -> None:
    neutron, _, port_id = scene
    answer = neutron.nova.send("POST", f"{BASE}{path.replace('PORT', port_id)}", raw=raw)
    assert answer.status in (400, 413), answer.body
    assert answer.body["NeutronError"]["type"] in ("HTTPBadRequest", "BadRequest", "RequestTooLarge")
