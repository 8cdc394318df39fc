"""Logging in: what gives a token, and what everybody else hears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.testing.controller import project_id
from mooring.testing.in_process import InProcessClient
from tests.api.identity.logins import (
    TOKENS,
    UNAUTHENTICATED,
    V3,
    Json,
    by_password,
    by_token,
    in_project,
    message,
    user_id,
)


@pytest.mark.parametrize(
    "scope",
    [in_project("admin"), {"project": {"name": "admin", "domain": {"id": "default"}}}],
    ids=["domain by name", "domain by id"],
)
def test_a_login_by_name_gives_a_token_of_the_project(client: InProcessClient, scope: Json) -> None:
    answer = client.post(TOKENS, by_password(scope=scope))
    assert answer.status == 201
    token = answer.body["token"]
    assert (token["project"]["name"], [role["name"] for role in token["roles"]]) == ("admin", ["admin"])
    assert [entry["type"] for entry in token["catalog"]] == ["identity", "network", "compute", "image"]
    assert client.with_token(answer.headers["x-subject-token"]).get(f"{V3}/projects").status == 200


def test_a_login_by_ids_gives_the_same_token(client: InProcessClient) -> None:
    scope = {"project": {"id": project_id(client.controller, "admin")}}
    answer = client.post(TOKENS, by_password(scope=scope, user={"id": user_id(client, "admin")}))
    assert (answer.status, answer.body["token"]["project"]["name"]) == (201, "admin")


def test_nocatalog_leaves_the_catalog_out(client: InProcessClient) -> None:
    answer = client.post(f"{TOKENS}?nocatalog", by_password(scope=in_project("admin")))
    assert "catalog" not in answer.body["token"]


def test_the_catalog_names_the_url_that_the_client_used_and_the_region(client: InProcessClient) -> None:
    entries = client.admin().get(f"{V3}/auth/catalog").body["catalog"]
    urls = {entry["type"]: {endpoint["url"] for endpoint in entry["endpoints"]} for entry in entries}
    host = "http://falconframework.org"
    assert urls == {
        "identity": {f"{host}/identity/v3"},
        "network": {f"{host}/network"},
        "compute": {f"{host}/compute/v2.1"},
        "image": {f"{host}/image"},
    }
    places = {(e["interface"], e["region_id"], e["region"]) for entry in entries for e in entry["endpoints"]}
    assert places == {(interface, "RegionOne", "RegionOne") for interface in ("public", "internal", "admin")}


def test_a_login_without_scope_is_for_the_default_project_and_unscoped_is_for_none(client: InProcessClient) -> None:
    home = project_id(client.controller, "admin")
    assert "project" not in client.post(TOKENS, by_password()).body["token"]
    client.admin().patch(f"{V3}/users/{user_id(client, 'admin')}", {"user": {"default_project_id": home}})
    assert client.post(TOKENS, by_password()).body["token"]["project"]["id"] == home
    assert "project" not in client.post(TOKENS, by_password(scope="unscoped")).body["token"]


WRONG_LOGINS = {
    "wrong password": by_password("wrong"),
    "unknown user": by_password(user={"name": "nobody", "domain": {"id": "default"}}),
    "unknown user id": by_password(user={"id": "nobody"}),
    "foreign domain": by_password(user={"name": "admin", "domain": {"name": "elsewhere"}}),
    "unknown token": by_token("0" * 43),
}


def test_whoever_cannot_log_in_hears_the_same_words(client: InProcessClient) -> None:
    client.member("off")
    client.admin().patch(f"{V3}/users/{user_id(client, 'off-user')}", {"user": {"enabled": False}})
    disabled = by_password(user={"name": "off-user", "domain": {"id": "default"}})
    answers = [client.post(TOKENS, body) for body in (*WRONG_LOGINS.values(), disabled)]
    assert [answer.status for answer in answers] == [401] * len(answers)
    assert {str(answer.body) for answer in answers} == {
        str({"error": {"code": 401, "message": UNAUTHENTICATED, "title": "Unauthorized"}})
    }


@pytest.mark.parametrize(
    "scope",
    [
        in_project("nowhere"),
        {"project": {"id": "nowhere"}},
        {"project": {"name": "admin", "domain": {"id": "elsewhere"}}},
        {"domain": {"id": "default"}},
        {"system": {"all": True}},
    ],
    ids=str,
)
def test_nobody_logs_in_where_they_have_no_role(shared: InProcessClient, scope: Json) -> None:
    answer = shared.post(TOKENS, by_password(scope=scope))
    assert answer.status == 401
    assert message(answer).startswith(UNAUTHENTICATED)


def test_a_disabled_project_lets_nobody_in(client: InProcessClient) -> None:
    client.admin().patch(f"{V3}/projects/{project_id(client.controller, 'p')}", {"project": {"enabled": False}})
    client.member("p")
    user = {"name": "p-user", "domain": {"id": "default"}}
    assert client.post(TOKENS, by_password(scope=in_project("p"), user=user)).status == 401


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "auth"),
        ({"auth": []}, "auth"),
        ({"auth": {}}, "'identity' is a required property"),
        ({"auth": {"identity": {}}}, "'methods' is a required property"),
        ({"auth": {"identity": {"methods": []}}}, "methods []"),
        ({"auth": {"identity": {"methods": "password"}}}, "methods 'password'"),
        ({"auth": {"identity": {"methods": ["totp"]}}}, "methods ['totp']"),
        ({"auth": {"identity": {"methods": ["password"]}}}, "'password' is a required property"),
        ({"auth": {"identity": {"methods": ["password"], "password": {}}}}, "'user' is a required property"),
        (by_password(user={}), "id or name in user"),
        (by_password(user={"name": "admin"}), "domain in user"),
        (by_password(user={"name": "admin", "domain": {}}), "user.domain"),
        (by_password(user={"name": True, "domain": {"id": "default"}}), "'name': True"),
        (by_password(user={"id": "a\nb"}), "'id': 'a\\nb'"),
        (by_password(user={"id": "a", "colour": "red"}), "'colour'"),
        (by_password("é" * 1000), "password"),
        (by_password(""), "password"),
        (by_password(scope={}), "scope"),
        (by_password(scope={"project": {}}), "id or name in project"),
        (by_password(scope={"project": {"id": "a"}, "system": {"all": True}}), "scope"),
        (by_password(scope={"OS-TRUST:trust": {"id": "a"}}), "OS-TRUST:trust"),
        (by_token("a" * 513), "id"),
        (by_token(None), "id"),
    ],
    ids=str,
)
def test_a_login_that_can_never_be_right_is_told_why(shared: InProcessClient, body: Json, says: str) -> None:
    answer = shared.post(TOKENS, body)
    assert answer.status == 400
    assert says in message(answer)
    assert "é" not in message(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["auth", "identity", "methods", "password", "token", "user", "id", "name", "domain", "scope"]
            ),
            inner | st.just(["password"]) | st.just(["token"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["POST /auth/tokens", "POST /projects", "POST /users", "PATCH /projects/a"]))
def test_no_body_is_a_surprise(shared_admin: InProcessClient, body: object, request_line: str) -> None:
    method, path = request_line.split()
    for wrapped in (body, {"auth": body}, {"project": body}, {"user": body}):
        assert shared_admin.send(method, V3 + path, wrapped).status in {201, 400, 401, 404, 409}
