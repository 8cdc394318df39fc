"""Which addresses a pattern covers, and which texts are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.pci_pattern import PatternError, covers, parse_addresses
from mooring.model.pci import PciAddress

ALL = [
    PciAddress(d, b, s, f) for d in (0, 1, 0x10000) for b in (0x0A, 0x81) for s in (0, 2, 0x10, 0x1F) for f in range(8)
]


def covered(text: str) -> set[str]:
    selector = parse_addresses(text)
    return {str(one) for one in ALL if covers(selector, one)}


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("0000:0a:02.3", {"0000:0a:02.3"}),
        ("0000:0A:02.3", {"0000:0a:02.3"}),
        ("0a:02.3", {"0000:0a:02.3"}),
        ("*:0a:02.3", {"0000:0a:02.3", "0001:0a:02.3", "10000:0a:02.3"}),
        ("10000:0a:02.3", {"10000:0a:02.3"}),
        ("0000-0001:0a:02.3", {"0000:0a:02.3", "0001:0a:02.3"}),
        ("0000:0a:02.0-1", {"0000:0a:02.0", "0000:0a:02.1"}),
        ("0a:02.6-7", {"0000:0a:02.6", "0000:0a:02.7"}),
        ("0000:0a:02-10.7", {"0000:0a:02.7", "0000:0a:10.7"}),
        ("0000:0a-81:1f.7", {"0000:0a:1f.7", "0000:81:1f.7"}),
        ("0000:0a:*.7", {"0000:0a:00.7", "0000:0a:02.7", "0000:0a:10.7", "0000:0a:1f.7"}),
        ("0000:0a:1f.7-0000:81:00.0", {"0000:0a:1f.7", "0000:81:00.0"}),
        ("0000:0a:00.*", {f"0000:0a:00.{n}" for n in range(8)}),
    ],
)
def test_a_pattern_covers_what_it_says_and_nothing_else(text: str, addresses: set[str]) -> None:
    assert covered(text) == addresses


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("0000:0a:0*.3", "has '0*' as slot: a wildcard stands for a whole field", "as in 10-11"),
        ("0000:0a:02.[0-3]", "has '[0-3]' as function: a wildcard", "as in 0-3"),
        ("0000:0a:02.3|4", "has '3|4' as function: a wildcard", "as in 0-3"),
        ("000?:0a:02.3", "has '000?' as domain: a wildcard", "as in 0000-0001"),
        ("*", "is not a PCI address", "as in"),
        ("", "is not a PCI address", "as in"),
        (".", "is not a PCI address", "as in"),
        (".3", "is not a PCI address", "as in"),
        ("02.3", "is not a PCI address", "as in"),
        ("0000:0a:02", "is not a PCI address", "as in"),
        ("0:0:0:a:2.3", "is not a PCI address", "as in"),
        ("0000:0a:02.3.1", "has '02.3' as slot, which is no hex number", "or *"),
        (":0a:02.3", "leaves out the domain", "write * for any domain"),
        ("0000::02.3", "leaves out the bus", "write * for any bus"),
        ("0000:0a:02.", "leaves out the function", "write * for any function"),
        ("*:*:*.*", "selects everything of a domain", "give bus, slot or function"),
        ("*:*.*", "selects everything of a domain", "give bus, slot or function"),
        ("0:a:2.3", "has '0' as domain, and the kernel writes it with 4 hex digits", "or *"),
        ("0000:0a:2.*", "has '2' as slot, and the kernel writes it with 2 hex digits", "or *"),
        ("0000:0a:20.*", "has '20' as slot, over 1f", "or *"),
        ("0000:*:02.8", "has '8' as function, over 7", "or *"),
        ("0000:100:02.*", "has '100' as bus", "or *"),
        ("0000:0a:02.3-1", "has '3-1' as function, which runs backwards", "write 1-3"),
        ("0000:0a:11-10.*", "has '11-10' as slot, which runs backwards", "write 10-11"),
        ("0000:81:00.0-0000:0a:1f.7", "runs backwards", "write 0000:0a:1f.7-0000:81:00.0"),
        ("0000:0a:02.3\n", "has '3\\n' as function", "or *"),
        ("0000:0a:1f/0", "is not a PCI address", "as in"),
        ("0000:0a:02.\uff13", "has '\uff13' as function, which is no hex number", "or *"),
        ("0000:0\u0663:02.*", "as bus, which is no hex number", "or *"),
        ("0000:0a:02.0\x00", "as function, which is no hex number", "or *"),
        ("../../0000:0a:02.0", "as domain, which is no hex number", "or *"),
        (" 0000:0a:02.*", "as domain, which is no hex number", "or *"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_way_out(text: str, says: str, hint: str) -> None:
    with pytest.raises(PatternError) as refused:
        parse_addresses(text)
    assert says in str(refused.value)
    assert hint in refused.value.hint


@given(st.text(alphabet="0123456789abcdefA:.*-[]? \n\u0663", max_size=24) | st.text(max_size=40))
def test_any_text_is_a_pattern_that_covers_something_or_refused(text: str) -> None:
    try:
        selector = parse_addresses(text)
    except PatternError as refused:
        is_well = bool(refused.hint)
    else:
        is_well = parse_addresses(str(selector)) == selector
    assert is_well


@given(st.sampled_from(ALL))
def test_an_address_as_the_kernel_writes_it_covers_itself_alone(address: PciAddress) -> None:
    assert covered(str(address)) == {str(address)}
