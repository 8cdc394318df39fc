"""Users and their passwords."""

import pytest

from mooring.testing.controller import ADMINS_WORD, project_id
from mooring.testing.in_process import InProcessClient
from tests.api.identity.logins import TOKENS, UNAUTHENTICATED, V3, Json, by_password, message, told, user_id


def test_a_user_lives(client: InProcessClient) -> None:
    admin, events = client.admin(), told(client)
    wish = {"name": "u", "password": "tiger", "email": "u@example.org", "description": "d", "domain_id": "default"}
    made = admin.post(f"{V3}/users", {"user": wish})
    assert made.status == 201
    user = made.body["user"]
    assert (user["name"], user["email"], user["description"], user["enabled"]) == ("u", "u@example.org", "d", True)
    assert "tiger" not in str(made.body)
    assert "hash" not in str(made.body)
    path = f"{V3}/users/{user['id']}"
    login = by_password("tiger", user={"id": user["id"]})
    assert client.post(TOKENS, login).status == 201
    assert admin.patch(path, {"user": {"password": "lion", "email": None}}).status == 200
    assert client.post(TOKENS, login).status == 401
    assert client.post(TOKENS, by_password("lion", user={"id": user["id"]})).status == 201
    assert admin.delete(path).status == 204
    assert [admin.send(method, path, {"user": {}}).status for method in ("GET", "PATCH", "DELETE")] == [404] * 3
    kinds = [event.kind for event in events if event.kind != "token.created"]
    assert kinds == ["user.created", "user.updated", "user.deleted"]
    assert "lion" not in str(events)
    assert next(event.detail for event in events if event.kind == "user.updated") == {"changed": ["email", "password"]}


def test_a_user_changes_the_own_password_only_knowing_it(client: InProcessClient) -> None:
    member = client.member("p")
    path = f"{V3}/users/{user_id(client, 'p-user')}/password"
    wrong = member.post(path, {"user": {"password": "new", "original_password": "wrong"}})
    assert (wrong.status, message(wrong)) == (401, UNAUTHENTICATED)
    assert member.post(path, {"user": {"password": "new"}}).status == 400
    right = {"user": {"password": "new", "original_password": ADMINS_WORD}}
    assert client.admin().post(path, right).status == 403
    assert member.post(path, right).status == 204
    me = {"name": "p-user", "domain": {"id": "default"}}
    assert [client.post(TOKENS, by_password(word, user=me)).status for word in (ADMINS_WORD, "new")] == [401, 201]


def test_a_user_without_a_password_does_not_log_in(client: InProcessClient) -> None:
    client.admin().post(f"{V3}/users", {"user": {"name": "u"}})
    for word in ("x", "scrypt"):
        assert client.post(TOKENS, by_password(word, user={"name": "u", "domain": {"id": "default"}})).status == 401


def test_project_id_is_another_word_for_the_default_project(client: InProcessClient) -> None:
    home = project_id(client.controller, "p")
    made = client.admin().post(f"{V3}/users", {"user": {"name": "u", "project_id": home}})
    assert made.body["user"]["default_project_id"] == home
    both = {"user": {"name": "v", "project_id": home, "default_project_id": "other"}}
    assert client.admin().post(f"{V3}/users", both).status == 400


@pytest.mark.parametrize(
    ("user", "status"),
    [
        ({"password": "x"}, 400),
        ({"name": "a" * 256}, 400),
        ({"name": "a", "password": 3}, 400),
        ({"name": "a", "password": "x" * 1025}, 400),
        ({"name": "a", "email": ["x"]}, 400),
        ({"name": "a", "password_expires_at": None}, 400),
        ({"name": "a", "options": {"lock_password": True}}, 400),
        ({"name": "a", "default_project_id": "nowhere"}, 404),
        ({"name": "a", "domain_id": "elsewhere"}, 404),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_user_is_refused(shared_admin: InProcessClient, user: Json, status: int) -> None:
    answer = shared_admin.post(f"{V3}/users", {"user": user})
    assert answer.status == status
    assert "xxx" not in message(answer)
