"""Revisions that guard updates, and tags."""

import pytest

from tests.api.network.neutron import BASE, Neutron

NOUNS = ["network", "subnet", "port"]


def path_of(neutron: Neutron, noun: str) -> str:
    network = neutron.network()
    row = {"network": lambda: network, "subnet": lambda: neutron.subnet(network), "port": lambda: neutron.port(network)}
    return f"{BASE}/{noun}s/{row[noun]()['id']}"


@pytest.mark.parametrize("noun", NOUNS)
def test_update_of_another_revision_is_refused(neutron: Neutron, noun: str) -> None:
    path = path_of(neutron, noun)
    revision = neutron.member.get(path).body[noun]["revision_number"]
    match = {"If-Match": f"revision_number={revision}"}
    answer = neutron.member.send("PUT", path, {noun: {"name": "a"}}, match)
    assert answer.body[noun]["revision_number"] == revision + 1
    for method, body in (("PUT", {noun: {"name": "b"}}), ("DELETE", None)):
        answer = neutron.member.send(method, path, body, match)
        assert (answer.status, answer.body["NeutronError"]["type"]) == (412, "RevisionNumberConstraintFailed")
        assert str(revision + 1) in answer.body["NeutronError"]["message"]
    assert neutron.member.get(path).body[noun]["name"] == "a"
    fresh = {"If-Match": f"revision_number={revision + 1}"}
    assert neutron.member.send("DELETE", path, None, fresh).status == 204


@pytest.mark.parametrize("given", ["revision_number=x", "7", "*", "revision_number=-1"])
def test_precondition_that_is_none_is_refused(neutron: Neutron, given: str) -> None:
    path = path_of(neutron, "port")
    assert neutron.member.send("PUT", path, {"port": {"name": "b"}}, {"If-Match": given}).status == 400


@pytest.mark.parametrize("noun", NOUNS)
def test_times_and_revision_move_with_a_change(neutron: Neutron, noun: str) -> None:
    path = path_of(neutron, noun)
    before = neutron.member.get(path).body[noun]
    neutron.clock.advance(5)
    after = neutron.member.put(path, {noun: {"description": "d"}}).body[noun]
    assert after["created_at"] == before["created_at"] == before["updated_at"] == "2026-01-01T12:00:00Z"
    assert after["updated_at"] == "2026-01-01T12:00:05Z"
    assert after["revision_number"] == before["revision_number"] + 1


@pytest.mark.parametrize("noun", NOUNS)
def test_tags(neutron: Neutron, noun: str) -> None:
    path, member = path_of(neutron, noun), neutron.member
    assert member.put(f"{path}/tags", {"tags": ["a", "b", "a"]}).body == {"tags": ["a", "b"]}
    assert member.post(f"{path}/tags", {"tags": ["b", "c"]}).body == {"tags": ["a", "b", "c"]}
    assert member.put(f"{path}/tags/d").status == 201
    assert member.get(f"{path}/tags/d").status == 204
    assert member.delete(f"{path}/tags/a").status == 204
    for answer in (member.get(f"{path}/tags/a"), member.delete(f"{path}/tags/a")):
        assert (answer.status, answer.body["NeutronError"]["type"]) == (404, "TagNotFound")
    assert member.get(f"{path}/tags").body == {"tags": ["b", "c", "d"]}
    assert member.get(path).body[noun]["tags"] == ["b", "c", "d"]
    assert member.delete(f"{path}/tags").status == 204
    assert member.get(f"{path}/tags").body == {"tags": []}
