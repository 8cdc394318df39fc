"""Every wrong body and query is refused with 400, the field and the value, and changes nothing."""

from typing import Any

import pytest

from tests.api.compute.cloud import BASE, Compute, at

UUID = "5ae6a9a2-62a5-4d26-a7b5-bd1e3a2f9d11"
LEAST = {"server": {"name": "x", "flavorRef": "1", "networks": "none"}}
OTHER = "0e0b6d1c-54e5-4d9b-9aa2-5d4fb6d5a4c5"


def disk(source: str, destination: str) -> dict[str, object]:
    return {"uuid": UUID, "source_type": source, "destination_type": destination}


#: What of a create's body is replaced, and what the answer must say of it.
BAD_SERVERS: list[tuple[dict[str, object], str]] = [
    ({"name": ""}, "field/attribute name. Value: . '' should be non-empty"),
    ({"name": "n" * 256}, "is too long"),
    ({"name": 12345}, "field/attribute name. Value: 12345. 12345 is not of type 'string'"),
    ({"name": " padded"}, "Can not start or end with whitespace"),
    ({"name": "tab\tbed"}, "printable characters"),
    ({"name": None}, "None is not of type 'string'"),
    ({"flavorRef": 1}, "field/attribute flavorRef. Value: 1"),
    ({"flavorRef": ""}, "flavorRef"),
    ({"imageRef": "img1"}, "field/attribute imageRef. Value: img1. 'img1' is not a 'uuid'"),
    ({"imageRef": True}, "imageRef"),
    ({"bogus": 1}, "Additional properties are not allowed ('bogus' was unexpected)"),
    ({"bogus": 1, "more": 2}, "('bogus', 'more' were unexpected)"),
    ({"min_count": True}, "field/attribute min_count. Value: True"),
    ({"min_count": 0}, "0 is less than the minimum of 1"),
    ({"max_count": -1}, "-1 is less than the minimum of 1"),
    ({"max_count": "two"}, "max_count"),
    ({"max_count": 1.5}, "max_count"),
    ({"max_count": 10**9}, "greater than the maximum"),
    ({"min_count": 3, "max_count": 2}, "min_count must be <= max_count"),
    ({"networks": "some"}, "field/attribute networks. Value: some"),
    ({"networks": {}}, "networks"),
    ({"networks": [UUID]}, "field/attribute 0"),
    ({"networks": [{}]}, "names a network with 'uuid'"),
    ({"networks": [{"uuid": "net"}]}, "field/attribute uuid. Value: net. 'net' is not a 'uuid'"),
    ({"networks": [{"port": "p"}]}, "field/attribute port. Value: p"),
    ({"networks": [{"uuid": UUID, "port": OTHER}]}, f"either port {OTHER} or network {UUID}"),
    ({"networks": [{"uuid": UUID, "net-id": UUID}]}, "uuid and net-id are the same thing"),
    ({"networks": [{"uuid": UUID, "color": "red"}]}, "'color' was unexpected"),
    ({"networks": [{"uuid": UUID, "pci-grp": "g"}]}, "'pci-grp' was unexpected"),
    ({"networks": [{"uuid": UUID, "pci-group": 5}]}, "field/attribute pci-group. Value: 5"),
    ({"networks": [{"uuid": UUID, "pci-group": ""}]}, "should be non-empty"),
    ({"networks": [{"uuid": UUID, "pci-group": "a", "pci-alias": "a"}]}, "pci-group and pci-alias are the same thing"),
    *(
        ({"networks": [{"uuid": UUID, "pci-flavor": f"fast:{count}"}]}, f"'fast:{count}'")
        for count in ("0", "-1", "33", "9999999999999", "two", "", "1:1")
    ),
    ({"networks": [{"uuid": UUID, "pci-group": ":2"}]}, "is not a name"),
    ({"networks": [{"uuid": UUID, "pci-group": "fast:2", "fixed_ip": "192.0.2.9"}]}, "a fixed IP is for one nic"),
    ({"networks": [{"uuid": UUID, "pci-group": "fast:2", "tag": "a"}]}, "a tag is for one nic"),
    ({"networks": [{"port": UUID, "pci-group": "fast:2"}]}, "a port is for one nic"),
    ({"networks": [{"uuid": UUID, "pci-group": "fast:32"}] * 3}, "the server would have 96 nics, and 64 is the most"),
    ({"networks": [{"uuid": UUID, "fixed_ip": "300.1.1.1"}]}, "field/attribute fixed_ip. Value: 300.1.1.1"),
    ({"networks": [{"port": UUID, "fixed_ip": "192.0.2.9"}]}, "the two cannot be specified together"),
    ({"networks": [{"port": UUID, "vnic-type": "direct"}]}, "of its own"),
    ({"networks": [{"uuid": UUID, "tag": "a/b"}]}, "field/attribute tag. Value: a/b"),
    ({"networks": [{"uuid": UUID}] * 65}, "is too long"),
    ({"metadata": {"k": 1}}, "field/attribute k. Value: 1"),
    ({"metadata": {"k": "v" * 256}}, "is too long"),
    ({"metadata": {"k" * 256: "v"}}, "does not match any of the regexes"),
    ({"metadata": {"a/b": "v"}}, "does not match any of the regexes"),
    ({"metadata": {f"k{n}": "v" for n in range(129)}}, "too many properties"),
    ({"metadata": []}, "is not of type 'object'"),
    ({"user_data": "not base64!"}, "is not a 'base64'"),
    ({"user_data": "A" * 65_536}, "is too long"),
    ({"config_drive": "maybe"}, "config_drive"),
    ({"description": "d" * 256}, "is too long"),
    ({"tags": ["a", "a"]}, "non-unique"),
    ({"tags": ["a,b"]}, "Value: a,b"),
    ({"tags": "a"}, "is not of type 'array'"),
    ({"tags": [f"t{n}" for n in range(51)]}, "is too long"),
    ({"key_name": "mine"}, "Invalid key_name provided"),
    ({"networks": [{"uuid": UUID, "port-profile": "x" * 256}]}, "port-profile"),
    ({"adminPass": "word"}, "field/attribute adminPass. Value: ***."),
    ({"hostname": "h"}, "hostname"),
    ({"accessIPv4": "192.0.2.1"}, "accessIPv4"),
    ({"OS-DCF:diskConfig": "AUTO"}, "OS-DCF:diskConfig"),
    ({"security_groups": [{"name": "web"}]}, "field/attribute name. Value: web"),
    ({"trusted_image_certificates": [UUID]}, "trusted_image_certificates"),
    ({"block_device_mapping": [{}]}, "there are no volumes here"),
    ({"block_device_mapping_v2": [{"uuid": UUID, "source_type": "volume", "destination_type": "volume"}]}, "volume"),
    ({"block_device_mapping_v2": [{"uuid": UUID, "source_type": "image", "destination_type": "volume"}]}, "no volumes"),
    (
        {"block_device_mapping_v2": [{"uuid": UUID, "source_type": "image", "destination_type": "local"}]},
        "another image",
    ),
    ({"availability_zone": 5}, "availability_zone"),
]


