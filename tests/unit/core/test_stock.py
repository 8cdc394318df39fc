"""The stock: the best host first, found by its index just as it would be by asking every host."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.nearest import nearest_miss
from mooring.core.placing import Clerk, Company, HostView, Wish, answers
from mooring.core.pools import Pool, pools_of
from mooring.core.stock import Stock
from mooring.model.host import Liveness
from mooring.model.request import Device, Placement, Shortage
from mooring.model.server import GroupPolicy
from mooring.model.vf import VfState
from tests.unit.core.clouds import NOW, PF, alive, chance_of, host, request, vf, vfs
from tests.unit.core.random_clouds import Cloud, random_cloud

SRIOV = Wish(requests=(request("p1"),), vcpus=2, memory_mib=2048, disk_gib=10)
PLAIN = Wish(vcpus=2, memory_mib=2048, disk_gib=10)
CLOUDS = 300


def stock_of(*hosts: HostView) -> Stock:
    stock = Stock()
    for each in hosts:
        stock.put(each)
    return stock


def host_order(wish: Wish, *hosts: HostView) -> list[str]:
    return [placement.host for placement in stock_of(*hosts).candidates(wish, alive)]


def test_an_ordinary_server_stays_off_hosts_with_sriov_hardware() -> None:
    assert host_order(PLAIN, host("a-sriov", *vfs(2)), host("b-plain")) == ["b-plain", "a-sriov"]


def test_ordinary_servers_spread_to_the_host_with_most_free_memory() -> None:
    assert host_order(PLAIN, host("a-busy", used_memory_mib=4096), host("b-idle")) == ["b-idle", "a-busy"]


def test_servers_with_sriov_ports_pack_on_the_fullest_host_that_will_do() -> None:
    full = host("c-full", *vfs(4, state=VfState.IN_USE))
    assert host_order(SRIOV, host("a-idle", *vfs(8)), host("b-packed", *vfs(1)), full) == ["b-packed", "a-idle"]


def test_a_host_that_does_without_its_trusted_functions_comes_before_a_fuller_one_that_does_not() -> None:
    hosts = host("a-trusted", *vfs(1, trusted=True)), host("b-plain", *vfs(4)), host("c-none", *vfs(1, "physnet2"))
    assert host_order(SRIOV, *hosts) == ["b-plain", "a-trusted"]
    assert host_order(replace(SRIOV, requests=(request("p1", trusted=True),)), *hosts) == ["a-trusted"]
    assert host_order(replace(SRIOV, requests=(request("p1", trusted=False),)), *hosts) == ["b-plain"]


def test_equal_hosts_are_taken_by_name() -> None:
    assert host_order(SRIOV, host("b", *vfs(2)), host("a", *vfs(2))) == ["a", "b"]


def test_a_forced_host_is_the_only_candidate() -> None:
    hosts = host("a", *vfs(2)), host("b", *vfs(2))
    assert host_order(replace(SRIOV, forced_host="b"), *hosts) == ["b"]
    assert host_order(replace(SRIOV, forced_host="nohost"), *hosts) == []


def test_only_hosts_of_the_zone_are_asked() -> None:
    hosts = host("a", *vfs(2)), host("b", *vfs(2), availability_zone="z2")
    assert host_order(replace(SRIOV, availability_zone="z2"), *hosts) == ["b"]
    assert host_order(replace(PLAIN, availability_zone="z2"), *hosts) == ["b"]
    assert host_order(replace(PLAIN, availability_zone="z3"), *hosts) == []


def test_a_host_that_is_silent_or_disabled_is_no_candidate() -> None:
    stock = stock_of(host("a", *vfs(2)), host("b", *vfs(2), is_enabled=False))
    assert list(stock.candidates(SRIOV, lambda _: Liveness.DEAD)) == []
    assert [placement.host for placement in stock.candidates(SRIOV, alive)] == ["a"]


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        (GroupPolicy.AFFINITY, ["b"]),
        (GroupPolicy.ANTI_AFFINITY, ["a", "c"]),
        (GroupPolicy.SOFT_AFFINITY, ["b", "a", "c"]),
        (GroupPolicy.SOFT_ANTI_AFFINITY, ["a", "c", "b"]),
    ],
)
def test_a_server_group_orders_the_hosts(policy: GroupPolicy, order: list[str]) -> None:
    wish = replace(SRIOV, company=Company(policy, {"b": 1}))
    assert host_order(wish, *(host(name, *vfs(2)) for name in "abc")) == order


def test_a_host_that_changed_stands_where_it_belongs_and_one_that_went_is_forgotten() -> None:
    stock = stock_of(host("a", *vfs(8)), host("b", *vfs(4)))
    stock.put(host("a", *vfs(1)))
    assert [placement.host for placement in stock.candidates(SRIOV, alive)] == ["a", "b"]
    stock.drop("a")
    stock.drop("nohost")
    assert [placement.host for placement in stock.candidates(SRIOV, alive)] == ["b"]
    assert (len(stock), stock.get("a")) == (1, None)


def random_hosts(chance: Random) -> tuple[Wish, list[HostView], list[Cloud]]:
    """What one random cloud asks for, among the hosts of several; some are too small, or elsewhere."""
    clouds = [random_cloud(chance) for _ in range(chance.randint(1, 5))]
    wish = Wish(
        tuple(clouds[0].requests), chance.choice([0, 1, 40]), 0, 0, chance.choice([None, None, "nova", "z2"]),
        numa_nodes=clouds[0].guest_nodes,
    )  # fmt: skip
    views = [host(f"h{number}", pools=_pools(cloud)) for number, cloud in enumerate(clouds)]
    return wish, [replace(view, availability_zone=chance.choice(["nova", "z2"])) for view in views], clouds


def _pools(cloud: Cloud) -> tuple[Pool, ...]:
    def groups_of(device: Device) -> frozenset[str]:
        return cloud.groups[device.address]

    return pools_of(cloud.devices, groups_of)


@settings(max_examples=CLOUDS)
@given(st.integers(0, 2**64))
def test_the_index_finds_exactly_the_hosts_that_say_yes_when_asked(seed: int) -> None:
    wish, hosts, _ = random_hosts(chance_of(seed))
    asked = {each.name: Clerk(wish, alive).answer(each) for each in hosts}
    yes = {name for name, answer in asked.items() if isinstance(answer, Placement)}
    found = list(stock_of(*hosts).candidates(wish, alive))
    assert {placement.host for placement in found} == yes
    assert len(found) == len(yes)
    assert all(asked[placement.host] == placement for placement in found)


@settings(max_examples=CLOUDS)
@given(st.integers(0, 2**64))
def test_the_order_in_which_hosts_were_put_does_not_matter(seed: int) -> None:
    chance = chance_of(seed)
    wish, hosts, _ = random_hosts(chance)
    other = [*chance.sample(hosts, len(hosts)), *chance.choices(hosts, k=3)]
    found = list(stock_of(*hosts).candidates(wish, alive))
    assert list(stock_of(*other).candidates(wish, alive)) == found


@settings(max_examples=CLOUDS)
@given(st.integers(0, 2**64))
def test_hosts_of_one_shape_answer_as_each_would_alone(seed: int) -> None:
    wish, hosts, _ = random_hosts(chance_of(seed))
    twins = [replace(each, name=f"{each.name}-twin") for each in hosts]
    told = {answer.host: answer for answer in answers(wish, stock_of(*hosts, *twins).hosts(), alive)}
    for each in hosts:
        alone = Clerk(wish, alive).answer(replace(each, shape=None))
        assert told[each.name] == alone
        assert replace(told[f"{each.name}-twin"], host=each.name) == alone


@settings(max_examples=CLOUDS * 10)
@given(st.integers(0, 2**64))
def test_what_the_nearest_miss_names_makes_a_no_a_yes(seed: int) -> None:
    wish, hosts, clouds = random_hosts(chance_of(seed))
    told = list(answers(wish, hosts, alive))
    shortages = [answer for answer in told if isinstance(answer, Shortage)]
    if len(shortages) < len(told):
        return
    miss = nearest_miss(wish, {each.name: each for each in hosts}, shortages, alive)
    if miss is None:
        return
    view, cloud = next((each, cloud) for each, cloud in zip(hosts, clouds, strict=True) if each.name == miss.host)
    freed = [
        replace(device, state=VfState.AVAILABLE) if device.address in miss.given_back else device
        for device in cloud.devices
    ]
    assert sum(device not in cloud.devices for device in freed) == len(miss.given_back)
    again = replace(view, pools=_pools(replace(cloud, devices=freed)))
    assert isinstance(Clerk(miss.wish, alive).answer(again), Placement)
    assert miss.changes
    assert (miss.wish != wish) or miss.given_back


@pytest.mark.parametrize(
    ("wish", "view", "text"),
    [
        (
            Wish(requests=(request("p1", trusted=True),)),
            host("h1", *vfs(1)),
            "without a say on trust, h1 would do",
        ),
        (SRIOV, host("h1", *vfs(2, state=VfState.IN_USE)), "with 1 VF on physnet1 given back, h1 would do"),
        (SRIOV, host("h1", *vfs(2, "physnet2")), "on physnet2, h1 would do"),
        (replace(SRIOV, vcpus=99), host("h1", *vfs(2)), "with 32 vCPUs, h1 would do"),
        (
            replace(SRIOV, vcpus=99, availability_zone="z9"),
            host("h1", *vfs(2)),
            "in availability zone nova and with 32 vCPUs, h1 would do",
        ),
    ],
)
def test_the_nearest_miss_says_what_to_do_without(wish: Wish, view: HostView, text: str) -> None:
    shortages = [answer for answer in answers(wish, [view], alive) if isinstance(answer, Shortage)]
    miss = nearest_miss(wish, {view.name: view}, shortages, alive)
    assert miss is not None
    assert miss.text == text
    assert "h1" not in miss.summary


def test_what_nobody_can_change_has_no_nearest_miss() -> None:
    view = host("h1")
    wish = Wish(requests=(request("p1", kinds=PF),))
    shortages = [answer for answer in answers(wish, [view], alive) if isinstance(answer, Shortage)]
    assert nearest_miss(wish, {"h1": view}, shortages, alive) is None


def test_another_host_is_nearer_than_anything_on_the_one_that_was_asked_for() -> None:
    views = {"h1": host("h1"), "h2": host("h2", *vfs(1))}
    wish = replace(SRIOV, forced_host="h1")
    shortages = [answer for answer in answers(wish, views.values(), alive) if isinstance(answer, Shortage)]
    miss = nearest_miss(wish, views, shortages, alive)
    assert miss is not None
    assert miss.text == "on another host, h2 would do"


def test_a_vf_that_shares_its_iommu_group_is_not_counted_on_to_be_given_back() -> None:
    pair = [vf(f"0000:81:10.{n}", state=VfState.IN_USE, iommu_group=7, updated_at=NOW) for n in range(2)]
    view = host("h1", *pair)
    shortages = [answer for answer in answers(SRIOV, [view], alive) if isinstance(answer, Shortage)]
    assert nearest_miss(SRIOV, {"h1": view}, shortages, alive) is None
