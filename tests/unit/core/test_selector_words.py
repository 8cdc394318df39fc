"""Selectors as people write them: what each key takes, and that nothing ends in anything but Invalid."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.selector_words import (
    KEYS,
    SELECTORS_MAX,
    VALUES_MAX,
    read_selector,
    read_selectors,
    selector_object,
    selector_words,
    words_object,
)
from mooring.errors import Invalid
from mooring.model.group import PciSelector
from mooring.model.pci import FunctionKind

WHOLE = {
    "vendor_id": "0x8086", "product_id": "10CA", "class": "0200", "kind": "VF", "physical_networks": ["physnet1"],
    "hosts": ["h1", "rack1-*"], "aggregates": ["fast hosts"], "addresses": ["81:10.4", "0000:81:*.*"], "numa_node": 0,
    "min_link_speed_mbps": 25000, "features": ["hw-tc-offload"], "tags": ["gold"], "trusted": True,
}  # fmt: skip


def test_every_key_is_read_and_spelled_in_one_way() -> None:
    assert set(WHOLE) == set(KEYS)
    assert read_selector("s", WHOLE) == PciSelector(
        "8086", "10ca", "0200", FunctionKind.VF, ("physnet1",), ("h1", "rack1-*"), ("fast hosts",),
        ("0000:81:10.4", "0000:81:*.*"), 0, 25000, ("hw-tc-offload",), ("gold",), True,
    )  # fmt: skip


@pytest.mark.parametrize("word", ["PF", "VF", "PCI"])
def test_a_kind_is_written_with_or_without_novas_prefix(word: str) -> None:
    found = {read_selector("s", {"kind": written}).kind for written in (word, f"type-{word}")}
    assert found == {FunctionKind(f"type-{word}")}


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ({}, "s = {} selects nothing in particular", "give one of vendor_id"),
        ({"vendor": "8086"}, "s: unknown key 'vendor'", "did you mean vendor_id?"),
        ({"host": ["h1"]}, "s: unknown key 'host'", "did you mean hosts?"),
        ({"colour": 1}, "s: unknown key 'colour'", "known: vendor_id, "),
        ({"vendor_id": "80860"}, "s.vendor_id = '80860' is not four hex digits", "leave it out for any"),
        ({"vendor_id": "8086\n"}, "s.vendor_id = '8086\\n' is not four hex digits", "leave it out for any"),
        ({"vendor_id": 8086}, "s.vendor_id = 8086 is not text", 'as in "8086"'),
        ({"vendor_id": "808\uff16"}, "s.vendor_id = '808\uff16' is not four hex digits", "leave it out"),
        ({"product_id": "10ca"}, "s.product_id = '10ca' stands without vendor_id", "give vendor_id too"),
        ({"class": "020"}, "s.class = '020' is not a PCI class", "two, four or six"),
        ({"kind": "vdpa"}, "s.kind = 'vdpa' is not a kind of function", "one of PF, VF, PCI"),
        ({"kind": ["VF"]}, "s.kind = ['VF'] is not a kind of function", "one of PF, VF, PCI"),
        ({"numa_node": -1}, "s.numa_node = -1 is not a whole number from 0 to 1023", "leave it out for any"),
        ({"numa_node": True}, "s.numa_node = True is not a whole number", "leave it out for any"),
        ({"numa_node": 0.0}, "s.numa_node = 0.0 is not a whole number", "leave it out for any"),
        ({"min_link_speed_mbps": 0}, "s.min_link_speed_mbps = 0 is not a whole number from 1", "leave it out"),
        ({"trusted": "yes"}, "s.trusted = 'yes' is not true or false", "leave it out for both"),
        ({"hosts": "h1"}, "s.hosts = 'h1' is not a list of texts", "leave it out for any"),
        ({"hosts": []}, "s.hosts = [] is not a list of texts", "leave it out for any"),
        ({"hosts": ["h1", "h1"]}, "s.hosts[1] = 'h1' says the same as s.hosts[0]", "give it once"),
        ({"hosts": ["*"]}, "s.hosts[0] = '*' means every host", "leave hosts out"),
        ({"hosts": ["h[12]"]}, "s.hosts[0] = 'h[12]' is not a host's name, nor a pattern", "rack1-*"),
        ({"hosts": [None]}, "s.hosts[0] = None is not text", "write it in quotes"),
        ({"hosts": ["h"] * (VALUES_MAX + 1)}, f"s.hosts = {VALUES_MAX + 1} is too many values", "256 at most"),
        ({"aggregates": ["a\nb"]}, "s.aggregates[0] = 'a\\nb' is not the name of a host aggregate", "printable"),
        ({"physical_networks": ["*"]}, "s.physical_networks[0] = '*' is not a physical network's name", "printable"),
        ({"features": ["RX"]}, "s.features[0] = 'RX' is not a feature", "small letters"),
        ({"tags": ["a b"]}, "s.tags[0] = 'a b' is no tag", "printable"),
        ({"addresses": ["81:10.4", "0000:81:10.4"]}, "s.addresses[1] = '0000:81:10.4' says the same as", "once"),
        ({"addresses": ["81:*.*", "0000:81:*.*"]}, "s.addresses[1] = '0000:81:*.*' says the same as", "once"),
        ([], "s = [] is not an object of selectors", 'as in {"vendor_id": "8086"}'),
        (None, "s = None is not an object of selectors", 'as in {"vendor_id": "8086"}'),
    ],
)  # fmt: skip
def test_what_can_never_be_right_is_refused_with_its_value_and_the_way_out(given: Any, said: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_selector("s", given)
    assert refused.value.message.startswith(said)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "", "0000:00:00.0\n", " 0:00:00.0", "0000:00:1f/0", "0000:00:1f.0\0", "\uff10000:00:00.0", "0000:00:00.\u0663",
        "0000:00:00.8", "0000:00:20.0", "0000:100:00.0", "100000000:00:00.0", "../../", "0000:0a:0*.3",
        "0000:0a:02.[0-3]", "0000:0a:02.3.1", ":0a:02.", "0000:*:*.*", "*:*:*.*", "*", "0000:81:10", "81", "0:a:2.3",
        "0000:81:11.0-0000:81:10.0", "0000:81:10-.0", ".*", "(a+)+$", "ens1f0", "0000:81:10.4;0000:81:10.5",
    ],
)  # fmt: skip
def test_no_malformed_address_selects_anything(address: str) -> None:
    with pytest.raises(Invalid):
        read_selector("s", {"addresses": [address]})


def test_a_32_bit_domain_is_an_address() -> None:
    assert read_selector("s", {"addresses": ["10000:E1:00.0"]}).addresses == ("10000:e1:00.0",)


def test_a_list_of_selectors_is_bounded_and_names_none_twice() -> None:
    many = [{"hosts": [f"h{n}"]} for n in range(SELECTORS_MAX)]
    assert len(read_selectors("selectors", many)) == SELECTORS_MAX
    for wrong, said in (
        ([*many, {"hosts": ["more"]}], "selectors = 65 is too many selectors"),
        ([{"vendor_id": "8086"}, {"vendor_id": "0x8086"}], "selectors[1] = {'vendor_id': '0x8086'} says the same as"),
        ({"vendor_id": "8086"}, "selectors = {'vendor_id': '8086'} is not a list"),
        ([[]], "selectors[0] = [] is not an object"),
    ):
        with pytest.raises(Invalid) as refused:
            read_selectors("selectors", wrong)
        assert refused.value.message.startswith(said)


# --- the command line ------------------------------------------------------------------------------------------


def test_words_say_what_a_body_says() -> None:
    words = "vendor_id=8086,kind=VF,host=h1,host=h2,feature=rx,numa_node=1,trusted=false,address=0000:81:*.*"
    assert words_object(words) == {
        "vendor_id": "8086", "kind": "VF", "hosts": ["h1", "h2"], "features": ["rx"], "numa_node": 1, "trusted": False,
        "addresses": ["0000:81:*.*"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ("", "'': unknown key ''", "known: "),
        ("vendor_id", "'vendor_id': vendor_id has no value", "write vendor_id=VALUE"),
        ("vendor_id=8086,", "'vendor_id=8086,': unknown key ''", "known: "),
        ("vendor=8086", "'vendor=8086': unknown key 'vendor'", "did you mean vendor_id?"),
        ("hots=h1", "'hots=h1': unknown key 'hots'", "did you mean host"),
        ("kind=VF,kind=PF", "'kind=VF,kind=PF': kind is given twice", "give another selector"),
    ],
)
def test_words_that_say_nothing_are_refused(words: str, said: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        words_object(words)
    assert refused.value.message.startswith(said)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "words", ["numa_node=-1", "numa_node=1e3", "numa_node=\u0663", "trusted=1", "min_link_speed_mbps=x"]
)
def test_words_that_are_no_number_and_no_truth_are_refused_as_in_a_body(words: str) -> None:
    with pytest.raises(Invalid):
        read_selector("s", words_object(words))


T = TypeVar("T")


def read_or_refused(read: Callable[[], T]) -> T | None:
    """What was read; ``None`` where that was refused with a way out. Any other error is the test's to fail by."""
    try:
        return read()
    except Invalid as refused:
        if not refused.hint:
            raise
        return None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
near_values = st.one_of(
    json_values,
    st.sampled_from(["8086", "VF", "h*", "0000:81:*.*", "gold", 0, True]),
    st.lists(st.one_of(json_values, st.sampled_from(["h1", "rx", "0000:81:10.*", "gold"])), max_size=3),
)
near_selectors = st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=10)), near_values, max_size=4)


@given(st.one_of(json_values, st.lists(near_selectors, max_size=4)))
def test_a_body_is_read_or_invalid_and_what_was_read_reads_the_same_again(value: Any) -> None:
    found = read_or_refused(lambda: read_selectors("selectors", value))
    assert found is None or read_selectors("selectors", [_plain(one) for one in found]) == found


@given(near_selectors)
def test_a_selector_is_said_in_words_that_mean_the_same(value: Any) -> None:
    found = read_or_refused(lambda: read_selector("s", value))
    if found is not None and all("," not in name for name in found.aggregates):
        assert read_selector("s", words_object(selector_words(selector_object(found)))) == found


@given(st.text(max_size=60))
def test_words_are_read_or_invalid(text: str) -> None:
    read_or_refused(lambda: read_selector("s", words_object(text)))


def _plain(selector: PciSelector) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in selector_object(selector).items()}
