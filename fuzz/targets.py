"""Everything that reads what a person or another program wrote, as targets of a fuzzer.

A target takes any text. It returns, or it raises one of its refusals: any other exception is a bug, and so is a second
of work for a text that fits a command line. Where something is read back as it was written, that is checked too.
``fuzz/run.py`` runs them under atheris, ``tests/unit/core/test_parsers_never_crash.py`` under Hypothesis.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mooring.cli.nics import read_nics
from mooring.config import load_agent
from mooring.core.device_file import parse_device_file
from mooring.core.devspec import offer
from mooring.core.devspec_entries import parse_device_specs
from mooring.core.flavor_specs import read_flavor_specs, read_image_properties
from mooring.core.function_wish import read_wish, settle_wish
from mooring.core.nova_alias import alias_groups, read_alias_text
from mooring.core.nova_devspec import NovaDevice, NovaHost, nova_matches, parse_nova_specs, read_nova_text
from mooring.core.pci_pattern import PatternError, covers, parse_addresses
from mooring.core.pci_wishes import read_aliases, read_features, read_group_and_count
from mooring.core.plan_answer import answer_object
from mooring.core.plan_file import parse_hosts, parse_request
from mooring.core.selector_words import read_selectors, selector_object, selector_words, words_object
from mooring.errors import Invalid, Unsupported
from mooring.host.numa import parse_cpu_list
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_PF, _VF = PciAddress.parse("0000:0a:00.0"), PciAddress.parse("0000:0a:02.3")
_FUNCTIONS = (
    PciFunction(_PF, FunctionKind.PF, "8086", "1572", "i40e", "ens1f0", "52:54:00:00:00:01", vf_count=1),
    PciFunction(_VF, FunctionKind.VF, "8086", "154c", "iavf", "ens1f0v3", pf=_PF, vf_index=3),
)
_NOVA_HOST = NovaHost(
    [NovaDevice(str(_PF), "8086", "1572"), NovaDevice(str(_VF), "8086", "154c", str(_PF))],
    {"ens1f0": (str(_PF), True)}, frozenset({str(_PF)}),
)  # fmt: skip
_HOSTS_FILE = """{"hosts": [{"name": "h1", "numa_sockets": {"0": 0, "1": 1}, "vcpus": 8, "vcpu_ratio": 2.5,
    "liveness": "alive", "aggregates": [{"name": "a", "metadata": {"k": "v"}}], "devices": [
    {"address": "0000:0a:00.0", "type": "PF", "numa_node": 0, "physical_network": "p", "iommu_group": 1},
    {"address": "0000:0a:02.0", "type": "VF", "parent": "0000:0a:00.0", "numa_node": 0, "physical_network": "p"},
    {"address": "0000:0a:02.1", "type": "VF", "parent": "0000:0a:00.0", "trusted": true, "features": ["rx"],
     "physical_network": "p", "groups": ["fast"], "link_speed_mbps": 10000, "owner": null},
    {"address": "0000:0a:02.2", "type": "VF", "parent": "0000:0a:00.0", "owner": "s", "min_rate_mbps": 100,
     "state": "quarantined", "reason": "r", "updated_at": "2026-11-20T10:02:00Z", "is_offered": false},
    {"address": "0000:0b:00.0", "type": "PCI", "numa_node": 1, "groups": ["gpu"]}]}]}"""
_REQUEST_FILE = """{"requests": [
    {"id": "r1", "count": 2, "type": "VF", "physical_network": "p", "trusted": null, "features": []},
    {"id": "r2", "type": "PCI", "group": "gpu", "numa_policy": "preferred", "min_rate_mbps": 0}],
    "numa_nodes": [0], "vcpus": 2, "spread": "pf", "host": "h1", "host_properties": {"k": "v"}}"""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader, the ways in which it may say no, and texts that it takes or nearly takes."""

    read: Callable[[str], object]
    seeds: Sequence[str]
    refusals: tuple[type[Exception], ...] = (Invalid, Unsupported)
    is_typed: bool = False
    """It reads the command line only, which makes printable what it says (``cli/text.py``)."""


