"""Files of hosts: what they may say, and that what is wrong with one is told where it is, with a way out."""

import json
from collections.abc import Mapping

import pytest

from mooring.core.placing import HostView
from mooring.core.plan_file import parse_hosts
from mooring.core.pools import CONDITIONS, Pool
from mooring.errors import Invalid
from mooring.model.host import Liveness
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.vf import VfState
from tests.unit.core.plans import HOSTS, inventory

PF = {"address": "0000:0a:00.0", "type": "PF"}
VF = {"address": "0000:0a:02.0", "type": "VF", "parent": "0000:0a:00.0"}


def only_host(text: str) -> HostView:
    (host,) = parse_hosts(text).hosts
    return host


def vf_pool(*devices: Mapping[str, object]) -> Pool:
    """The pool of the VFs, which are alike."""
    (pool,) = (pool for pool in only_host(inventory(*devices)).pools if pool.kind is FunctionKind.VF)
    return pool


def addresses(*texts: str) -> tuple[PciAddress, ...]:
    return tuple(map(PciAddress.parse, texts))


def test_an_inventory_says_of_each_function_what_it_is_and_whose() -> None:
    host = only_host(HOSTS)
    pf, vf = host.pools
    assert (pf.kind, pf.free) == (FunctionKind.PF, addresses("0000:0a:00.0"))
    assert vf == Pool(
        FunctionKind.VF, PciAddress.parse("0000:0a:00.0"), "physnet1", 0, True, frozenset({"rx-gro"}),
        frozenset({"fast"}), free=addresses("0000:0a:02.0"),
    )  # fmt: skip
    assert host.cells.sockets == {0: 0, 1: 0}
    assert host.name == "h1"


def test_a_host_says_its_room_its_zone_its_aggregates_and_whether_it_serves() -> None:
    said = {
        "vcpus": 8, "used_vcpus": 3, "vcpu_ratio": 2, "memory_mib": 4096, "used_memory_mib": 96, "memory_ratio": 1.5,
        "disk_gib": 100, "used_disk_gib": 10, "disk_ratio": 0.5, "availability_zone": "az1", "is_enabled": False,
        "disabled_reason": "new memory", "aggregates": [{"name": "gpus", "metadata": {"pci:groups": "gpu"}}],
    }  # fmt: skip
    host = only_host(inventory(**said))
    for key in said.keys() - {"aggregates"}:
        assert getattr(host, key) == said[key], key
    (aggregate,) = host.aggregates
    assert (aggregate.name, aggregate.metadata, aggregate.hosts) == ("gpus", {"pci:groups": "gpu"}, ("h1",))


@pytest.mark.parametrize("liveness", [None, *Liveness])
def test_a_host_answers_unless_it_is_said_to_be_silent(liveness: Liveness | None) -> None:
    assert parse_hosts(inventory(liveness=liveness)).liveness_of("h1") is (liveness or Liveness.ALIVE)


def test_a_host_may_have_no_devices() -> None:
    assert only_host('{"hosts": [{"name": "h1"}]}').pools == ()
    assert parse_hosts('{"hosts": []}').hosts == ()


def test_keys_of_hosts_and_devices_that_mean_nothing_here_are_left_alone() -> None:
    assert only_host(inventory({**PF, "serial": "x", "vpd": [1]}, rack=[7])) == only_host(inventory(PF))


@pytest.mark.parametrize(
    ("said", "condition"),
    [
        ({"owner": "srv"}, "in use"),
        ({"owner": "srv", "state": "claimed"}, "in use"),
        ({"state": "in-use"}, "in use"),
        ({"state": "quarantined"}, "quarantined"),
        ({"owner": "srv", "state": "quarantined"}, "quarantined"),
        ({"owner": "srv", "state": "releasing"}, "being released"),
        ({"state": "baselining"}, "being cleaned"),
        ({"is_offered": False}, "not offered"),
    ],
)
def test_what_has_an_owner_or_cannot_be_handed_out_is_not_free(said: Mapping[str, object], condition: str) -> None:
    pool = vf_pool(PF, {**VF, **said})
    assert (pool.free, pool.others) == ((), ((condition, 1),))


