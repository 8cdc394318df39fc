"""The description of the API that the controller serves is made from its routes, so that it leaves nothing out."""

from collections.abc import Mapping
from typing import Any

import pytest

from mooring.api.openapi import PATH, document
from mooring.api.routes import ROUTES

NETWORKS = "/network/v2.0/networks"


@pytest.fixture(scope="module")
def described() -> Mapping[str, Any]:
    return document(ROUTES, "http://controller")


def test_every_route_is_described_and_nothing_else(described: Mapping[str, Any]) -> None:
    found = {(method.upper(), path) for path, operations in described["paths"].items() for method in operations}

    assert found == {(route.method, route.path) for route in ROUTES}
    assert ("GET", PATH) in found


def test_every_operation_has_its_path_parameters_and_a_sentence(described: Mapping[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for operation in operations.values():
            named = {found["name"] for found in operation["parameters"] if found["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert operation["summary"]


def test_a_body_has_the_attributes_that_the_caller_may_give(described: Mapping[str, Any]) -> None:
    schema = described["paths"][NETWORKS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    network = schema["properties"]["network"]

    assert network["properties"]["admin_state_up"] != {}
    assert {"name", "mtu", "provider:segmentation_id"} <= network["properties"].keys()
    assert "status" not in network["properties"]


def test_a_list_tells_its_filters(described: Mapping[str, Any]) -> None:
    names = {found["name"] for found in described["paths"][NETWORKS]["get"]["parameters"]}

    assert {"name", "shared", "tags-any", "limit", "marker", "fields"} <= names


def test_what_needs_no_token_says_so(described: Mapping[str, Any]) -> None:
    assert "security" not in described["paths"]["/identity/v3"]["get"]
    assert described["paths"][NETWORKS]["get"]["security"] == [{"token": []}]
