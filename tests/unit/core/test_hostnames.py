"""Host names: what a display name becomes in DNS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.hostnames import HOSTNAME_MAX_CHARS, hostname


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web1", "web1"),
        ("Web Server_1", "web-server-1"),
        ("db.example.org", "db-example-org"),
        ("-edge-", "edge"),
        ("söhne", "shne"),
        ("x" * 80, "x" * 63),
        ("日本", "server-7"),
        ("", "server-7"),
    ],
)
def test_display_name_becomes_a_dns_label_or_the_servers_id(name: str, expected: str) -> None:
    assert hostname(name, "7") == expected


@given(st.text(max_size=100))
def test_every_name_becomes_a_label_that_dns_takes(name: str) -> None:
    label = hostname(name, "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11")
    assert 0 < len(label) <= HOSTNAME_MAX_CHARS
    assert not label.startswith("-")
    assert all(character in "abcdefghijklmnopqrstuvwxyz0123456789-" for character in label)