@pytest.mark.parametrize(("fields", "said"), BAD_SERVERS, ids=lambda value: str(value)[:60])
def test_a_wrong_server_is_refused_by_field_and_value(quiet: Compute, fields: dict[str, Any], said: str) -> None:
    answer = quiet.create(**fields)
    assert answer.status == 400
    assert said in answer.body["badRequest"]["message"]
    assert quiet.member.get(f"{BASE}/servers").body == {"servers": []}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "is not of type 'object'"),
        (None, "Body contains invalid data"),
        ({}, "'server' is a required property"),
        ({"server": []}, "Invalid input for field/attribute server. Value: []. [] is not of type 'object'"),
        ({"server": {"name": "x", "flavorRef": "1"}}, "'networks' is a required property"),
        ({**LEAST, "more": 1}, "'more' was unexpected"),
        ({**LEAST, "os:scheduler_hints": [UUID]}, "scheduler hints are an object"),
        ({**LEAST, "os:scheduler_hints": None}, "scheduler hints are an object"),
        ({**LEAST, "os:scheduler_hints": {"query": "[]"}}, "different_host, group, same_host are"),
        ({**LEAST, "os:scheduler_hints": {"group": "g"}}, "field/attribute group. Value: g. 'g' is not a 'uuid'"),
        ({**LEAST, "os:scheduler_hints": {"group": [UUID]}}, "is not of type 'string'"),
        ({**LEAST, "os:scheduler_hints": {"group": UUID}}, f"Instance group {UUID} could not be found."),
        ({**LEAST, "OS-SCH-HNT:scheduler_hints": {"same_host": True}}, "field/attribute same_host. Value: True"),
        ({**LEAST, "os:scheduler_hints": {"same_host": ["x"]}}, "'x' is not a 'uuid'"),
        ({**LEAST, "os:scheduler_hints": {"same_host": [UUID, UUID]}}, "non-unique"),
        ({**LEAST, "os:scheduler_hints": {"different_host": [UUID] * 101}}, "is too long"),
        ({**LEAST, "os:scheduler_hints": {"different_host": UUID}}, f"Instance {UUID} of scheduler hint"),
        ({**LEAST, "os:scheduler_hints": {}, "OS-SCH-HNT:scheduler_hints": {}}, "are the same thing"),
    ],
)
def test_a_wrong_envelope_is_refused(quiet: Compute, body: object, said: str) -> None:
    answer = quiet.member.send("POST", f"{BASE}/servers", body, at("2.96"))
    assert answer.status == 400
    assert said in answer.body["badRequest"]["message"]


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[" * 5000, b'{"server": NaN}', b'"\\ud800"'])
def test_what_is_not_json_is_refused(quiet: Compute, raw: bytes) -> None:
    answer = quiet.member.send("POST", f"{BASE}/servers", raw=raw)
    assert (answer.status, answer.body.keys()) == (400, {"badRequest"})


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"description": "d"}, "2.18"),
        ({"tags": ["t"]}, "2.51"),
        ({"host": "cn1"}, "2.73"),
        ({"networks": "auto"}, "2.36"),
        ({"hostname": "h"}, "2.89"),
        ({"personality": []}, "2.57"),
    ],
)
def test_a_field_of_another_version_is_unknown(quiet: Compute, fields: dict[str, Any], version: str) -> None:
    answer = quiet.create(version=version, **fields)
    assert answer.status == 400
    assert next(iter(fields)) in answer.body["badRequest"]["message"]