@pytest.mark.parametrize("state", sorted(VfState))
def test_every_state_of_a_function_can_be_told_and_only_one_is_free(state: VfState) -> None:
    pools = only_host(inventory({"address": "0000:05:00.0", "type": "PCI", "state": state, "owner": None})).pools
    assert [pool.free for pool in pools if pool.free] == ([] if state != "available" else [addresses("0000:05:00.0")])
    assert {word for pool in pools for word, _ in pool.others} <= set(CONDITIONS)


def test_a_function_is_free_where_nothing_else_is_said() -> None:
    assert vf_pool(PF, VF).free == vf_pool(PF, {**VF, "owner": None, "state": None, "is_offered": None}).free
    assert vf_pool(PF, VF).free == addresses("0000:0a:02.0")


def test_why_something_is_in_quarantine_is_told_with_since_when_or_not_at_all() -> None:
    lying = {**VF, "state": "quarantined", "reason": "MAC did not read back"}
    assert vf_pool(PF, lying).reasons == ()
    told = vf_pool(PF, {**lying, "updated_at": "2026-11-20T10:02:33.5Z"}).reasons
    assert told == ("since 2026-11-20 10:02: MAC did not read back",)
    assert vf_pool(PF, {**lying, "updated_at": "2026-11-20T10:02:33.5Z", "reason": "x" * 9000}).reasons


def test_what_owners_were_promised_is_off_the_link_of_their_pf() -> None:
    vfs = [{**VF, "address": f"0000:0a:02.{n}", "owner": f"s{n}", "min_rate_mbps": 3000} for n in range(3)]
    pools = only_host(inventory({**PF, "link_speed_mbps": 10_000}, VF | {"address": "0000:0a:03.0"}, *vfs)).pools
    assert {pool.link_speed_mbps for pool in pools} == {1000}


def test_an_address_may_be_spelled_in_any_case_without_a_domain_and_with_a_long_one() -> None:
    devices = [{"address": text, "type": "PCI"} for text in ("0A:00.0", "0000:0B:1F.7", "10000:e1:00.0")]
    (pool,) = only_host(inventory(*devices)).pools
    assert pool.free == addresses("0000:0a:00.0", "0000:0b:1f.7", "10000:e1:00.0")


WRONG_ADDRESSES = (
    "0000:00:00.0\n", "\n0000:00:00.0", " 0000:00:00.0", "0000:00:00.0 ", "0000:00:1f/0", "0000/00:1f.0",
    "0000:00:00.0\x00", "0000:00:\x0000.0",
    "\N{FULLWIDTH DIGIT ZERO}000:00:00.0", "0000:00:00.\N{FULLWIDTH DIGIT ZERO}",
    "0000:00:0\N{ARABIC-INDIC DIGIT ZERO}.0", "0000:00:0\N{DEVANAGARI DIGIT ONE}.0",
    "0000:00:00.8", "0000:00:20.0", "0000:00:ff.0", "00000000a:00:00.0", "0:0:0.0", "0000:0:00.0", "0000:00:00",
    "00:00", "0000:00:00.0.0", "0000:00:00.*", "*:*:*.*", "0000:0a:.*.0", "(a+)+$", "../../etc/passwd",
    "/sys/bus/pci/devices/0000:00:00.0", "virtfn0", "pci_0000_0a_00_0", "0x0000:0a:00.0", "-001:00:00.0",
    "0000:0g:00.0",
)  # fmt: skip


