"""The links that Nova puts beside each thing, and the one to the next page."""

from urllib.parse import urlencode

from mooring.api.call import Call

ROOT = "/compute"
BASE = "/compute/v2.1"

Link = dict[str, str]


def links(base_url: str, collection: str, ident: str) -> list[Link]:
    """``self`` names the version, ``bookmark`` does not."""
    return [
        {"rel": "self", "href": f"{base_url}{BASE}/{collection}/{ident}"},
        {"rel": "bookmark", "href": f"{base_url}{ROOT}/{collection}/{ident}"},
    ]


def bookmark(base_url: str, collection: str, ident: str) -> list[Link]:
    return links(base_url, collection, ident)[1:]


def next_page(call: Call, marker: str) -> list[Link]:
    """The same request, from ``marker`` on."""
    query = [(name, value) for name, values in call.query.items() for value in values if name != "marker"]
    return [{"rel": "next", "href": f"{call.base_url}{call.path}?{urlencode([*query, ('marker', marker)])}"}]
