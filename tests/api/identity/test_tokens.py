"""Tokens: what they are good for, and what ends them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mooring.testing.controller import ADMINS_WORD, project_id
from mooring.testing.in_process import Answer, InProcessClient, serving
from mooring.testing.outside import SteppedClock
from tests.api.identity.logins import (
    ROUTES,
    TOKENS,
    UNAUTHENTICATED,
    V3,
    Json,
    by_password,
    by_token,
    in_project,
    logged_in,
    message,
    role_id,
    user_id,
)


def test_a_token_from_a_token_keeps_the_end_and_says_how_it_came(tmp_path: Path) -> None:
    clock = SteppedClock()
    with serving(tmp_path, ROUTES, clock=clock) as client:
        first = client.post(TOKENS, by_password(scope="unscoped"))
        secret: str | None = first.headers["x-subject-token"]
        for _ in range(3):
            clock.advance(1000)
            again = client.post(TOKENS, by_token(secret, in_project("admin")))
            secret = again.headers["x-subject-token"]
            assert again.body["token"]["expires_at"] == first.body["token"]["expires_at"]
            assert again.body["token"]["methods"] == ["token", "password"]
        clock.advance(600)
        assert client.with_token(secret).get(f"{V3}/projects").status == 401
        assert client.post(TOKENS, by_token(secret)).status == 401


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "a" * 600, "é"])
def test_a_foreign_token_opens_nothing(shared: InProcessClient, token: str) -> None:
    answer = shared.with_token(token).get(f"{V3}/projects")
    assert (answer.status, message(answer)) == (401, UNAUTHENTICATED)
    assert answer.headers["www-authenticate"].startswith("Keystone uri=")


def off_and_on(admin: InProcessClient, path: str, noun: str) -> Answer:
    admin.patch(path, {noun: {"enabled": False}})
    return admin.patch(path, {noun: {"enabled": True}})


Revoke = Callable[[InProcessClient, InProcessClient, Json], Answer]

REVOCATIONS: dict[str, Revoke] = {
    "logout by the user": lambda _, user, ids: user.send("DELETE", TOKENS, headers={"X-Subject-Token": ids["token"]}),
    "logout by an admin": lambda admin, _, ids: admin.send("DELETE", TOKENS, headers={"X-Subject-Token": ids["token"]}),
    "new password by an admin": lambda admin, _, ids: admin.patch(ids["user"], {"user": {"password": "new"}}),
    "no password from now on": lambda admin, _, ids: admin.patch(ids["user"], {"user": {"password": None}}),
    "new password by the user": lambda _, user, ids: user.post(
        f"{ids['user']}/password", {"user": {"password": "new", "original_password": ADMINS_WORD}}
    ),
    "user disabled": lambda admin, _, ids: admin.patch(ids["user"], {"user": {"enabled": False}}),
    "user disabled and enabled": lambda admin, _, ids: off_and_on(admin, ids["user"], "user"),
    "user deleted": lambda admin, _, ids: admin.delete(ids["user"]),
    "project disabled": lambda admin, _, ids: admin.patch(ids["project"], {"project": {"enabled": False}}),
    "project disabled and enabled": lambda admin, _, ids: off_and_on(admin, ids["project"], "project"),
    "project deleted": lambda admin, _, ids: admin.delete(ids["project"]),
    "one of two roles taken away": lambda admin, _, ids: admin.delete(ids["grant"]),
}


@pytest.mark.parametrize("is_restarted", [False, True], ids=["at once", "after a restart"])
@pytest.mark.parametrize("name", REVOCATIONS)
def test_a_token_ends_with_what_it_rests_on(tmp_path: Path, name: str, is_restarted: bool) -> None:
    with serving(tmp_path, ROUTES) as client:
        user = client.member("p", ("member", "reader"))
        ids: Json = {
            "token": user.token,
            "user": f"{V3}/users/{user_id(client, 'p-user')}",
            "project": f"{V3}/projects/{project_id(client.controller, 'p')}",
        }
        ids["grant"] = f"{ids['project']}{ids['user'].removeprefix(V3)}/roles/{role_id(client, 'reader')}"
        assert user.get(f"{V3}/auth/projects").status == 200
        assert REVOCATIONS[name](client.admin(), user, ids).status in {200, 204}
        if not is_restarted:
            assert user.get(f"{V3}/auth/projects").status == 401
            assert client.post(TOKENS, by_token(user.token)).status == 401
    if is_restarted:
        with serving(tmp_path, ROUTES) as client:
            assert client.with_token(user.token).get(f"{V3}/auth/projects").status == 401


def test_other_logins_live_on_when_one_ends(client: InProcessClient) -> None:
    one, other = client.member("p"), client.member("p", user="somebody")
    client.admin().patch(f"{V3}/users/{user_id(client, 'p-user')}", {"user": {"enabled": False}})
    assert [who.get(f"{V3}/auth/projects").status for who in (one, other)] == [401, 200]


def test_a_role_given_later_counts_at_the_next_request(client: InProcessClient) -> None:
    member = client.member("p")
    assert member.get(f"{V3}/projects").status == 403
    home = project_id(client.controller, "p")
    client.admin().put(f"{V3}/projects/{home}/users/{user_id(client, 'p-user')}/roles/{role_id(client, 'admin')}")
    assert member.get(f"{V3}/projects").status == 200


def test_nothing_that_is_stored_logs_anybody_in(tmp_path: Path) -> None:
    with serving(tmp_path, ROUTES) as client:
        token = logged_in(client, by_password(scope=in_project("admin"))).token or ""
        client.admin().post(f"{V3}/users", {"user": {"name": "u", "password": "a rare password"}})
        stored = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert b"admin" in stored
    assert token.encode() not in stored
    assert b"a rare password" not in stored


def test_a_member_sees_own_tokens_and_an_admin_everybodys(client: InProcessClient) -> None:
    one, other, admin = client.member("p"), client.member("q"), client.admin()

    def subject(who: InProcessClient, method: str, of: InProcessClient) -> int:
        return who.send(method, TOKENS, headers={"X-Subject-Token": of.token or ""}).status

    assert [subject(one, method, one) for method in ("GET", "HEAD")] == [200, 200]
    assert [subject(one, method, other) for method in ("GET", "HEAD", "DELETE")] == [403, 403, 403]
    assert [subject(admin, method, other) for method in ("GET", "HEAD", "DELETE")] == [200, 200, 204]
    assert subject(admin, "GET", other) == 404


def test_a_service_may_look_at_tokens_and_not_end_them(client: InProcessClient) -> None:
    service, member = client.member("s", ("service",)), client.member("p")
    headers = {"X-Subject-Token": member.token or ""}
    assert service.send("GET", TOKENS, headers=headers).status == 200
    assert service.send("DELETE", TOKENS, headers=headers).status == 403
