"""Properties of aggregates: what a flavor asks of them, and whom they keep their hosts for."""

import pytest

from mooring.core.host_properties import WhyNot, check_property, kept_groups, why_not
from mooring.errors import Invalid
from mooring.model.host import Aggregate
from mooring.testing.outside import SteppedClock

NOW = SteppedClock().now()


def aggregate(name: str = "fast", **metadata: str) -> Aggregate:
    spelled = {key.replace("__", ":"): value for key, value in metadata.items()}
    return Aggregate(1, "uuid", name, NOW, NOW, ("h1",), spelled)


def test_a_host_without_aggregates_takes_whatever_asks_for_nothing() -> None:
    assert why_not([], {}) is None


@pytest.mark.parametrize(
    ("aggregates", "required"),
    [
        ([aggregate(ssd="true")], {"ssd": "true"}),
        ([aggregate(ssd="false"), aggregate(ssd="true")], {"ssd": "true"}),
        ([aggregate(disk="hdd, ssd")], {"disk": "ssd"}),
        ([aggregate(cores="16")], {"cores": ">= 8"}),
        ([aggregate(a="1"), aggregate(b="2")], {"a": "1", "b": "<or> 2 <or> 3"}),
    ],
)
def test_any_value_of_any_aggregate_meets_a_requirement(aggregates: list[Aggregate], required: dict[str, str]) -> None:
    assert why_not(aggregates, required) is None


@pytest.mark.parametrize(
    ("aggregates", "text"),
    [
        ([], "no aggregate of it has ssd, and the flavor asks for ssd 'true'"),
        ([aggregate(hdd="true")], "no aggregate of it has ssd, and the flavor asks for ssd 'true'"),
        (
            [aggregate(ssd="no"), aggregate(ssd="false")],
            "ssd is false and no in its aggregates, and the flavor asks for ssd 'true'",
        ),
    ],
)
def test_an_unmet_requirement_is_told_with_what_is_there(aggregates: list[Aggregate], text: str) -> None:
    assert why_not(aggregates, {"ssd": "true"}) == WhyNot(text, "no aggregate in which ssd is true")


def test_a_host_kept_for_pci_groups_takes_only_servers_that_ask_for_one_of_them() -> None:
    kept = [aggregate(pci__groups="gold, silver")]
    assert why_not(kept, {}, {"silver", "lead"}) is None
    refused = why_not(kept, {}, {"lead"})
    assert refused == WhyNot(
        "aggregate fast keeps it for servers that ask for PCI group gold or silver",
        "been kept for servers with devices of certain PCI groups",
    )
    assert why_not(kept, {}) == refused


def test_what_every_aggregate_keeps_its_hosts_for_holds_by_itself() -> None:
    both = [aggregate("a", pci__groups="gold"), aggregate("b", pci__groups="silver"), aggregate("c")]
    assert why_not(both, {}, {"gold", "silver"}) is None
    refused = why_not(both, {}, {"gold"})
    assert refused is not None
    assert refused.text.startswith("aggregate b keeps")


def test_an_owner_is_told_no_names_of_aggregates_and_pci_groups() -> None:
    refused = why_not([aggregate("secret-a", pci__groups="secret-g", ssd="secret-v")], {"ssd": "x"})
    kept = why_not([aggregate("secret-a", pci__groups="secret-g")], {})
    assert refused is not None
    assert kept is not None
    assert "secret" not in refused.summary + kept.summary


@pytest.mark.parametrize(("key", "value"), [("ssd", ""), ("pci:groups", "a"), ("pci:groups", " a , b "), ("a:b", "c")])
def test_a_property_that_means_something_is_taken(key: str, value: str) -> None:
    check_property(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pci:groups", ""),
        ("pci:groups", "a,"),
        ("pci:groups", "a, a"),
        ("pci:groups", ",".join(f"g{number}" for number in range(33))),
        ("pci:group", "a"),
        ("pci:", "a"),
        ("filter_tenant_id", "x"),
        ("filter_tenant_id2", "x"),
        ("cpu_allocation_ratio", "16.0"),
        ("pci_weight_multiplier", "2.0"),
        ("trait:HW_CPU_X86_AVX2", "required"),
        ("max_instances_per_host", "5"),
    ],
)
def test_a_property_that_nothing_goes_by_is_refused_by_name(key: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_property(key, value)
    assert key in refused.value.message
    assert refused.value.hint


def test_the_kept_pci_groups_are_read_without_spaces() -> None:
    assert kept_groups(aggregate(pci__groups="a, b ,c")) == {"a", "b", "c"}
    assert kept_groups(aggregate()) == frozenset()
