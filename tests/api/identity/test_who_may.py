"""Who may what: nobody anything, until a role says so."""

from pathlib import Path

import pytest

from mooring.api.call import Route
from mooring.api.identity.routes import ROUTES as IDENTITY
from mooring.api.policy import ANYONE, AUTHENTICATED
from mooring.testing.controller import project_id
from mooring.testing.in_process import InProcessClient, serving
from tests.api.identity.logins import ROUTES, TOKENS, V3, by_password, dump, message, user_id


def filled(path: str) -> str:
    return "/".join("a" if part.startswith("{") else part for part in path.split("/"))


def test_strangers_get_nowhere_and_leave_no_trace(tmp_path: Path) -> None:
    forged = {"X-User-Id": "admin", "X-Roles": "admin", "X-Is-Admin-Project": "True", "X-Identity-Status": "Confirmed"}
    with serving(tmp_path, ROUTES) as client:
        before = dump(tmp_path)
        for route in ROUTES:
            answer = client.send(route.method, filled(route.path), {}, forged)
            assert answer.status in ({200, 300, 400} if route.rule == ANYONE else {401}), route
        assert client.post(TOKENS, by_password("wrong")).status == 401
        assert dump(tmp_path) == before


NEEDS_A_ROLE = [route for route in ROUTES if route.rule not in (ANYONE, AUTHENTICATED)]


@pytest.mark.parametrize("route", NEEDS_A_ROLE, ids=lambda route: f"{route.method} {route.path}")
def test_a_login_without_a_role_may_nothing(unscoped: InProcessClient, route: Route) -> None:
    assert unscoped.send(route.method, filled(route.path), {}).status == 403


def test_identity_is_the_admins(client: InProcessClient) -> None:
    member = client.member(roles=("member", "manager", "reader"))
    for route in IDENTITY:
        if route.rule in (ANYONE, AUTHENTICATED):
            continue
        answer = member.send(route.method, filled(route.path), {})
        assert answer.status == 403, route
        if route.method != "HEAD":
            assert message(answer) == f"You are not authorized to perform the requested action: {route.rule}."


def test_a_user_sees_the_own_user_and_project_and_no_other(client: InProcessClient) -> None:
    member = client.member("p")
    client.member("q")
    own, other = user_id(client, "p-user"), user_id(client, "q-user")
    assert member.get(f"{V3}/users/{own}").body["user"]["name"] == "p-user"
    assert [p["name"] for p in member.get(f"{V3}/users/{own}/projects").body["projects"]] == ["p"]
    assert member.get(f"{V3}/projects/{project_id(client.controller, 'p')}").status == 200
    for path in (f"users/{other}", f"users/{other}/projects", f"projects/{project_id(client.controller, 'q')}"):
        assert member.get(f"{V3}/{path}").status == 403