def run(target: Target, text: str) -> None:
    """Raises whatever is not a refusal."""
    try:
        target.read(text)
    except target.refusals as refused:
        if isinstance(refused, Invalid) and not target.is_typed:
            _require(_is_utf8(refused.message), f"an error that cannot be sent: {refused.message!r}")


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise AssertionError(what)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json(text: str) -> object:
    """A body is decoded, and checked to be UTF-8, before it comes to a reader; that is not what is tried here."""
    try:
        value = json.loads(text)
        told = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError) as wrong:
        raise Invalid("no JSON") from wrong
    if not _is_utf8(told):
        raise Invalid("no UTF-8")
    return value


def _texts(text: str) -> Mapping[str, str]:
    """An object of texts, as the API's own checks let it through."""
    value = _json(text)
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Invalid("no object of texts")
    return value


def _agent_file(text: str) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        found = load_agent(Path(file.name))
        offer(_FUNCTIONS, parse_device_specs(found.device_specs, found.device_spec_lines), {})


def _device_specs(text: str) -> None:
    entries = _json(text)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid("no list of tables")
    offer(_FUNCTIONS, parse_device_specs(entries), {})


def _nova_specs(text: str) -> None:
    nova_matches(parse_nova_specs(read_nova_text(text), _NOVA_HOST), _NOVA_HOST)


def _device_file(text: str) -> None:
    file = parse_device_file(text)
    file.nova_host()
    file.functions()


def _address(text: str) -> None:
    address = PciAddress.parse(text)
    _require(PciAddress.parse(str(address)) == address, f"{address} is another address when it is read back")


def _pattern(text: str) -> None:
    selector = parse_addresses(text)
    covers(selector, _VF)
    again = parse_addresses(str(selector))
    _require(again == selector, f"{selector} is {again} when it is read back")


def _selectors(text: str) -> None:
    selectors = read_selectors("selectors", _json(text))
    again = read_selectors("selectors", json.loads(json.dumps([selector_object(one) for one in selectors])))
    _require(again == selectors, f"{selectors} is {again} when it is read back")


def _selector_words(text: str) -> None:
    (selector,) = read_selectors("selectors", [words_object(text)])
    (again,) = read_selectors("selectors", [words_object(selector_words(selector_object(selector)))])
    _require(again == selector, f"{selector} is {again} when it is read back")


def _profile(text: str) -> None:
    value = _json(text)
    if not isinstance(value, dict):
        raise Invalid("no object")
    read_wish(settle_wish(value))


def _cpu_list(text: str) -> None:
    cpus = parse_cpu_list(text)
    _require(cpus is None or list(cpus) == sorted(set(cpus)), f"{text!r} is {cpus}")


def _hosts_file(text: str) -> None:
    answer_object(parse_request(_REQUEST_FILE), parse_hosts(text))


def _request_file(text: str) -> None:
    answer_object(parse_request(text), parse_hosts(_HOSTS_FILE))


def _aliases(text: str) -> None:
    alias_groups(read_alias_text(text))


