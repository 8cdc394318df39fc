"""Bodies of logins, and short ways to what the tests of identity ask for."""

import sqlite3
from pathlib import Path
from typing import Any

from mooring.api.identity.routes import ROUTES as IDENTITY
from mooring.api.image.routes import ROUTES as IMAGE
from mooring.store.tx import Event
from mooring.testing.controller import ADMINS_WORD
from mooring.testing.in_process import Answer, InProcessClient

V3 = "/identity/v3"
TOKENS = f"{V3}/auth/tokens"
ROUTES = [*IDENTITY, *IMAGE]
UNAUTHENTICATED = "The request you have made requires authentication."

Json = dict[str, Any]


def by_password(password: str = ADMINS_WORD, scope: object = None, *, user: Json | None = None) -> Json:
    person = {**({"name": "admin", "domain": {"id": "default"}} if user is None else user), "password": password}
    auth: Json = {"identity": {"methods": ["password"], "password": {"user": person}}}
    return {"auth": auth if scope is None else {**auth, "scope": scope}}


def by_token(token: str | None, scope: object = None) -> Json:
    auth: Json = {"identity": {"methods": ["token"], "token": {"id": token}}}
    return {"auth": auth if scope is None else {**auth, "scope": scope}}


def in_project(name: str) -> Json:
    return {"project": {"name": name, "domain": {"name": "Default"}}}


def logged_in(client: InProcessClient, body: Json) -> InProcessClient:
    answer = client.post(TOKENS, body)
    assert answer.status == 201, answer.body
    return client.with_token(answer.headers["x-subject-token"])


def user_id(client: InProcessClient, name: str) -> str:
    return str(client.admin().get(f"{V3}/users?name={name}").body["users"][0]["id"])


def role_id(client: InProcessClient, name: str) -> str:
    return str(client.admin().get(f"{V3}/roles?name={name}").body["roles"][0]["id"])


def told(client: InProcessClient) -> list[Event]:
    """Fills up with what is committed from now on."""
    events: list[Event] = []
    client.controller.store.on_commit(events.extend)
    return events


def dump(folder: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{folder / 'mooring.db'}?mode=ro", uri=True)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def message(answer: Answer) -> str:
    return str(answer.body["error"]["message"])