@pytest.mark.parametrize("text", WRONG_ADDRESSES)
def test_an_address_that_is_none_is_refused_by_host_key_and_value(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_hosts(inventory({"address": text, "type": "PCI"}))
    assert refused.value.message == f"host h1: entry 1 of devices: address = {text!r}"
    assert refused.value.hint == "address is a PCI address, as in 0000:0a:02.3"
    with pytest.raises(Invalid) as refused:
        parse_hosts(inventory(PF, {**VF, "parent": text}))
    assert refused.value.message == f"host h1: entry 2 of devices: 0000:0a:02.0: parent = {text!r}"


def refusal_of(text: str) -> Invalid:
    with pytest.raises(Invalid) as refused:
        parse_hosts(text)
    return refused.value


#: The devices of host h1, what is said of them, and the way out.
WRONG_DEVICES: list[tuple[list[object], str, str]] = [
    ([VF], "VF 0000:0a:02.0 has the parent 0000:0a:00.0, which is not in the inventory", "list the PF with its VFs"),
    ([{**VF, "parent": None}], "0000:0a:02.0: it is a VF without a parent", "the address of its PF as parent"),
    ([PF, {**VF, "parent": VF["address"]}], "0000:0a:02.0, which is no PF", "list the PF"),
    ([{**PF, "type": "PCI"}, VF], "VF 0000:0a:02.0 has the parent 0000:0a:00.0, which is no PF", "list the PF"),
    ([PF, VF, {**VF, "address": "0000:0a:02.1", "parent": VF["address"]}], "0000:0a:02.0, which is no PF", "list"),
    ([{**PF, "parent": "0000:0b:00.0"}], "0000:0a:00.0: it is no VF, and has the parent 0000:0b:00.0", "a VF, and"),
    ([PF, PF], "device 0000:0a:00.0 is there twice", "list each once"),
    ([PF, {**PF, "address": "0A:00.0", "type": "PCI"}], "device 0000:0a:00.0 is there twice", "list each once"),
    ([7], "entry 1 of devices is 7, no object", '{"address": "0000:0a:00.0", "type": "PF"}'),
    ([PF, None], "entry 2 of devices is None, no object", '{"address": "0000:0a:00.0", "type": "PF"}'),
    ([{"type": "PF"}], "entry 1 of devices: it has no address", "address is a PCI address, as in 0000:0a:00.0"),
    ([{**PF, "address": 7}], "entry 1 of devices: address = 7", "a text of 1 to 255 characters"),
    ([{**PF, "type": None}], "0000:0a:00.0: it has no type", "type is PCI, PF or VF"),
    ([{**PF, "type": "pf"}], "0000:0a:00.0: type = 'pf'", "type is PCI, PF or VF"),
    ([{**PF, "type": "type-PF"}], "0000:0a:00.0: type = 'type-PF'", "type is PCI, PF or VF"),
    ([{**PF, "type": ["PF"]}], "0000:0a:00.0: type = ['PF']", "a text"),
    ([{**PF, "numa_node": -1}], "0000:0a:00.0: numa_node = -1", "a whole number from 0 to 2147483648, or null"),
    ([{**PF, "numa_node": "0"}], "0000:0a:00.0: numa_node = '0'", "a whole number"),
    ([{**PF, "numa_node": True}], "0000:0a:00.0: numa_node = True", "a whole number"),
    ([{**PF, "numa_node": 0.5}], "0000:0a:00.0: numa_node = 0.5", "a whole number"),
    ([{**PF, "iommu_group": 2**40}], f"0000:0a:00.0: iommu_group = {2**40}", "a whole number"),
    ([{**PF, "iommu_group": -1}], "0000:0a:00.0: iommu_group = -1", "a whole number"),
    ([{**PF, "link_speed_mbps": 1e4}], "0000:0a:00.0: link_speed_mbps = 10000.0", "a whole number"),
    ([{**PF, "vf_count": -2}], "0000:0a:00.0: vf_count = -2", "a whole number"),
    ([{**PF, "physical_network": ["a"]}], "0000:0a:00.0: physical_network = ['a']", "a text of 1 to 255 characters"),
    ([{**PF, "physical_network": ""}], "0000:0a:00.0: physical_network = ''", "a text of 1 to 255 characters"),
    ([{**PF, "physical_network": "x" * 256}], "0000:0a:00.0: physical_network = 'xxx", "a text of 1 to 255"),
    ([{**PF, "trusted": "true"}], "0000:0a:00.0: trusted = 'true'", "true, false or null"),
    ([{**PF, "trusted": 1}], "0000:0a:00.0: trusted = 1", "true, false or null"),
    ([{**PF, "is_offered": "no"}], "0000:0a:00.0: is_offered = 'no'", "true, false or null"),
    ([{**PF, "features": "rx"}], "0000:0a:00.0: features = 'rx'", "a list of at most 256 texts"),
    ([{**PF, "features": [1]}], "0000:0a:00.0: features = [1]", "a list of at most 256 texts"),
    ([{**PF, "features": ["x"] * 257}], "0000:0a:00.0: features = ['x', ", "a list of at most 256 texts"),
    ([{**PF, "groups": {"fast": 1}}], "groups = {'fast': 1}", "a list of at most 256 texts"),
    ([{**PF, "owner": False}], "0000:0a:00.0: owner = False", "a text of 1 to 255 characters, or null"),
    ([{**PF, "owner": ""}], "0000:0a:00.0: owner = ''", "a text of 1 to 255 characters, or null"),
    ([{**PF, "owner": {"server_id": "x"}}], "0000:0a:00.0: owner = {'server_id': 'x'}", "a text"),
    ([{**PF, "state": "free"}], "0000:0a:00.0: state = 'free'", "available, baselining"),
    ([{**PF, "owner": "s", "state": "available"}], "it has the owner s, and its state is available", "leave out one"),
    ([{**PF, "updated_at": "yesterday"}], "0000:0a:00.0: updated_at = 'yesterday'", "as in 2026-11-20T10:02:00Z"),
    ([{**PF, "min_rate_mbps": 5}], "min_rate_mbps = 5", "of a VF only"),
    ([PF, {**VF, "min_rate_mbps": -5}], "min_rate_mbps = -5", "a whole number"),
    ([{**PF, "vendor_id": 8086}], "0000:0a:00.0: vendor_id = 8086", "a text"),
]  # fmt: skip


@pytest.mark.parametrize(("devices", "says", "hint"), WRONG_DEVICES)
def test_a_device_that_is_none_is_named_with_its_host_key_and_value(
    devices: list[object], says: str, hint: str
) -> None:
    refused = refusal_of(json.dumps({"hosts": [{"name": "h0"}, {"name": "h1", "devices": devices}]}))
    assert refused.message.startswith("host h1: ")
    assert says in refused.message
    assert hint in refused.hint


@pytest.mark.parametrize(
    ("host", "says", "hint"),
    [
        ({"name": None}, "entry 1 of hosts: it has no name", "name is a text, as in h1"),
        ({"name": ""}, "entry 1 of hosts: name = ''", "a text of 1 to 255 characters"),
        ({"name": 7}, "entry 1 of hosts: name = 7", "a text"),
        ({"devices": None}, "host h1: devices = None is no list", '{"hosts": [{"name": "h1", "devices": ['),
        ({"devices": {}}, "host h1: devices = {} is no list", '{"hosts": ['),
        ({"devices": [PF] * 65_537}, "host h1: devices has 65537 entries", "65536 at most"),
        ({"numa_sockets": {"a": 0}}, "host h1: numa_sockets = {'a': 0}", "whose keys are numbers"),
        ({"numa_sockets": {"-1": 0}}, "host h1: numa_sockets = {'-1': 0}", "whose keys are numbers"),
        (
            {"numa_sockets": {"\N{ARABIC-INDIC DIGIT ZERO}": 0}},
            "host h1: numa_sockets = {'\N{ARABIC-INDIC DIGIT ZERO}': 0}",
            "whose keys are numbers",
        ),
        ({"numa_sockets": {"²": 0}}, "host h1: numa_sockets = {'²': 0}", "whose keys are numbers"),
        ({"numa_sockets": {"": 0}}, "host h1: numa_sockets = {'': 0}", "whose keys are numbers"),
        ({"numa_sockets": {"00": 0}}, "host h1: numa_sockets = {'00': 0}", "whose keys are numbers"),
        ({"numa_sockets": {"9" * 5000: 0}}, "host h1: numa_sockets = {'999", "whose keys are numbers"),
        ({"numa_sockets": {"0\n": 0}}, "host h1: numa_sockets = {'0\\n': 0}", "whose keys are numbers"),
        ({"numa_sockets": {"0": "0"}}, "host h1: numa_sockets: 0 = '0'", "a whole number"),
        ({"numa_sockets": {"0": -1}}, "host h1: numa_sockets: 0 = -1", "a whole number"),
        ({"numa_sockets": {"0": True}}, "host h1: numa_sockets: 0 = True", "a whole number"),
        ({"numa_sockets": []}, "host h1: numa_sockets = []", 'as in {"0": 0, "1": 0}'),
        ({"numa_sockets": [0, 0]}, "host h1: numa_sockets = [0, 0]", 'as in {"0": 0, "1": 0}'),
        ({"numa_sockets": {str(n): 0 for n in range(65)}}, "host h1: numa_sockets = {'0': 0, ", "at most 64 nodes"),
        ({"vcpus": -1}, "host h1: vcpus = -1", "a whole number from 0 to 2147483648, or null"),
        ({"vcpus": "8"}, "host h1: vcpus = '8'", "a whole number"),
        ({"memory_mib": 2**31 + 1}, f"host h1: memory_mib = {2**31 + 1}", "a whole number"),
        ({"used_disk_gib": 1.5}, "host h1: used_disk_gib = 1.5", "a whole number"),
        ({"vcpu_ratio": 0}, "host h1: vcpu_ratio = 0", "a number above 0 and up to 1000, or null"),
        ({"vcpu_ratio": -1.5}, "host h1: vcpu_ratio = -1.5", "a number above 0"),
        ({"memory_ratio": True}, "host h1: memory_ratio = True", "a number above 0"),
        ({"memory_ratio": float("nan")}, "host h1: memory_ratio = nan", "a number above 0"),
        ({"disk_ratio": float("inf")}, "host h1: disk_ratio = inf", "a number above 0"),
        ({"disk_ratio": "2"}, "host h1: disk_ratio = '2'", "a number above 0"),
        ({"vcpus": float("nan")}, "host h1: vcpus = nan", "a whole number"),
        ({"availability_zone": 1}, "host h1: availability_zone = 1", "a text"),
        ({"is_enabled": "yes"}, "host h1: is_enabled = 'yes'", "true, false or null"),
        ({"liveness": "up"}, "host h1: liveness = 'up'", "liveness is alive, dead or unknown"),
        ({"aggregates": {}}, "host h1: aggregates = {} is no list", '{"aggregates": [{"name": "gpus"'),
        ({"aggregates": ["gpus"]}, "host h1: entry 1 of aggregates is 'gpus', no object", '{"aggregates": ['),
        ({"aggregates": [{}]}, "host h1: entry 1 of aggregates: it has no name", "as in gpus"),
        ({"aggregates": [{"name": "a", "metadata": {"k": 1}}]}, "aggregates: metadata = {'k': 1}", "256 texts"),
        ({"aggregates": [{"name": "a", "metadata": []}]}, "aggregates: metadata = []", "256 texts"),
    ],
)
def test_a_host_that_is_none_is_named_with_its_key_and_value(host: dict[str, object], says: str, hint: str) -> None:
    refused = refusal_of(json.dumps({"hosts": [{"name": "h1", **host}]}))
    assert says in refused.message
    assert hint in refused.hint


def test_a_host_that_is_listed_twice_is_refused() -> None:
    refused = refusal_of('{"hosts": [{"name": "h1"}, {"name": "h2"}, {"name": "h1"}]}')
    assert (refused.message, refused.hint) == ("host h1 is there twice", "list each host once, with all of its devices")


NOT_JSON = (
    "", "{", "nonsense", '{"hosts": [}', "[" * 100_000, '{"a":' * 100_000, '{"hosts": [\x00]}', "9" * 5000,
    '{"hosts": "\ud800', "\ufeff{}",
)  # fmt: skip


@pytest.mark.parametrize("text", NOT_JSON)
def test_what_is_no_json_is_refused_with_an_example(text: str) -> None:
    refused = refusal_of(text)
    assert refused.message.startswith("the inventory is no JSON: ")
    assert refused.hint.startswith('{"hosts": [')


@pytest.mark.parametrize("text", ["[]", "null", "7", '"hosts"', "NaN", "true"])
def test_what_is_no_object_is_refused_with_an_example(text: str) -> None:
    assert refusal_of(text).message == "the inventory is no object"


@pytest.mark.parametrize("text", ["{}", '{"hosts": null}', '{"hosts": {}}', '{"Hosts": []}'])
def test_an_inventory_without_a_list_of_hosts_is_refused(text: str) -> None:
    assert "hosts = " in refusal_of(text).message
    assert refusal_of(text).hint.startswith('{"hosts": [')
