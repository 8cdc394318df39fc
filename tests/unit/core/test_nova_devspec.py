"""Nova's own spelling of device specs: what Nova 34 answered is what is answered here."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.nova_devspec import NovaDevice, NovaHost, nova_matches, parse_nova_specs, read_nova_text
from mooring.errors import Invalid

VECTORS = json.loads((Path(__file__).parents[2] / "data/nova-device-spec.json").read_text(encoding="utf-8"))["vectors"]
PF, VF, OTHER_VF = "0000:0a:00.1", "0000:0a:02.3", "0000:0a:02.4"
HOST = NovaHost(
    [
        NovaDevice(PF, "8086", "1572", serial="SN1"),
        NovaDevice(VF, "8086", "154c", PF, "SN1"),
        NovaDevice(OTHER_VF, "8086", "154c", PF),
        NovaDevice("10000:e1:00.0", "8086", "0b60"),
    ],
    {"eth0": (PF, True), "eth1": (VF, False)},
    frozenset({PF}),
)


def host_of(vector: Mapping[str, object]) -> NovaHost:
    devices: list[Mapping[str, str]] = vector["devices"]  # type: ignore[assignment]  # the file's form
    interfaces: Mapping[str, tuple[str, bool]] = vector["interfaces"]  # type: ignore[assignment]  # the file's form
    found = [NovaDevice(one["address"], one["vendor_id"], one["product_id"], one.get("parent_addr")) for one in devices]
    pfs = frozenset(address for address, is_pf in interfaces.values() if is_pf)
    return NovaHost(found, {name: (address, is_pf) for name, (address, is_pf) in interfaces.items()}, pfs)


def answer(entries: list[Mapping[str, object]], host: NovaHost = HOST) -> Mapping[str, object]:
    try:
        return {"match": list(nova_matches(parse_nova_specs(entries, host), host))}
    except Invalid as refused:
        return {"error": refused.code}


def test_there_are_400_vectors_and_a_quarter_of_them_is_refused() -> None:
    assert len(VECTORS) == 400
    assert sum("error" in vector["nova"] for vector in VECTORS) == 94


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: json.dumps(vector["spec"]))
def test_a_spec_gives_novas_matches_or_is_refused_as_nova_refuses_it(vector: Mapping[str, object]) -> None:
    assert answer([vector["spec"]], host_of(vector)) == vector["nova"]  # type: ignore[list-item]  # the file's form


def test_the_first_spec_that_matches_decides() -> None:
    specs = parse_nova_specs([{"devname": "eth1"}, {"address": PF}, {"product_id": "154c"}], HOST)
    assert nova_matches(specs, HOST) == {PF: 1, VF: 0, OTHER_VF: 1}


def test_a_device_in_a_domain_of_32_bits_is_none_for_nova() -> None:
    assert answer([{}]) == {"match": [PF, VF, OTHER_VF]}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"product_id": 154}, "TypeError"),
        ({"product_id": None}, "TypeError"),
        ({"vendor_id": None}, "AttributeError"),
        ({"address": {"bus": 5}}, "TypeError"),
        ({"address": {"bus": "a{99999999999999}"}}, "PciDeviceWrongAddressFormat"),
        ({"address": True}, "PciDeviceWrongAddressFormat"),
        ({"address": PF, "remote_managed": "true"}, "PciDeviceInvalidPFRemoteManaged"),
        ({"address": PF, "product_id": "9999", "remote_managed": True}, "PciConfigInvalidSpec"),
        ({"devname": "nope", "remote_managed": "yes"}, "PciDeviceRemoteManagedNotPresent"),
    ],
)
def test_what_nova_refuses_or_breaks_on_is_refused_under_that_name(entry: Mapping[str, object], code: str) -> None:
    assert answer([{}, entry]) == {"error": code}


@pytest.mark.parametrize(
    ("entry", "addresses"),
    [
        ({"address": PF, "product_id": "154c", "remote_managed": "true"}, [VF]),
        ({"address": "*:0a:02.*", "remote_managed": "true"}, [VF]),
        ({"address": None}, [PF, VF, OTHER_VF]),
        ({"address": 0, "devname": "eth1"}, [VF]),
        ({"devname": ["eth1"]}, []),
        ({"address": {"domain": "", "bus": "", "slot": "", "function": ""}}, [PF, VF, OTHER_VF]),
        ({"vendor_id": "80_86"}, [PF, VF, OTHER_VF]),
        ({"address": "-1.3"}, []),
    ],
)
def test_novas_oddities_are_kept(entry: Mapping[str, object], addresses: list[str]) -> None:
    assert answer([entry]) == {"match": addresses}


def test_a_refusal_names_the_entry() -> None:
    with pytest.raises(Invalid, match=re.escape("device_spec entry 2: vendor_id = 'zz' is no hex number")):
        parse_nova_specs([{}, {"vendor_id": "zz"}], HOST)


CONF = """\
[DEFAULT]
device_spec = {"address": "not ours"}
pci_passthrough_whitelist = {"vendor_id": "1"}
[pci]
# device_spec = {"vendor_id": "no"}
alias = {"name": "a1"}
device_spec = {"vendor_id": "2"}
device_spec = [{"vendor_id": "3"},
    {"vendor_id": "4"}]
