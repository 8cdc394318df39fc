"""Lists: filters, pages, and the fixed sets."""

import pytest

from mooring.testing.in_process import InProcessClient
from tests.api.identity.logins import V3


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["admin", "p", "q"]),
        ("?name=p", ["p"]),
        ("?name=none", []),
        ("?enabled=false", ["q"]),
        ("?enabled=True&domain_id=default", ["admin", "p"]),
        ("?domain_id=elsewhere", []),
        ("?limit=2", ["admin", "p"]),
        ("?is_domain=false&parent_id=default", ["admin", "p", "q"]),
    ],
)
def test_projects_are_listed_by_what_is_asked(client: InProcessClient, query: str, names: list[str]) -> None:
    admin = client.admin()
    admin.post(f"{V3}/projects", {"project": {"name": "p"}})
    admin.post(f"{V3}/projects", {"project": {"name": "q", "enabled": False}})
    answer = admin.get(f"{V3}/projects{query}")
    assert [project["name"] for project in answer.body["projects"]] == names
    assert answer.body["links"]["self"].endswith(f"/identity/v3/projects{query}")


def test_pages_follow_each_other_until_the_end(client: InProcessClient) -> None:
    admin = client.admin()
    for name in "abcde":
        admin.post(f"{V3}/users", {"user": {"name": name}})
    seen, path = [], f"{V3}/users?limit=2"
    for _ in range(3):
        answer = admin.get(path)
        seen += [user["name"] for user in answer.body["users"]]
        path = (answer.body["links"]["next"] or "").removeprefix("http://falconframework.org")
    assert (seen, path) == (["a", "admin", "b", "c", "d", "e"], "")


@pytest.mark.parametrize(
    "query", ["colour=red", "enabled=maybe", "name=a&name=b", "limit=-1", "limit=x", "marker=nobody", "name__like=a"]
)
@pytest.mark.parametrize("noun", ["projects", "users"])
def test_a_filter_that_is_not_understood_is_no_list_of_everything(
    shared_admin: InProcessClient, noun: str, query: str
) -> None:
    assert shared_admin.get(f"{V3}/{noun}?{query}").status == 400


@pytest.mark.parametrize("noun", ["roles", "domains", "services", "endpoints", "regions"])
def test_what_is_listed_can_be_shown(shared_admin: InProcessClient, noun: str) -> None:
    items = shared_admin.get(f"{V3}/{noun}").body[noun]
    assert items
    for item in items:
        path = item["links"]["self"].removeprefix("http://falconframework.org")
        assert shared_admin.get(path).body == {noun[:-1]: item}
    assert shared_admin.get(f"{V3}/{noun}/nope").status == 404
    assert shared_admin.get(f"{V3}/{noun}?colour=red").status == 400


def test_the_roles_are_those_that_the_policy_knows(shared_admin: InProcessClient) -> None:
    names = [role["name"] for role in shared_admin.get(f"{V3}/roles").body["roles"]]
    assert names == ["admin", "manager", "member", "reader", "service"]