TARGETS: Mapping[str, Target] = {
    "agent_file": Target(
        _agent_file,
        (
            ('[agent]\ncontroller = "http://c:8774"\nkey_file = "k"\n\n[[device_spec]]\npf = "ens1f0"\nvfs = "0-3,8"\n'
            'physical_network = "physnet1"\ntrusted = true\ntags = ["gold"]\n'),
            '[[device_spec]]\naddress = "0000:0a:02-03.*"\nexclude = true\n',
        ),
    ),
    "device_specs": Target(
        _device_specs,
        (
            '[{"pf": "ens1f0", "vfs": "0-3,8", "physical_network": "physnet1", "num_vfs": 8}]',
            ('[{"vendor_id": "8086", "product_id": "0x154c", "class": "0200", "driver": "ice", "numa_node": 1,'
            ' "physical_network": "p", "min_link_speed_mbps": 25000, "link_type": "ethernet", "tags": ["a"]}]'),
            '[{"pf": "52:54:00:00:00:01", "whole": true, "physical_network": "p"}, {"serial": "A1", "exclude": true}]',
        ),
    ),
    "nova_device_spec": Target(
        _nova_specs,
        (
            '{"address": "*:0a:02.*", "physical_network": "physnet1", "trusted": "true"}',
            '[{"devname": "ens1f0", "remote_managed": "true"}, {"vendor_id": "8086", "product_id": "154c"}]',
            '{"address": {"domain": ".*", "bus": "0a", "slot": "[0-9]+", "function": "[0-3]"}}',
            '[pci]\ndevice_spec = {"address": "0a:02.3"}\npassthrough_whitelist = [{"vendor_id": "8086"}]\n',
        ),
        is_typed=True,
    ),
    "device_file": Target(
        _device_file,
        (
            ('{"devices": [{"address": "0000:0a:00.0", "vendor_id": "8086", "product_id": "1572"}, {"address":'
            ' "0000:0a:02.3", "parent_addr": "0000:0a:00.0", "vf_index": 3}], "interfaces": {"e": ["0a:00.0", true]}}'),
        ),
    ),
    "nova_alias": Target(
        _aliases,
        (
            '{"name": "a1", "vendor_id": "8086", "product_id": "154c", "device_type": "type-VF"}',
            ('[pci]\nalias = {"name": "a1", "vendor_id": "8086", "product_id": "1572", "device_type": "type-PF"}\n'
            'alias = {"name": "a1", "vendor_id": "15b3", "product_id": "101d", "device_type": "type-PF"}\n'),
        ),
        is_typed=True,
    ),
    "plan_hosts": Target(_hosts_file, (_HOSTS_FILE,), is_typed=True),
    "plan_request": Target(_request_file, (_REQUEST_FILE,), is_typed=True),
    "pci_address": Target(_address, ("0000:81:10.4", "81:10.4", "10000:e1:00.0", "0000:81:1f.7"), (ValueError,)),
    "address_pattern": Target(
        _pattern, ("0000:81:10-11.*", "*:0a:*.0-3", "0000:81:10.0-0000:81:11.7", "81:*.*"), (PatternError,)
    ),
    "group_selectors": Target(
        _selectors,
        (
            '[{"vendor_id": "8086", "product_id": "154c", "kind": "VF", "hosts": ["h1", "rack*"], "numa_node": 0}]',
            '[{"class": "0302", "addresses": ["0000:0a:02-03.*"], "tags": ["gold"], "trusted": false}]',
            '[{"physical_networks": ["p"], "aggregates": ["a b"], "features": ["rx"], "min_link_speed_mbps": 1}]',
        ),
    ),
    "group_words": Target(
        _selector_words,
        (
            "vendor_id=8086,product_id=154c,kind=VF,host=h1,host=h2,trusted=true",
            "class=0302,address=0000:0a:02-03.*,tag=gold,numa_node=1,min_link_speed_mbps=25000",
            "physical_network=p,aggregate=a b,feature=rx",
        ),
    ),
    "flavor_specs": Target(
        lambda text: read_flavor_specs(_texts(text)),
        (
            '{"pci_passthrough:alias": "gpu:2,fpga:1", "hw:pci_numa_affinity_policy": "socket", "hw:numa_nodes": "2"}',
            '{"pci:spread": "numa", "pci:features": "rx,tso", "aggregate_instance_extra_specs:ssd": "true"}',
        ),
    ),
    "image_properties": Target(
        lambda text: read_image_properties(_texts(text)),
        (
            '{"hw_pci_numa_affinity_policy": "required", "hw_numa_nodes": "2"}',
            '{"mooring_default_vnic_type": "direct"}',
        ),
    ),
    "aliases": Target(lambda text: read_aliases(text, "alias"), ("gpu:2,fpga:1, gpu", "a1")),
    "group_and_count": Target(lambda text: read_group_and_count(text, "pci-group"), ("fast:2", "fast")),
    "features": Target(lambda text: read_features(text, "features"), ("rx,tso, hw-tc-offload",)),
    "port_profile": Target(
        _profile, ('{"pci_group": "fast", "pci_features": ["rx"], "pci_min_rate_mbps": 1000, "trusted": "true"}',)
    ),
    "nics": Target(
        lambda text: read_nics(text.split("\n"), [], []),
        (
            "net-id=n1,vnic-type=direct,pci-group=fast:2,tag=t\nport-id=p1,v4-fixed-ip=192.0.2.1",
            "net-id=n1,port-profile=gold,pci-alias=a", "auto", "none",
        ),
        is_typed=True,
    ),
    "cpu_list": Target(_cpu_list, ("0-3,8,10-11", "")),
}  # fmt: skip
