"""``/mooring/v1/pci-devices``: what is listed, in which order, on which page, and what is refused by name."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from mooring.api.mooring.views import DEVICE_FIELDS
from mooring.service.device_list import DeviceWish, page_of_devices
from mooring.store.device_list import SORT_KEYS, DeviceQuery
from mooring.testing.in_process import InProcessClient
from tests.api.mooring.device_rows import PATH, filled

ALL = ["pf", "vf0", "vf1", "vf2", "vf3", "vf4", "vf5", "gpu0", "gpu1", "whole"]
"""By host and address, a domain beyond four digits last."""
VFS = ALL[1:7]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessClient]:
    with filled(tmp_path_factory.mktemp("devices")) as made:
        yield made


def listed(client: InProcessClient, query: str = "") -> list[str]:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status == 200, answer.body
    return [one["id"] for one in answer.body["pci_devices"]]


def one(client: InProcessClient, ident: str) -> dict[str, Any]:
    answer = client.get(f"{PATH}/{ident}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["pci_device"]
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALL),
        ("watch=false", ALL),
        ("host=h2", ["whole"]),
        ("host=h2&host=h1", ALL),
        ("id=vf1&id=vf3", ["vf1", "vf3"]),
        ("address=0000:3b:02.1", ["vf1"]),
        ("address=3B:02.1", ["vf1"]),
        ("kind=PF", ["pf", "whole"]),
        ("kind=type-VF&kind=pci", [*VFS, "gpu0", "gpu1"]),
        ("state=in-use", ["vf0", "gpu0"]),
        ("state=in-use&kind=VF", ["vf0"]),
        ("physical_network=physnet2", ["whole"]),
        ("physical_network=", ["gpu0", "gpu1"]),
        ("group=gpu", ["gpu0", "gpu1"]),
        ("group=gpu&group=fast", ["vf4", "vf5", "gpu0", "gpu1"]),
        ("group=gpu&state=available", ["gpu1"]),
        ("group=empty", []),
        ("group=", ["pf"]),
        ("group=intel", [*VFS, "whole"]),
        ("vendor_id=10DE", ["gpu0", "gpu1"]),
        ("product_id=1572", ["pf", "whole"]),
        ("device_class=030200", ["gpu0", "gpu1"]),
        ("numa_node=1", ["vf4", "gpu0"]),
        ("numa_node=", ["gpu1"]),
        ("numa_node=1&numa_node=", ["vf4", "gpu0", "gpu1"]),
        ("iommu_group=", ["vf5"]),
        ("trusted=true", ["vf4"]),
        ("trusted=0&kind=VF", ["vf0", "vf1", "vf2", "vf3", "vf5"]),
        ("is_offered=no", ["pf"]),
        ("tag=gold", ["vf4", "vf5"]),
        ("tag=rack1&tag=ml", ["vf4", "gpu0", "gpu1"]),
        ("feature=tso&feature=rx", ["vf4", "whole"]),
        ("pf=0000:3b:00.0", VFS),
        ("pf_netdev=ens2f0&state=available", ["vf1", "vf2", "vf3", "vf4"]),
        ("netdev=ens5f0", ["whole"]),
        ("driver=", ["gpu1"]),
        ("server_id=s1", ["vf0"]),
        ("server_name=train&server_name=web1", ["vf0", "gpu0"]),
        ("project_id=p2", ["gpu0"]),
        ("server_id=&kind=PCI", ["gpu1"]),
        ("host=h1&state=available&tag=gold&numa_node=1&feature=rx&trusted=true", ["vf4"]),
        ("vendor_id=ffff", []),
    ],
)
def test_a_filter_lists_what_has_any_of_its_values_and_all_filters_have_to_hold(
    client: InProcessClient, query: str, expected: list[str]
) -> None:
    assert listed(client, query) == expected


@pytest.mark.parametrize(
    ("query", "says", "hint"),
    [
        ("colour=red", "'colour'", "physical_network"),
        ("Host=h1", "'Host'", "known: "),
        ("address=0000:3b:2.1", "address='0000:3b:2.1'", ""),
        ("address=0000:3b:02.1%0A", "address=", ""),
        ("address=", "address=''", ""),
        ("pf=ens2f0", "pf='ens2f0'", ""),
        ("kind=vfs", "kind='vfs'", "VF, PF, PCI"),
        ("state=free", "state='free'", "available"),
        ("state=", "state=''", "available"),
        ("vendor_id=0x8086", "vendor_id='0x8086'", ""),
        ("product_id=154", "product_id='154'", ""),
        ("device_class=02", "device_class='02'", ""),
        ("numa_node=-1", "numa_node='-1'", ""),
        ("numa_node=%D9%A3", "numa_node=", ""),
        ("numa_node=9999999999", "numa_node=", ""),
        ("trusted=perhaps", "'trusted'", ""),
        ("tag=", "tag=''", ""),
        ("tag=a%00b", "tag=", ""),
        ("host=" + "h" * 256, "host=", ""),
        ("&".join(["tag=a"] * 101), "tag is given 101 times", "100"),
        ("sort_key=colour", "sort_key='colour'", "known: address"),
        ("sort_key=host&sort_dir=down", "sort_dir='down'", "asc, desc"),
        ("sort_dir=asc", "do not go together", ""),
        ("&".join(["sort_key=host"] * 9), "do not go together", ""),
        ("limit=0", "limit='0'", ""),
        ("limit=ten", "limit='ten'", ""),
        ("limit=-1", "limit='-1'", ""),
        ("marker=nobody", "nobody", "page before"),
        ("marker=vf1&marker=vf2", "marker", ""),
        ("fields=colour", "fields='colour'", "numa_node"),
        ("watch=maybe", "'watch'", ""),
        ("watch=true&limit=5", "'limit'", "known: "),
        ("watch=true&sort_key=host", "'sort_key'", "known: "),
        ("watch=true&since=x", "since='x'", ""),
        ("since=5", "'since'", "known: "),
    ],
)
def test_what_cannot_be_is_refused_by_name_with_what_can(
    client: InProcessClient, query: str, says: str, hint: str
) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status == 400, answer.body
    assert says in answer.body["error"]["message"]
    assert hint in answer.body["error"]["hint"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"{PATH}?host=nowhere", "host nowhere"),
        (f"{PATH}?host=h1&host=nowhere", "host nowhere"),
        (f"{PATH}?group=nothing", "PCI group nothing"),
        (f"{PATH}?watch=true&group=nothing", "PCI group nothing"),
        (f"{PATH}/nobody", "device nobody"),
    ],
)
def test_what_is_named_and_not_there_is_not_found(client: InProcessClient, path: str, says: str) -> None:
    answer = client.get(path)
    assert answer.status == 404
    assert says in answer.body["error"]["message"]


@pytest.mark.parametrize("path", [PATH, f"{PATH}?watch=true", f"{PATH}/vf1"])
def test_only_admins_look_at_functions(client: InProcessClient, path: str) -> None:
    assert client.member().get(path).status == 403
    assert client.member(roles=("reader",)).get(path).status == 403
    assert client.with_token(None).get(path).status == 401


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sort_key=host&sort_dir=desc", ["whole", *ALL[:-1]]),
        ("sort_key=address", ["pf", *VFS, "whole", "gpu0", "gpu1"]),
        ("sort_key=address&sort_dir=desc", ["gpu1", "gpu0", "whole", *reversed(VFS), "pf"]),
        ("sort_key=numa_node&kind=PCI", ["gpu1", "gpu0"]),
        ("sort_key=numa_node&sort_dir=desc&kind=PCI", ["gpu0", "gpu1"]),
        ("sort_key=physical_network&sort_key=address&sort_dir=desc&sort_dir=desc&state=available",
         ["whole", "vf4", "vf3", "vf2", "vf1", "gpu1"]),
        ("sort_key=server_name&sort_dir=desc&state=in-use", ["vf0", "gpu0"]),
        ("sort_key=state&kind=VF", ["vf1", "vf2", "vf3", "vf4", "vf0", "vf5"]),
    ],
)  # fmt: skip
def test_lists_are_sorted_by_any_keys_and_then_by_host_and_address(
    client: InProcessClient, query: str, expected: list[str]
) -> None:
    assert listed(client, query) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 11])
@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("key", [*sorted(SORT_KEYS), ""])
def test_pages_together_are_the_whole_list(client: InProcessClient, key: str, way: str, limit: int) -> None:
    query = f"sort_key={key}&sort_dir={way}" if key else ""
    whole, found, path = listed(client, query), list[str](), f"{PATH}?{query}&limit={limit}"
    for _ in range(len(ALL) + 1):
        answer = client.get(path)
        page = [row["id"] for row in answer.body["pci_devices"]]
        assert len(page) <= limit
        found += page
        if "pci_devices_links" not in answer.body:
            break
        (link,) = answer.body["pci_devices_links"]
        assert link["rel"] == "next"
        path = f"{PATH}?{urlsplit(link['href']).query}"
    assert found == whole


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
@pytest.mark.parametrize("group", ["gpu", "fast", "intel", "empty", ""])
def test_pages_of_a_pci_group_miss_nobody_however_little_one_looks_at(
    client: InProcessClient, group: str, chunk: int, limit: int
) -> None:
    wish, after, found = DeviceWish(DeviceQuery(), frozenset({group})), None, list[str]()
    for _ in range(len(ALL) + 1):
        page = client.controller.store.read_now(
            partial(page_of_devices, wish=wish, after=after, limit=limit, chunk_max=chunk)
        )
        found += [row.owned.device.id for row in page.rows]
        after = page.marker
        if after is None:
            break
    assert after is None
    assert found == listed(client, f"group={group}")


def test_a_page_has_what_comes_behind_the_marker_and_a_link_only_where_there_is_more(client: InProcessClient) -> None:
    answer = client.get(f"{PATH}?host=h1&limit=3&marker=vf1")
    assert [row["id"] for row in answer.body["pci_devices"]] == ["vf2", "vf3", "vf4"]
    (link,) = answer.body["pci_devices_links"]
    assert "marker=vf4" in link["href"]
    assert "host=h1" in link["href"]
    assert "pci_devices_links" not in client.get(f"{PATH}?limit={len(ALL)}").body


def test_a_function_is_shown_with_all_that_is_known_of_it(client: InProcessClient) -> None:
    found = one(client, "vf4")
    assert set(found) == set(DEVICE_FIELDS)
    assert found["trusted"] is True
    assert found["tags"] == ["gold", "rack1"]
    assert found["features"] == ["rx"]
    assert found["groups"] == ["fast", "intel"]
    assert (found["device_class"], found["pf"], found["owner"]) == ("020000", "0000:3b:00.0", None)
    assert found in client.get(PATH).body["pci_devices"]


def test_an_owner_has_a_port_or_the_pci_group_that_its_flavor_asked_for(client: InProcessClient) -> None:
    assert one(client, "vf0")["owner"] == {
        "server_id": "s1", "server_name": "web1", "project_id": "p1", "port_id": "port1", "request": None,
    }  # fmt: skip
    assert one(client, "gpu0")["owner"] == {
        "server_id": "s2", "server_name": "train", "project_id": "p2", "port_id": None, "request": "gpu",
    }  # fmt: skip
    assert one(client, "vf0")["desired"]["vlan"]["id"] == 100


def test_a_pf_that_serves_by_its_vfs_is_in_no_pci_group(client: InProcessClient) -> None:
    assert one(client, "pf")["groups"] == []
    assert one(client, "whole")["groups"] == ["intel"]


@pytest.mark.parametrize("query", ["fields=id&fields=owner", "fields=id,owner"])
def test_fields_cut_every_function_down_to_them(client: InProcessClient, query: str) -> None:
    rows = client.get(f"{PATH}?{query}").body["pci_devices"]
    assert all(set(row) == {"id", "owner"} for row in rows)
    assert len(rows) == len(ALL)


def test_a_list_tells_the_number_of_the_newest_change(client: InProcessClient) -> None:
    numbers = [client.get(f"{PATH}?limit=1").body["sequence"] for _ in range(2)]
    assert all(before == after > 0 for before, after in pairwise(numbers))