@pytest.mark.parametrize("fields", [{"availability_zone": "nova:cn1"}, {"host": "cn1"}, {"hypervisor_hostname": "cn1"}])
def test_only_an_admin_names_a_host(compute: Compute, fields: dict[str, Any]) -> None:
    answer = compute.create(**fields)
    assert answer.status == 403
    admins = compute.admin.send("POST", f"{BASE}/servers", compute.body(**fields, networks="none"), at("2.96"))
    assert admins.status == 202
    compute.cloud.settle()
    assert compute.show(admins.body["server"]["id"], as_admin=True)["OS-EXT-SRV-ATTR:host"] == "cn1"


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("bogus=1", 400, "'bogus'"),
        ("_internal=1", 200, ""),
        ("limit=-1", 400, "limit"),
        ("limit=x", 400, "limit"),
        ("limit=1.5", 400, "limit"),
        ("marker=nope", 400, "marker [nope] not found"),
        ("sort_key=fault", 400, "sort_key"),
        ("sort_key=uuid&sort_dir=up", 400, "sort_dir"),
        ("sort_dir=asc&sort_dir=asc", 400, "do not go together"),
        ("status=MELTED", 400, "Invalid status value: MELTED"),
        ("status=SHUTOFF", 200, ""),
        ("changes-since=yesterday", 400, "changes-since"),
        ("name=(a", 400, "cannot be used"),
        ("name=a{9}", 400, "counts"),
        ("all_tenants=1", 403, "get_all_tenants"),
        ("all_tenants=", 403, "get_all_tenants"),
        ("all_tenants=perhaps", 400, "all_tenants"),
        ("all_tenants=0", 200, ""),
        ("host=cn1", 403, "allow_all_filters"),
        ("project_id=other", 403, "get_all_tenants"),
        ("config_drive=maybe", 400, "config_drive"),
        ("changes-since=2026-01-02&changes-before=2026-01-01", 400, "changes-before"),
    ],
)
@pytest.mark.parametrize("path", ["servers", "servers/detail"])
def test_a_list_takes_only_what_it_understands(quiet: Compute, path: str, query: str, status: int, said: str) -> None:
    answer = quiet.member.send("GET", f"{BASE}/{path}?{query}", headers=at("2.96"))
    assert answer.status == status, answer.body
    assert said in str(answer.body)


