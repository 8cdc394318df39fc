"""MAC addresses: one form, and only what one station may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.macs import canonical_mac
from mooring.core.words import shown
from mooring.errors import Invalid


@pytest.mark.parametrize(
    "text", ["fa:16:3e:f8:97:bb", "FA:16:3E:F8:97:BB", "fa-16-3e-f8-97-bb", "fa16.3ef8.97bb", "fa163ef897bb"]
)
def test_every_usual_form_becomes_the_canonical_one(text: str) -> None:
    assert canonical_mac(text) == "fa:16:3e:f8:97:bb"


@pytest.mark.parametrize(
    "text",
    [
        "zz",
        "",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "33:33:00:00:00:01",
        "fa:16:3e:f8:97:bb\n",
        " fa:16:3e:f8:97:bb",
        "fa:16:3e:f8:97",
        "fa:16:3e:f8:97:bb:cc",
        "fa:16-3e:f8-97:bb",
        "fa:16:3e:f8:97:b",
        "fa:16:3e:f8:97:b\u0661",
        "\uff26\uff21:16:3e:f8:97:bb",
        None,
        0,
    ],
)
def test_what_no_station_may_have_is_refused_in_neutrons_words(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        canonical_mac(text)
    assert caught.value.message == f"Invalid input for mac_address. Reason: '{shown(text)}' is not a valid MAC address."
    assert caught.value.code == "HTTPBadRequest"


@given(st.binary(min_size=6, max_size=6))
def test_exactly_the_unicast_addresses_pass_and_stay_as_they_are(octets: bytes) -> None:
    text = octets.hex(":")
    if any(octets) and octets[0] % 2 == 0:
        assert canonical_mac(text) == text
    else:
        with pytest.raises(Invalid):
            canonical_mac(text)
