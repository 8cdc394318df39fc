"""Extra DHCP options: what an update leaves of them."""

import pytest

from mooring.core.dhcp_options import OPTIONS_MAX, OptionWish, with_wishes
from mooring.errors import Invalid
from mooring.model.port import DhcpOption

TFTP, BOOT = DhcpOption("tftp-server", "192.0.2.1"), DhcpOption("bootfile-name", "a.0")


@pytest.mark.parametrize(
    ("wishes", "left"),
    [
        ([], (TFTP, BOOT)),
        ([OptionWish("bootfile-name", "b.0")], (TFTP, DhcpOption("bootfile-name", "b.0"))),
        ([OptionWish("tftp-server", None)], (BOOT,)),
        ([OptionWish("tftp-server", None, 6)], (TFTP, BOOT)),
        ([OptionWish("tftp-server", "2001:db8::1", 6)], (TFTP, BOOT, DhcpOption("tftp-server", "2001:db8::1", 6))),
        ([OptionWish("router", "")], (TFTP, BOOT, DhcpOption("router", ""))),
        ([OptionWish("tftp-server", "")], (TFTP, BOOT)),
        ([OptionWish("60", "x"), OptionWish("60", None)], (TFTP, BOOT)),
    ],
)
def test_update_changes_what_it_names_and_leaves_the_rest(
    wishes: list[OptionWish], left: tuple[DhcpOption, ...]
) -> None:
    assert with_wishes((TFTP, BOOT), wishes) == left


def test_options_without_end_are_refused() -> None:
    wishes = [OptionWish(str(n), "x") for n in range(OPTIONS_MAX + 1)]
    assert len(with_wishes((), wishes[:OPTIONS_MAX])) == OPTIONS_MAX
    with pytest.raises(Invalid, match="extra_dhcp_opts"):
        with_wishes((), wishes)