def test_an_unknown_status_is_an_empty_list_before_2_38(compute: Compute) -> None:
    compute.boot(networks="none")
    assert compute.member.send("GET", f"{BASE}/servers?status=MELTED", headers=at("2.37")).body == {"servers": []}


BAD_FLAVORS: list[tuple[dict[str, object], str]] = [
    ({"name": ""}, "name"),
    ({"name": "n" * 256}, "too long"),
    ({"ram": 0}, "minimum of 1"),
    ({"ram": True}, "ram"),
    ({"ram": None}, "ram"),
    ({"ram": "lots"}, "ram"),
    ({"vcpus": -1}, "vcpus"),
    ({"vcpus": 2**31}, "maximum"),
    ({"disk": -1}, "disk"),
    ({"swap": "x"}, "swap"),
    ({"id": "bad/id"}, "field/attribute id"),
    ({"id": " x"}, "field/attribute id"),
    ({"id": 1.5}, "id"),
    ({"rxtx_factor": 0}, "rxtx_factor"),
    ({"rxtx_factor": "NaN"}, "rxtx_factor"),
    ({"os-flavor-access:is_public": "si"}, "is_public"),
    ({"extra_specs": {}}, "'extra_specs' was unexpected"),
    ({"description": 5}, "description"),
]


@pytest.mark.parametrize(("fields", "said"), BAD_FLAVORS, ids=str)
def test_a_wrong_flavor_is_refused_by_field(quiet: Compute, fields: dict[str, Any], said: str) -> None:
    body = {"flavor": {"name": "f", "ram": 1, "vcpus": 1, "disk": 0, **fields}}
    answer = quiet.admin.send("POST", f"{BASE}/flavors", body, at("2.61"))
    assert answer.status == 400
    assert said in answer.body["badRequest"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"interfaceAttachment": {}}, "names a network"),
        ({"interfaceAttachment": {"port_id": UUID, "net_id": UUID}}, "either port"),
        ({"interfaceAttachment": {"port_id": 1}}, "port_id"),
        ({"interfaceAttachment": {"net_id": UUID, "fixed_ips": []}, "x": 1}, "'x' was unexpected"),
        ({"interfaceAttachment": {"net_id": UUID, "pci-group": "fast:2"}}, "one interface is attached at a time"),
        ({"interfaceAttachment": {"net_id": UUID, "pci-alias": "fast:x"}}, "'fast:x'"),
        ({"interfaceAttachment": {"net_id": UUID, "fixed_ips": [{"ip_address": "x"}]}}, "ip_address"),
        ({"interfaceAttachment": {"port_id": UUID, "fixed_ips": [{"ip_address": "192.0.2.7"}]}}, "together"),
    ],
)
def test_a_wrong_attachment_is_refused(compute: Compute, body: object, said: str) -> None:
    answer = compute.member.send("POST", f"{BASE}/servers/{compute.boot()}/os-interface", body, at("2.70"))
    assert answer.status == 400
    assert said in answer.body["badRequest"]["message"]
