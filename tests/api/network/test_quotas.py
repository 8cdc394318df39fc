"""What projects may have of networking objects."""

import pytest

from mooring.testing.in_process import Answer
from tests.api.network.neutron import BASE, Neutron

QUOTAS = f"{BASE}/quotas"
DEFAULTS = {
    "network": 100, "subnet": 100, "port": 500, "subnetpool": -1, "address_scope": -1, "rbac_policy": 10,
    "security_group": 10, "security_group_rule": 100,
}  # fmt: skip


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def limit(neutron: Neutron, project: str, **limits: object) -> Answer:
    return neutron.admin.put(f"{QUOTAS}/{project}", {"quota": limits})


def test_a_project_has_the_defaults_of_the_configuration(neutron: Neutron) -> None:
    project = neutron.project(neutron.member)
    for path in (f"{QUOTAS}/{project}", f"{QUOTAS}/{project}/default"):
        assert neutron.member.get(path).body == {"quota": DEFAULTS}
    assert neutron.admin.get(QUOTAS).body == {"quotas": []}


def test_a_limit_of_its_own_replaces_the_default_until_it_is_deleted(neutron: Neutron) -> None:
    project = neutron.project(neutron.member)
    assert limit(neutron, project, port=7).body == {"quota": {**DEFAULTS, "port": 7}}
    assert limit(neutron, project, port="8", network=-1).body["quota"]["port"] == 8
    listed = neutron.admin.get(QUOTAS).body["quotas"]
    assert listed == [{**DEFAULTS, "port": 8, "network": -1, "project_id": project, "tenant_id": project}]
    assert neutron.member.get(f"{QUOTAS}/{project}/default").body == {"quota": DEFAULTS}
    assert neutron.admin.delete(f"{QUOTAS}/{project}").status == 204
    assert neutron.member.get(f"{QUOTAS}/{project}").body == {"quota": DEFAULTS}
    assert refusal(neutron.admin.delete(f"{QUOTAS}/{project}")) == (404, "TenantQuotaNotFound")


@pytest.mark.parametrize("last", ["details", "details.json"])
def test_details_count_what_is_used(neutron: Neutron, last: str) -> None:
    network = neutron.network()
    neutron.subnet(network)
    ports = [neutron.port(network)["id"] for _ in range(3)]
    neutron.member.delete(f"{BASE}/ports/{ports[0]}")
    found = neutron.member.get(f"{QUOTAS}/{network['project_id']}/{last}").body["quota"]
    assert found["port"] == {"limit": 500, "used": 2, "reserved": 0}
    assert found["network"] == {"limit": 100, "used": 1, "reserved": 0}
    assert found["subnet"] == {"limit": 100, "used": 1, "reserved": 0}
    assert found["rbac_policy"]["used"] == 0


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        ("network", {"name": "n"}),
        ("port", {}),
        ("subnet", {"ip_version": 4, "cidr": "198.51.100.0/24"}),
    ],
)
def test_beyond_its_limit_a_project_gets_no_more(neutron: Neutron, resource: str, body: dict[str, object]) -> None:
    network = neutron.network()
    project = network["project_id"]
    neutron.subnet(network)
    neutron.port(network)
    assert limit(neutron, project, **{resource: 1}).status == 200
    wanted = body if resource == "network" else {**body, "network_id": network["id"]}
    before = neutron.dump()
    answer = neutron.member.post(f"{BASE}/{resource}s", {resource: wanted})
    assert refusal(answer) == (409, "OverQuota")
    assert answer.body["NeutronError"]["message"] == (
        f"Quota exceeded for resources: ['{resource}']. "
        "(1 of 1 are in use; an admin raises it with openstack quota set)"
    )
    assert neutron.dump() == before


def test_a_list_of_which_one_is_too_many_makes_none(neutron: Neutron) -> None:
    network = neutron.network()
    limit(neutron, network["project_id"], port=2)
    body = {"ports": [{"network_id": network["id"]}] * 3}
    assert refusal(neutron.member.post(f"{BASE}/ports", body)) == (409, "OverQuota")
    assert neutron.ids("ports") == []


def test_what_an_admin_makes_for_a_project_counts_as_the_projects(neutron: Neutron) -> None:
    project = neutron.project(neutron.member)
    limit(neutron, project, network=0)
    answer = neutron.admin.post(f"{BASE}/networks", {"network": {"project_id": project}})
    assert refusal(answer) == (409, "OverQuota")
    assert neutron.network(neutron.admin)["project_id"] != project


def test_a_limit_below_what_is_used_needs_force(neutron: Neutron) -> None:
    network = neutron.network()
    for _ in range(2):
        neutron.port(network)
    project = network["project_id"]
    answer = limit(neutron, project, port=1)
    assert (answer.status, "already used 2" in answer.body["NeutronError"]["message"]) == (400, True)
    assert limit(neutron, project, port=1, force=True).body["quota"]["port"] == 1
    assert limit(neutron, project, port=-1).body["quota"]["port"] == -1
    neutron.port(network)


@pytest.mark.parametrize(
    "limits",
    [{"port": -2}, {"port": "many"}, {"port": None}, {"port": 1.5}, {"port": True}, {"port": 2**31}, {"colour": 1}],
)
def test_a_limit_of_another_form_is_a_bad_request(neutron: Neutron, limits: dict[str, object]) -> None:
    assert limit(neutron, neutron.project(neutron.member), **limits).status == 400


@pytest.mark.parametrize("caller", ["member", "reader", "service"])
def test_quotas_of_others_and_setting_them_are_for_admins(neutron: Neutron, caller: str) -> None:
    who, project = getattr(neutron, caller), neutron.project(neutron.other)
    assert who.get(QUOTAS).status == 403
    for last in ("", "/default", "/details"):
        assert who.get(f"{QUOTAS}/{project}{last}").status == 403
    assert who.put(f"{QUOTAS}/{project}", {"quota": {"port": 1}}).status == 403
    assert who.delete(f"{QUOTAS}/{project}").status == 403


def test_a_caller_is_told_its_project(neutron: Neutron) -> None:
    project = neutron.project(neutron.member)
    assert neutron.member.get(f"{QUOTAS}/tenant").body == {"tenant": {"tenant_id": project}}
    assert neutron.member.get(f"{QUOTAS}/project").body == {"project": {"project_id": project}}


def test_what_clients_ask_for_though_it_is_not_here_is_an_empty_list(neutron: Neutron) -> None:
    assert neutron.member.get(f"{BASE}/service-providers").body == {"service_providers": []}
    assert neutron.member.get(f"{BASE}/floatingips?port_id=x").body == {"floatingips": []}
    assert neutron.member.get(f"{BASE}/routers").body == {"routers": []}
    assert neutron.member.post(f"{BASE}/routers", {"router": {}}).status == 409
    answer = neutron.member.post(f"{BASE}/floatingips", {"floatingip": {}})
    assert answer.status == 409
    assert "router" in answer.body["NeutronError"]["message"]
