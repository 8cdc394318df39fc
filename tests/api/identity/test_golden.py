"""Answers have the shapes that a real Keystone and Glance gave, as recorded in ``tests/data/golden``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mooring.api.identity.routes import ROUTES as IDENTITY
from mooring.api.image.routes import ROUTES as IMAGE
from mooring.testing.controller import ADMINS_WORD, token_for
from mooring.testing.in_process import Answer, InProcessClient, serving

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
KEYSTONE = [
    record for record in json.loads((GOLDEN / "keystone.json").read_text()) if "/v2.1/" not in record.get("url", "")
]
GLANCE = json.loads((GOLDEN / "glance.json").read_text())

#: Each of these is one sentence there and another one here.
OTHER_WORDS = {"validate bad": "the tokens are not Fernet's"}
AUTH = "/identity/v3/auth/tokens"


def login(password: str) -> dict[str, Any]:
    user = {"name": "admin", "domain": {"id": "default"}, "password": password}
    return {"identity": {"methods": ["password"], "password": {"user": user}}}


#: The bodies of the logins, which the recording does not have, by its notes.
LOGINS = {"bad password": login("no"), "unscoped": login(ADMINS_WORD), "empty": {}}

Shape = Any


def shape(value: Any) -> Shape:
    """The keys and types of a JSON value; a list is the set of what is in it. Ids do not matter, and times do."""
    if isinstance(value, dict):
        return frozenset((key, shape(item)) for key, item in value.items())
    if isinstance(value, list):
        return ("list", frozenset(shape(item) for item in value))
    if isinstance(value, str) and value.endswith("Z") and value[4:5] == "-":
        return "time with microseconds" if "." in value else "time"
    return type(value).__name__


@pytest.fixture
def client(tmp_path: Path) -> Iterator[InProcessClient]:
    with serving(tmp_path, [*IDENTITY, *IMAGE]) as nobody:
        yield nobody


def replay(client: InProcessClient, record: dict[str, Any]) -> Answer:
    """Send the recorded request to a cloud that has what the recorded one had."""
    if "url" not in record:
        return client.post(AUTH, {"auth": LOGINS[record["note"]]})
    admin = client.admin()
    member = client.member(roles=("member", "reader"))
    member_id = next(user["id"] for user in admin.get("/identity/v3/users").body["users"] if user["name"] != "admin")
    demo_id = admin.get("/identity/v3/projects?name=demo").body["projects"][0]["id"]
    admin.patch(f"/identity/v3/users/{member_id}", {"user": {"default_project_id": demo_id}})
    path = record["url"].removeprefix("http://controller")
    path = f"/identity{path}".replace("6049761c7bb14699a0cf68585bc4a770", member_id)
    headers = {
        name: token_for(client.controller, "demo", ("member", "reader"), "demo-user") if value == "TOKEN" else value
        for name, value in (record["headers"] or {}).items()
    }
    return (member if record["who"] == "member" else admin).send(record["method"], path, record["body"], headers)


@pytest.mark.parametrize("record", KEYSTONE, ids=lambda r: f"{r.get('method', 'POST')} {r.get('url') or r['note']}")
def test_identity_answers_as_keystone_did(client: InProcessClient, record: dict[str, Any]) -> None:
    answer = replay(client, record)
    assert answer.status == record["status"]
    theirs = record["response"]
    if theirs is None:
        assert answer.body is None
    elif "error" in theirs:
        assert answer.body.keys() == {"error"}
        ours = answer.body["error"]
        assert (ours["code"], ours["title"]) == (theirs["error"]["code"], theirs["error"]["title"])
        if record["note"] not in OTHER_WORDS:
            assert ours["message"] == theirs["error"]["message"].partition("\n")[0]
    else:
        assert_same_shapes(answer.body, theirs)


def assert_same_shapes(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """The same keys and types around; and each thing in a list looks like one of those that were recorded."""
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        if isinstance(value, list):
            assert value, f"{name} is empty, which compares nothing"
            known = {shape(item) for item in theirs[name]}
            for item in value:
                assert shape(item) in known, f"{item} looks like none of the recorded {name}"
        else:
            assert shape(value) == shape(theirs[name]), f"{name}: {value}"


def test_image_versions_are_a_choice_as_glances_are(client: InProcessClient) -> None:
    answer, theirs = client.get("/image/"), golden_image("/")
    assert answer.status == theirs["status"] == 300
    assert {shape(each) for each in answer.body["versions"]} == {shape(each) for each in theirs["response"]["versions"]}


def test_an_image_has_glances_attributes(client: InProcessClient) -> None:
    admin, theirs = client.admin(), golden_image("/v2/images")["response"]
    admin.post("/image/v2/images", {"name": "img1", "disk_format": "raw"})
    answer = admin.get("/image/v2/images")
    assert (answer.status, answer.body.keys()) == (200, theirs.keys())
    # Glance has ``stores`` only where it was set up with several, and the recorded client added properties.
    recorded = {key for key in theirs["images"][0] if not key.startswith("owner_specified.")} - {"stores"}
    assert answer.body["images"][0].keys() == recorded
    for name in recorded - {"size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"}:
        assert shape(answer.body["images"][0][name]) == shape(theirs["images"][0][name]), name


def test_the_image_schema_tells_of_the_same_attributes(client: InProcessClient) -> None:
    ours, theirs = client.admin().get("/image/v2/schemas/image").body, golden_image("/v2/schemas/image")["response"]
    assert ours.keys() == theirs.keys()
    assert ours["links"] == theirs["links"]
    assert theirs["properties"].keys() - ours["properties"].keys() == {"direct_url", "locations", "stores"}
    for name, told in ours["properties"].items():
        assert told["type"] == theirs["properties"][name]["type"], name
        assert told.get("readOnly") == theirs["properties"][name].get("readOnly"), name


def golden_image(path: str) -> dict[str, Any]:
    return next(record for record in GLANCE if record["url"] == f"http://controller{path}")
