"""Image v2, one request at a time, over the real store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.api.identity.routes import ROUTES as IDENTITY
from mooring.api.image.routes import ROUTES as IMAGE
from mooring.config import ControllerConfig
from mooring.model.server import Flavor, Server
from mooring.store import servers
from mooring.store.tx import Event, Tx
from mooring.testing.controller import project_id
from mooring.testing.in_process import Answer, InProcessClient, serving
from mooring.testing.outside import SteppedClock

IMAGES = "/image/v2/images"
PATCH = "application/openstack-images-v2.1-json-patch"
Json = dict[str, Any]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[InProcessClient]:
    with serving(tmp_path, [*IDENTITY, *IMAGE], ControllerConfig(page_max=5), SteppedClock()) as nobody:
        yield nobody


@pytest.fixture(scope="module")
def shared_member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessClient]:
    with serving(tmp_path_factory.mktemp("shared"), [*IDENTITY, *IMAGE]) as nobody:
        yield nobody.member()


def made(who: InProcessClient, name: str = "i", **more: object) -> str:
    """The path of a new image."""
    answer = who.post(IMAGES, {"name": name, **more})
    assert answer.status == 201, answer.body
    return f"{IMAGES}/{answer.body['id']}"


def patch(who: InProcessClient, path: str, *changes: Json) -> Answer:
    return who.patch(path, list(changes), PATCH)


def replaced(name: str, value: object) -> Json:
    return {"op": "replace", "path": f"/{name}", "value": value}


def listed(who: InProcessClient, query: str = "") -> list[str]:
    answer = who.get(f"{IMAGES}{query}")
    assert answer.status == 200, answer.body
    return [image["name"] for image in answer.body["images"]]


def test_a_registered_image_is_active_at_once_and_shows_what_was_said(client: InProcessClient) -> None:
    wish = {
        "name": "debian 13",
        "disk_format": "raw",
        "container_format": "bare",
        "min_disk": 4,
        "min_ram": 512,
        "protected": True,
        "visibility": "private",
        "tags": ["a", "b", "a"],
        "os_distro": "debian",
        "owner_specified.openstack.md5": "",
    }
    answer = client.member().post(IMAGES, wish)
    assert answer.status == 201
    shown = answer.body
    assert {name: shown[name] for name in wish} == {**wish, "tags": ["a", "b"]}
    assert (shown["status"], shown["size"], shown["checksum"]) == ("active", None, None)
    assert shown["created_at"] == shown["updated_at"] == "2026-01-01T12:00:00Z"
    assert shown["self"] == f"/v2/images/{shown['id']}"
    assert answer.headers["location"].endswith(f"/image/v2/images/{shown['id']}")
    assert client.member().get(f"{IMAGES}/{shown['id']}").body == shown


def test_an_image_that_says_nothing_is_a_qcow2_of_its_project_alone(client: InProcessClient) -> None:
    shown = client.member().get(made(client.member())).body
    assert (shown["disk_format"], shown["container_format"], shown["visibility"]) == ("qcow2", "bare", "shared")
    assert shown["owner"] == project_id(client.controller, "demo")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({}, 400),
        ({"name": ""}, 400),
        ({"name": "a" * 256}, 400),
        ({"name": "a\x07"}, 400),
        ({"name": True}, 400),
        ({"name": "a", "min_disk": "4"}, 400),
        ({"name": "a", "min_disk": True}, 400),
        ({"name": "a", "min_disk": -1}, 400),
        ({"name": "a", "min_ram": 2**31}, 400),
        ({"name": "a", "disk_format": "floppy"}, 400),
        ({"name": "a", "container_format": None}, 400),
        ({"name": "a", "visibility": "community"}, 400),
        ({"name": "a", "visibility": ["public"]}, 400),
        ({"name": "a", "protected": "true"}, 400),
        ({"name": "a", "tags": "x"}, 400),
        ({"name": "a", "tags": [True]}, 400),
        ({"name": "a", "tags": [str(n) for n in range(129)]}, 400),
        ({"name": "a", "os_hidden": True}, 400),
        ({"name": "a", "os_distro": 3}, 400),
        ({"name": "a", "os_distro": True}, 400),
        ({"name": "a", "os_distro": None}, 400),
        ({"name": "a", "": "x"}, 400),
        ({"name": "a", "id": "x"}, 400),
        ({"name": "a", "id": "zzzzzzzz-0000-0000-0000-000000000000"}, 400),
        ({"name": "a", "status": "queued"}, 403),
        ({"name": "a", "size": 3}, 403),
        ({"name": "a", "locations": []}, 403),
        ({"name": "a", "visibility": "public"}, 403),
        ({"name": "a", "owner": "somebody"}, 403),
        ({"name": "a", **{f"p{n}": "x" for n in range(129)}}, 413),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_image_is_refused(shared_member: InProcessClient, wish: Json, status: int) -> None:
    answer = shared_member.post(IMAGES, wish)
    assert answer.status == status, answer.body
    assert answer.body["error"]["status"] == status


def test_the_client_may_choose_the_id_once(client: InProcessClient) -> None:
    wish = {"name": "a", "id": "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11"}
    assert client.member().post(IMAGES, wish).body["id"] == wish["id"]
    assert client.member("other").post(IMAGES, wish).status == 409


def test_an_admin_publishes_and_gives_away(client: InProcessClient) -> None:
    admin, member, other = client.admin(), client.member(), client.member("other")
    public = made(admin, "public", visibility="public")
    given = made(admin, "given", owner=project_id(client.controller, "demo"))
    assert [who.get(public).status for who in (member, other)] == [200, 200]
    assert [who.get(given).status for who in (member, other)] == [200, 404]
    assert admin.post(IMAGES, {"name": "a", "owner": "nowhere"}).status == 400


def test_others_images_are_not_there_and_public_ones_are_not_theirs_to_change(client: InProcessClient) -> None:
    member, admin = client.member(), client.admin()
    own, others = made(admin, visibility="public"), made(client.member("other"))
    for method, body in (("GET", None), ("DELETE", None), ("PUT", None), ("PATCH", [])):
        path = f"{others}/file" if method == "PUT" else others
        assert member.send(method, path, body, {"Content-Type": PATCH}).status == 404
    assert patch(member, own, replaced("name", "mine")).status == 403
    assert member.delete(own).status == 403
    assert patch(admin, others, replaced("name", "mine")).status == 200
    reader = client.member(roles=("reader",), user="reader")
    assert reader.post(IMAGES, {"name": "a"}).status == 403
    assert reader.get(own).status == 200


def test_a_patch_changes_what_it_says(client: InProcessClient) -> None:
    member = client.member()
    path = made(member, os_distro="debian", colour="red")
    answer = patch(
        member,
        path,
        replaced("name", "new"),
        {"op": "add", "path": "/tags", "value": ["x"]},
        {"op": "add", "path": "/a~1b~0c", "value": "slash"},
        replaced("os_distro", "fedora"),
        {"op": "remove", "path": "/colour"},
        replaced("min_disk", 7),
    )
    assert answer.status == 200
    shown = answer.body
    assert (shown["name"], shown["tags"], shown["min_disk"], shown["os_distro"]) == ("new", ["x"], 7, "fedora")
    assert shown["a/b~c"] == "slash"
    assert "colour" not in shown
    assert member.get(path).body == shown


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"op": "replace", "path": "/gone", "value": "x"}, 409),
        ({"op": "remove", "path": "/gone"}, 409),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "replace", "path": "/status", "value": "queued"}, 403),
        ({"op": "replace", "path": "/id", "value": "x"}, 403),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "replace", "path": "/owner", "value": "x"}, 403),
        ({"op": "replace", "path": "/name", "value": 3}, 400),
        ({"op": "replace", "path": "/name"}, 400),
        ({"op": "replace", "path": "name", "value": "x"}, 400),
        ({"op": "replace", "path": "/tags/0", "value": "x"}, 400),
        ({"op": "replace", "path": "/", "value": "x"}, 400),
        ({"op": "replace", "path": "/name", "value": "x", "colour": "red"}, 400),
        ({"op": "move", "path": "/name", "from": "/x"}, 400),
        ({"op": ["add"], "path": "/name", "value": "x"}, 400),
        ({}, 400),
        (3, 400),
    ],
    ids=str,
)
def test_a_patch_that_fails_anywhere_changes_nothing(client: InProcessClient, change: Json, status: int) -> None:
    member = client.member()
    path = made(member)
    before = member.get(path).body
    assert patch(member, path, {"op": "add", "path": "/first", "value": "x"}, change).status == status
    assert member.get(path).body == before


def test_tags_come_and_go_one_by_one(client: InProcessClient) -> None:
    member = client.member()
    path = made(member, tags=["a"])
    assert [member.put(f"{path}/tags/{tag}").status for tag in ("b", "b", "c%20d")] == [204, 204, 204]
    assert member.get(path).body["tags"] == ["a", "b", "c d"]
    assert [member.delete(f"{path}/tags/b").status for _ in range(2)] == [204, 404]
    assert member.get(path).body["tags"] == ["a", "c d"]
    assert member.put(f"{path}/tags/{'x' * 256}").status == 400
    patch(member, path, replaced("tags", [str(n) for n in range(128)]))
    assert member.put(f"{path}/tags/one-more").status == 413


@pytest.mark.parametrize("kind", ["application/json", "application/openstack-images-v2.0-json-patch", ""])
def test_a_patch_of_another_kind_is_not_guessed_at(client: InProcessClient, kind: str) -> None:
    member = client.member()
    assert member.patch(made(member), [], kind).status == 400


def test_the_limits_hold_for_patches_too(client: InProcessClient) -> None:
    member = client.member()
    path = made(member, **{f"p{n}": "x" for n in range(128)})
    assert patch(member, path, {"op": "add", "path": "/one-more", "value": "x"}).status == 413
    assert member.patch(path, [replaced("p1", "y")] * 257, PATCH).status == 400


def test_a_protected_image_stays_until_it_is_not(client: InProcessClient) -> None:
    member = client.member()
    path = made(member, protected=True)
    assert [who.delete(path).status for who in (member, client.admin())] == [403, 403]
    patch(member, path, replaced("protected", False))
    assert member.delete(path).status == 204
    assert [member.get(path).status, member.delete(path).status] == [404, 404]


def test_an_image_that_a_server_was_made_from_stays(client: InProcessClient) -> None:
    member = client.member()
    path = made(member)

    def boot(tx: Tx) -> None:
        flavor = Flavor("1", "small", 512, 1, 1, tx.now)
        image_id = path.rpartition("/")[2]
        servers.insert(tx, Server("s", "p", "u", "web", flavor, image_id, tx.now, tx.now))

    client.controller.store.write_now(boot)
    answer = member.delete(path)
    assert (answer.status, "1 servers" in answer.body["error"]["message"]) == (409, True)


def test_every_change_is_told_with_who_did_it(client: InProcessClient) -> None:
    member, events = client.member(), list[Event]()
    client.controller.store.on_commit(events.extend)
    path = made(member)
    patch(member, path, replaced("name", "new"))
    member.delete(path)
    assert [event.kind for event in events] == ["image.created", "image.updated", "image.deleted"]
    assert {event.project_id for event in events} == {project_id(client.controller, "demo")}
    assert all(event.actor and event.request_id for event in events)


def test_data_is_not_taken_and_no_data_is(client: InProcessClient) -> None:
    member = client.member()
    path = made(member)
    assert member.put(f"{path}/file").status == 204
    refused = member.send("PUT", f"{path}/file", raw=b"\x00disk")
    assert (refused.status, refused.body["error"]["hint"]) == (
        403, "put the disk on the hosts, then register it without data",
    )  # fmt: skip
    assert member.get(f"{path}/file").status == 204
    assert member.get(f"{IMAGES}/nope/file").status == 404


# --- lists -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["c", "b", "a"]),
        ("?name=b", ["b"]),
        ("?name=in:a,c", ["c", "a"]),
        ("?name=in:%22a%22,%22x,y%22", ["a"]),
        ("?name=none", []),
        ("?visibility=private", ["b"]),
        ("?visibility=all", ["c", "b", "a"]),
        ("?status=active", ["c", "b", "a"]),
        ("?status=in:queued,saving", []),
        ("?disk_format=raw", ["b"]),
        ("?protected=true", ["c"]),
        ("?min_disk=3", ["c"]),
        ("?tag=x", ["b", "a"]),
        ("?tag=x&tag=y", ["b"]),
        ("?os_distro=debian", ["a"]),
        ("?os_distro=debian&tag=y", []),
        ("?os_hidden=true", []),
        ("?os_hidden=False", ["c", "b", "a"]),
        ("?sort_key=name&sort_dir=asc", ["a", "b", "c"]),
        ("?sort=name", ["c", "b", "a"]),
        ("?sort=disk_format:asc,name:desc", ["c", "a", "b"]),
        ("?sort_key=disk_format&sort_key=name&sort_dir=asc", ["a", "c", "b"]),
        ("?limit=1", ["c"]),
    ],
)
def test_images_are_listed_by_what_is_asked(client: InProcessClient, query: str, names: list[str]) -> None:
    member, clock = client.member(), client.controller.clock
    assert isinstance(clock, SteppedClock)
    made(member, "a", tags=["x"], os_distro="debian")
    clock.advance(1)
    made(member, "b", tags=["x", "y"], disk_format="raw", visibility="private")
    clock.advance(1)
    made(member, "c", min_disk=3, protected=True)
    made(client.member("other"), "hidden")
    assert listed(member, query) == names


@pytest.mark.parametrize(
    "query",
    [
        "size_min=3", "created_at=gt:2026", "checksum=0", "limit=-1", "limit=x", "marker=nobody", "sort_key=colour",
        "sort_key=name&sort_dir=up", "sort_key=name&sort_dir=asc&sort_dir=asc", "sort=name&sort_key=id",
        "protected=maybe", "min_ram=x", "name=a&name=b", "member_status=all",
    ],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_no_list_of_everything(shared_member: InProcessClient, query: str) -> None:
    assert shared_member.get(f"{IMAGES}?{query}").status == 400


def test_pages_follow_each_other_until_the_end(client: InProcessClient) -> None:
    member = client.member()
    for name in "gfedcba":
        made(member, name)
    seen, path, pages = [], "/v2/images?sort=name:asc&limit=3", 0
    while path:
        answer = member.get(f"/image{path}")
        seen += [image["name"] for image in answer.body["images"]]
        path, pages = answer.body.get("next", ""), pages + 1
    assert ("".join(seen), pages) == ("abcdefg", 3)
    assert len(listed(member)) == len(listed(member, "?limit=100")) == 5  # page_max of the fixture
    assert listed(member, "?limit=0") == []


def test_an_admin_sees_everybodys_and_finds_them_by_owner(client: InProcessClient) -> None:
    made(client.member(), "a")
    made(client.member("other"), "b")
    assert sorted(listed(client.admin())) == ["a", "b"]
    assert listed(client.admin(), f"?owner={project_id(client.controller, 'other')}") == ["b"]


NAMES = st.sampled_from(["name", "tags", "min_disk", "visibility", "id", "status", "x", "protected"])


@given(
    st.dictionaries(
        NAMES | st.text(max_size=5),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3),
    )
)
def test_no_body_is_a_surprise(shared_member: InProcessClient, wish: Json) -> None:
    answer = shared_member.post(IMAGES, wish)
    assert answer.status in {201, 400, 403}
    if answer.status == 201:
        assert {name: answer.body[name] for name in wish if name != "tags"}.items() <= {**wish}.items()
