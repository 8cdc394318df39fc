"""What clients ask first: versions, collections, and the extensions that change what they do."""

import pytest

from mooring.api.network.extensions import EXTENSIONS
from tests.api.network.neutron import BASE, Neutron


def test_versions_and_collections_are_told_to_everybody(quiet: Neutron) -> None:
    (version,) = quiet.nobody.get("/network").body["versions"]
    assert (version["id"], version["status"]) == ("v2.0", "CURRENT")
    assert version["links"][0]["href"].endswith("/network/v2.0/")
    for path in (BASE, f"{BASE}/"):
        listed = quiet.nobody.get(path).body["resources"]
        assert [each["collection"] for each in listed] == ["networks", "subnets", "subnetpools", "ports"]
        for each in listed:
            assert quiet.member.get(each["links"][0]["href"].partition("falconframework.org")[2]).status == 200


def test_extensions_are_listed_and_shown(quiet: Neutron) -> None:
    listed = quiet.reader.get(f"{BASE}/extensions").body["extensions"]
    assert {each["alias"] for each in listed} == EXTENSIONS.keys()
    for each in listed:
        assert each.keys() == {"alias", "name", "description", "updated", "links"}
        assert quiet.reader.get(f"{BASE}/extensions/{each['alias']}").body == {"extension": each}


@pytest.mark.parametrize("alias", ["nope", "router", "Availability%20Zone"])
def test_extension_that_is_not_served_is_not_there(quiet: Neutron, alias: str) -> None:
    answer = quiet.reader.get(f"{BASE}/extensions/{alias}")
    assert (answer.status, answer.body["NeutronError"]["type"]) == (404, "HTTPNotFound")


def test_zones_are_none_of_the_networks(quiet: Neutron) -> None:
    assert quiet.reader.get(f"{BASE}/availability_zones").body == {"availability_zones": []}


@pytest.mark.parametrize("path", ["bogus", "trunks", "ports/x/bindings"])
def test_collection_that_is_not_served_is_not_there(quiet: Neutron, path: str) -> None:
    assert quiet.member.get(f"{BASE}/{path}").status == 404
