"""Nova's aliases as PCI groups: what Nova refuses is refused, and what a PCI group does not carry is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.nova_alias import AliasGroup, alias_groups, read_alias_text
from mooring.errors import Invalid
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind

QAT: dict[str, Any] = {"name": "qat", "vendor_id": "8086", "product_id": "37C9", "device_type": "type-VF"}
NOVA_CONF = """\
[DEFAULT]
debug = true
alias = {"name": "not ours"}
pci_alias = {"vendor_id": "10de", "product_id": "1eb8", "name": "gpu"}

[pci]
device_spec = {"vendor_id": "8086"}
alias = {"name": "a1", "vendor_id": "8086", "product_id": "154d", "device_type": "type-PF", "numa_policy": "required"}
# alias = {"name": "commented out"}
alias = '{
    "name": "qat",
    "vendor_id": "8086", "product_id": "37c9"
    }'
[neutron]
alias = {"name": "not ours"}
"""


def only(*entries: dict[str, Any]) -> AliasGroup:
    (found,) = alias_groups(entries)
    return found


def test_a_nova_conf_gives_the_aliases_of_both_its_options_in_their_order() -> None:
    found = alias_groups(read_alias_text(NOVA_CONF))
    assert [(one.name, one.selectors) for one in found] == [
        ("gpu", (PciSelector("10de", "1eb8"),)),
        ("a1", (PciSelector("8086", "154d", kind=FunctionKind.PF),)),
        ("qat", (PciSelector("8086", "37c9"),)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(QAT),
        json.dumps([QAT]),
        f"{json.dumps(QAT)}\n\n{json.dumps(QAT)}\n",
        f"[pci]\nalias={json.dumps(QAT)}\n",
        f"[pci]\r\nalias : '{json.dumps(QAT)}'\r\n",
    ],
)
def test_a_file_is_a_nova_conf_or_json_in_any_of_three_forms(text: str) -> None:
    assert only(*read_alias_text(text)).selectors == (PciSelector("8086", "37c9", kind=FunctionKind.VF),)  # type: ignore[arg-type]  # objects of JSON


def test_lines_of_one_name_are_alternatives() -> None:
    found = only(QAT, {**QAT, "product_id": "0443"}, QAT)
    assert [one.product_id for one in found.selectors] == ["37c9", "0443"]


def test_without_a_device_type_any_kind_is_selected() -> None:
    assert only({key: value for key, value in QAT.items() if key != "device_type"}).selectors[0].kind is None


def test_what_a_group_does_not_carry_is_told_with_what_takes_its_place() -> None:
    found = only({**QAT, "numa_policy": "required", "traits": "CUSTOM_X", "live_migratable": "yes"})
    assert "hw:pci_numa_affinity_policy=required" in found.notes[0]
    assert [note.split(" ", 1)[0] for note in found.notes] == ["numa_policy", "traits", "live_migratable"]
    assert only({**QAT, "numa_policy": "legacy", "capability_type": "pci"}).notes == ()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{**QAT, "colour": "red"}], "alias 1: unknown key 'colour'"),
        ([{**QAT, "product_id": "37c"}], "alias 1: product_id = '37c' is not four hex digits"),
        ([{**QAT, "vendor_id": "8086\n"}], "alias 1: vendor_id = '8086\\n' is not four hex digits"),
        ([{**QAT, "vendor_id": "\uff18086"}], "alias 1: vendor_id = '\uff18086' is not four hex digits"),
        ([{**QAT, "device_type": "vdpa"}], "alias 1: device_type = 'vdpa' is none that Nova knows"),
        ([{**QAT, "device_type": None}], "alias 1: device_type = None is none that Nova knows"),
        ([{**QAT, "numa_policy": "near"}], "alias 1: numa_policy = 'near' is none that Nova knows"),
        ([{**QAT, "traits": 1}], "alias 1: traits = 1 is not text"),
        ([{"vendor_id": "8086", "product_id": "37c9"}], "alias 1: name = None is not text of 1 to 256"),
        ([{"name": "qat", "resource_class": "CUSTOM_QAT"}], "alias 1: it has no vendor_id and product_id"),
        ([{"name": "qat", "vendor_id": "8086"}], "alias 1: it has no vendor_id and product_id"),
        ([{**QAT, "name": "a:b"}], "alias 1: name = 'a:b' is not a name"),
        ([{**QAT, "name": "x" * 64}], "alias 1: name = "),
        ([QAT, {**QAT, "numa_policy": "required"}], "alias 2: qat comes again with another numa_policy"),
        ([QAT, {**QAT, "device_type": "type-PF"}], "alias 2: qat comes again with another device_type"),
        ([{"name": "q", "vendor_id": "8086", "product_id": "37c9"}] * 2, "alias 2: q comes again without device_type"),
    ],
)
def test_what_nova_refuses_and_what_no_group_can_be_is_refused(entries: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        alias_groups(entries)
    assert refused.value.message.startswith(said)
    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "[pci]\n", "[pci]\nalias = {\n", "nonsense", "3", '["a"]', "[" * 100_000, "[pci]\nalias = {'name': 'a'}",
     '[pci]\nalias = {"name": "a",}'],
)  # fmt: skip
def test_a_file_without_aliases_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_alias_text(text)
    assert refused.value.code == "PciInvalidAlias"
    assert refused.value.hint


def way_out(read: Callable[[], object]) -> str:
    """The hint of a refusal, and some word where there is none; any other error is the test's to fail by."""
    try:
        read()
    except Invalid as refused:
        return refused.hint
    return "it was read"


values = st.one_of(st.none(), st.integers(), st.text(max_size=8), st.sampled_from(["8086", "type-PF", "socket", "a"]))
keys = st.sampled_from(["name", "vendor_id", "product_id", "device_type", "numa_policy", "traits", "x"])


@given(st.lists(st.dictionaries(keys, values), max_size=4))
def test_aliases_become_groups_or_are_refused_with_a_way_out(entries: list[dict[str, Any]]) -> None:
    assert way_out(lambda: alias_groups(entries))


@given(st.text(max_size=80))
def test_any_text_is_aliases_or_refused_with_a_way_out(text: str) -> None:
    assert way_out(lambda: read_alias_text(f"[pci]\nalias = {text}"))
