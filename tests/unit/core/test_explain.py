"""Explaining: the fault that an owner reads in counts, and an admin host by host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.explain import FAULT_DETAILS_CHARS_MAX, FAULT_MESSAGE_CHARS_MAX, fault_details, fault_message
from mooring.core.placing import Wish, answers
from mooring.model.request import Lack, Shortage
from mooring.model.vf import VfState
from tests.unit.core.clouds import alive, host, request, vfs

FULL = "no free VF on physnet1 (16 of 16 in use)"


def shortages(*summaries: str) -> list[Shortage]:
    return [Shortage(f"h{n}", (Lack("devices", f"text of {n}", summary),)) for n, summary in enumerate(summaries)]


def test_the_sentence_that_the_design_promises_is_what_a_cloud_says() -> None:
    hosts = [
        host("h1", *vfs(16, state=VfState.IN_USE)),
        host("h2", *vfs(16, state=VfState.IN_USE)),
        host("h3", *vfs(16, "physnet2")),
    ]
    told = answers(Wish(requests=(request("p1"),)), hosts, alive)
    found = [answer for answer in told if isinstance(answer, Shortage)]
    assert fault_message(found) == (
        "No valid host was found. 3 hosts: 2 have no free VF on physnet1 (16 of 16 in use), "
        "1 has free VFs on physnet2 only."
    )
    assert fault_details(found) == (
        "h1: no free VF on physnet1 (16 of 16 in use)\n"
        "h2: no free VF on physnet1 (16 of 16 in use)\n"
        "h3: free VFs on physnet2 only"
    )


@pytest.mark.parametrize(
    ("summaries", "message"),
    [
        ([], "No valid host was found. There are no hosts."),
        (["no VFs"], "No valid host was found. 1 host: 1 has no VFs."),
        (
            ["no free VF (8 of 8 in use)", "no free VF (4 of 4 in use)", "no free VF (8 of 8 in use)"],
            "No valid host was found. 3 hosts: 3 have no free VF (8 of 8 in use; 4 of 4 in use).",
        ),
        (
            [f"no free VF ({n} of {n} in use)" for n in range(1, 9)],
            "No valid host was found. 8 hosts: 8 have no free VF.",
        ),
        (
            ["no free VF on a (1 of 1 in use) and no free VF on b (1 of 1 in use)", "no free VF on a (1 of 1 in use)"],
            (
                "No valid host was found. 2 hosts: 1 has no free VF on a (1 of 1 in use), "
                "1 has no free VF on a (1 of 1 in use) and no free VF on b (1 of 1 in use)."
            ),
        ),
        (
            ["x" * 80 + str(n) for n in range(9)],
            f"No valid host was found. 9 hosts: 1 has {'x' * 80}0, 1 has {'x' * 80}1, and 7 more hosts.",
        ),
    ],
)
def test_causes_are_counted_and_the_rest_is_left_out_in_numbers(summaries: list[str], message: str) -> None:
    assert fault_message(shortages(*summaries)) == message


@given(st.lists(st.text(min_size=1, max_size=400), max_size=12))
def test_a_fault_message_fits_its_column_and_keeps_the_sentence_that_clients_look_for(summaries: list[str]) -> None:
    message = fault_message(shortages(*summaries))
    assert len(message) <= FAULT_MESSAGE_CHARS_MAX
    assert message.startswith("No valid host was found. ")


def test_a_cause_that_is_too_long_by_itself_is_cut_to_the_column() -> None:
    message = fault_message(shortages("x" * 400))
    assert len(message) == FAULT_MESSAGE_CHARS_MAX
    assert message.endswith("x…")


def test_the_message_does_not_depend_on_the_order_of_the_shortages() -> None:
    told = shortages(FULL, "no VFs", FULL, "been disabled")
    assert fault_message(told) == fault_message(told[::-1])


def test_details_of_a_large_cloud_are_bounded_and_say_how_many_hosts_are_left() -> None:
    told = [Shortage(f"h{n:04}", (Lack("devices", "x" * 60, "y"),)) for n in range(1000)]
    details = fault_details(told)
    assert len(details) <= FAULT_DETAILS_CHARS_MAX
    lines = details.splitlines()
    assert lines[0].startswith("h0000: ")
    assert lines[-1] == f"and {1000 - len(lines) + 1} more hosts"


def test_the_nearest_miss_is_told_where_there_is_room() -> None:
    told = fault_message(shortages("no VFs"), "with numa policy preferred, a host would do")
    assert told == "No valid host was found. 1 host: 1 has no VFs. With numa policy preferred, a host would do."
    assert fault_message(shortages("x" * 200), "y" * 99) == f"No valid host was found. 1 host: 1 has {'x' * 200}."
    assert fault_details(shortages("no VFs"), "with h1 enabled, h1 would do").startswith(
        "With h1 enabled, h1 would do.\n"
    )