passthrough_whitelist: {"vendor_id": "5"}

[libvirt]
device_spec = {"vendor_id": "not ours"}
"""


@pytest.mark.parametrize(
    ("text", "vendors"),
    [
        ('{"vendor_id": "1"}', ["1"]),
        ('[{"vendor_id": "1"}, {"vendor_id": "2"}]', ["1", "2"]),
        ('{"vendor_id": "1"}\n\n[{"vendor_id": "2"}]\n', ["1", "2"]),
        ("[]", []),
        (CONF, ["1", "2", "3", "4", "5"]),
    ],
)
def test_objects_lists_lines_and_a_whole_nova_conf_are_read_in_order(text: str, vendors: list[str]) -> None:
    assert [entry["vendor_id"] for entry in read_nova_text(text)] == vendors


@pytest.mark.parametrize(
    "text",
    [
        "", "5", '"x"', "[5]", "[[{}]]", "{", '{"a": 1}\n{', "[pci]\nalias = {}\n", "[pci]\ndevice_spec = {\n",
        "[pci]\ndevice_spec = 5\n", "[" * 100_000,
    ],
)  # fmt: skip
def test_what_holds_no_specs_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_nova_text(text)
    assert refused.value.code == "PciConfigInvalidSpec"


FIELD = st.sampled_from(["*", "", " ", "0a", "0000", "00", "02", "3", "0*", "[", "-1", "\uff12", "fffff", ".*"])
ADDRESS = (
    st.text(alphabet="0123af:.*-[]{}()|?+ \n", max_size=16)
    | st.dictionaries(st.sampled_from(["domain", "bus", "slot", "function", "foo"]), FIELD, max_size=4)
    | st.none()
    | st.integers()
    | st.lists(st.text(max_size=3), max_size=2)
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "address": ADDRESS,
        "devname": st.sampled_from(["eth0", "eth1", "..", "", "eth0\n", "a/b"]) | st.none() | st.integers(),
        "vendor_id": FIELD | st.just("8086") | st.none() | st.integers(),
        "product_id": FIELD | st.just("154c") | st.lists(st.text(max_size=2), max_size=1),
        "remote_managed": st.sampled_from(["true", True, None, "no"]),
        "physical_network": st.none() | st.text(max_size=5),
    },
)


@given(st.lists(ENTRY, max_size=3))
def test_any_entries_match_devices_of_the_host_or_are_refused(entries: list[Mapping[str, object]]) -> None:
    told = answer(entries)
    assert "error" in told or set(told["match"]) <= {PF, VF, OTHER_VF}  # type: ignore[call-overload]  # of our making


@given(st.text(max_size=60) | st.text(alphabet='[]{}":,=\npcidevspc_ ', max_size=60))
def test_any_text_holds_objects_or_is_refused(text: str) -> None:
    try:
        is_well = all(isinstance(entry, dict) for entry in read_nova_text(text))
    except Invalid as refused:
        is_well = refused.code == "PciConfigInvalidSpec"
    assert is_well
