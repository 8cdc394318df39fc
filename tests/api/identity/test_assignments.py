"""Roles in projects: given, looked up, listed and taken away."""

import pytest

from mooring.testing.controller import project_id
from mooring.testing.in_process import InProcessClient
from tests.api.identity.logins import V3, message, role_id, told, user_id


def test_a_role_is_given_looked_up_and_taken_away(client: InProcessClient) -> None:
    admin = client.admin()
    user = admin.post(f"{V3}/users", {"user": {"name": "u"}}).body["user"]["id"]
    home, member = project_id(client.controller, "p"), role_id(client, "member")
    events = told(client)
    grants = f"{V3}/projects/{home}/users/{user}/roles"
    assert admin.send("HEAD", f"{grants}/{member}").status == 404
    assert [admin.put(f"{grants}/{member}").status for _ in range(2)] == [204, 204]
    assert admin.send("HEAD", f"{grants}/{member}").status == 204
    assert [role["name"] for role in admin.get(grants).body["roles"]] == ["member"]
    assert admin.delete(f"{grants}/{member}").status == 204
    assert admin.delete(f"{grants}/{member}").status == 404
    assert [(event.kind, event.detail) for event in events] == [
        ("assignment.created", {"role": "member"}),
        ("assignment.deleted", {"role": "member"}),
    ]


@pytest.mark.parametrize("missing", ["project", "user", "role"])
def test_a_role_of_something_that_is_not_there_is_not_given(client: InProcessClient, missing: str) -> None:
    client.member("p")
    ids = {
        "project": project_id(client.controller, "p"),
        "user": user_id(client, "p-user"),
        "role": role_id(client, "reader"),
        missing: "nope",
    }
    path = f"{V3}/projects/{ids['project']}/users/{ids['user']}/roles/{ids['role']}"
    for method in ("PUT", "DELETE"):
        answer = client.admin().send(method, path)
        assert (answer.status, message(answer)) == (404, f"Could not find {missing}: nope.")


def test_assignments_are_listed_by_what_is_asked(client: InProcessClient) -> None:
    client.member("p", ("member", "reader"))
    client.member("q")
    admin = client.admin()
    everything = {
        "user.id": user_id(client, "p-user"),
        "scope.project.id": project_id(client.controller, "p"),
        "role.id": role_id(client, "reader"),
    }

    def listed(query: str) -> list[tuple[str, str]]:
        found = admin.get(f"{V3}/role_assignments?{query}").body["role_assignments"]
        return [(each["user"]["name"], each["role"]["name"]) for each in found]

    ours = [("p-user", "member"), ("p-user", "reader")]
    assert listed("include_names") == [("admin", "admin"), *ours, ("q-user", "member")]
    assert listed(f"include_names=1&user.id={everything['user.id']}&effective") == ours
    assert listed(f"include_names=true&scope.project.id={everything['scope.project.id']}") == ours
    assert listed(f"include_names&role.id={everything['role.id']}") == ours[1:]
    assert listed("include_names&scope.system=all") == []
    plain = admin.get(f"{V3}/role_assignments?include_names=false&role.id={everything['role.id']}").body
    assert plain["role_assignments"][0]["user"] == {"id": everything["user.id"]}
    assert admin.get(f"{V3}/role_assignments?colour=red").status == 400
