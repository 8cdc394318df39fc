"""Projects."""

import pytest

from mooring.testing.controller import project_id
from mooring.testing.in_process import InProcessClient
from tests.api.identity.logins import V3, Json, message, told, user_id


def test_a_project_lives(client: InProcessClient) -> None:
    admin, events = client.admin(), told(client)
    made = admin.post(f"{V3}/projects", {"project": {"name": "p", "description": "two\nlines", "enabled": True}})
    assert made.status == 201
    path = f"{V3}/projects/{made.body['project']['id']}"
    assert made.body["project"]["links"]["self"].endswith(path)
    assert admin.get(path).body == made.body
    changed = admin.patch(path, {"project": {"name": "q", "description": None}})
    assert (changed.status, changed.body["project"]["name"], changed.body["project"]["description"]) == (200, "q", "")
    assert admin.delete(path).status == 204
    assert [admin.send(method, path, {"project": {}}).status for method in ("GET", "PATCH", "DELETE")] == [404] * 3
    assert [event.kind for event in events] == ["project.created", "project.updated", "project.deleted"]
    assert {event.actor for event in events} == {user_id(client, "admin")}
    assert all(event.request_id.startswith("req-") for event in events)


def test_a_name_is_taken_once(client: InProcessClient) -> None:
    admin = client.admin()
    for noun in ("project", "user"):
        one, other = (admin.post(f"{V3}/{noun}s", {noun: {"name": name}}).body[noun]["id"] for name in ("a", "b"))
        assert admin.post(f"{V3}/{noun}s", {noun: {"name": "a"}}).status == 409
        assert admin.patch(f"{V3}/{noun}s/{other}", {noun: {"name": "a"}}).status == 409
        assert admin.patch(f"{V3}/{noun}s/{one}", {noun: {"name": "a"}}).status == 200


def test_a_project_that_has_something_stays(client: InProcessClient) -> None:
    admin, member = client.admin(), client.member("p")
    path = f"{V3}/projects/{project_id(client.controller, 'p')}"
    image = member.post("/image/v2/images", {"name": "i"}).body["id"]
    refused = admin.delete(path)
    assert refused.status == 409
    assert "1 images" in message(refused)
    member.delete(f"/image/v2/images/{image}")
    assert admin.delete(path).status == 204
    assert user_id(client, "p-user")


def test_a_deleted_project_is_nobodys_default(client: InProcessClient) -> None:
    admin = client.admin()
    home = project_id(client.controller, "p")
    user = admin.post(f"{V3}/users", {"user": {"name": "u", "default_project_id": home}}).body["user"]
    assert user["default_project_id"] == home
    assert admin.delete(f"{V3}/projects/{home}").status == 204
    assert "default_project_id" not in admin.get(f"{V3}/users/{user['id']}").body["user"]


BAD_PROJECTS: list[tuple[Json, int]] = [
    ({}, 400),
    ({"name": ""}, 400),
    ({"name": " "}, 400),
    ({"name": "a" * 65}, 400),
    ({"name": "a\tb"}, 400),
    ({"name": "a\x00b"}, 400),
    ({"name": True}, 400),
    ({"name": None}, 400),
    ({"name": "a", "enabled": "yes"}, 400),
    ({"name": "a", "enabled": 1}, 400),
    ({"name": "a", "description": 3}, 400),
    ({"name": "a", "tags": ["x"]}, 400),
    ({"name": "a", "options": {"immutable": True}}, 400),
    ({"name": "a", "is_domain": True}, 400),
    ({"name": "a", "is_domain": 0}, 400),
    ({"name": "a", "parent_id": "b"}, 400),
    ({"name": "a", "domain_id": 3}, 400),
    ({"name": "a", "colour": "red"}, 400),
    ({"name": "a", "id": "b"}, 400),
    ({"name": "a", "domain_id": "elsewhere"}, 404),
]


@pytest.mark.parametrize(("project", "status"), BAD_PROJECTS, ids=str)
def test_a_wrong_project_is_refused(shared_admin: InProcessClient, project: Json, status: int) -> None:
    answer = shared_admin.post(f"{V3}/projects", {"project": project})
    assert answer.status == status
    if status == 400:
        assert [*project, "name"][len(project) - 1] in message(answer)
