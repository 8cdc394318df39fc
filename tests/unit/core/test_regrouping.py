"""After a change of aggregates or PCI groups only the hosts that see a difference are looked at again."""

from dataclasses import replace

import pytest

from mooring.core.regrouping import Shared, touched
from mooring.model.group import PciGroup, PciSelector
from mooring.model.host import Aggregate
from tests.unit.core.clouds import NOW

RACK = Aggregate(1, "rack", "rack", NOW, NOW, ("h1", "h2"), {"a": "b"})
ANYWHERE, ON_H9, IN_RACK = PciSelector(vendor_id="8086"), PciSelector(hosts=("h9",)), PciSelector(aggregates=("rack",))
LATER = NOW.replace(year=2030)


def group(*selectors: PciSelector, **more: object) -> PciGroup:
    return replace(PciGroup("g", "fast", NOW, NOW, selectors=selectors), **more)  # type: ignore[arg-type]  # its fields


def shared(*things: Aggregate | PciGroup) -> Shared:
    return Shared.of(
        [thing for thing in things if isinstance(thing, Aggregate)],
        [thing for thing in things if isinstance(thing, PciGroup)],
    )


@pytest.mark.parametrize(
    ("old", "new", "hosts"),
    [
        (shared(RACK), shared(RACK), set()),
        (shared(RACK), shared(replace(RACK, updated_at=LATER)), set()),
        (shared(), shared(RACK), {"h1", "h2"}),
        (shared(RACK), shared(), {"h1", "h2"}),
        (shared(RACK), shared(replace(RACK, hosts=("h2", "h3"))), {"h1", "h3"}),
        (shared(RACK), shared(replace(RACK, metadata={})), {"h1", "h2"}),
        (shared(RACK), shared(replace(RACK, name="row", hosts=("h3",))), {"h1", "h2", "h3"}),
        (shared(), shared(group(ANYWHERE)), None),
        (shared(group(ANYWHERE)), shared(), None),
        (shared(group(ANYWHERE)), shared(group(ANYWHERE, description="new", projects=("p",))), set()),
        (shared(group(ANYWHERE)), shared(group(ANYWHERE, name="slow")), None),
        (shared(), shared(group(ON_H9)), {"h9"}),
        (shared(), shared(group(PciSelector(hosts=("h*",)))), None),
        (shared(RACK), shared(RACK, group(IN_RACK)), {"h1", "h2"}),
        (shared(group(ON_H9)), shared(group(ON_H9, excludes=(ANYWHERE,))), {"h9"}),
        (shared(group(ON_H9)), shared(group(ANYWHERE)), None),
        (shared(RACK, group(IN_RACK)), shared(group(ON_H9)), {"h1", "h2", "h9"}),
    ],
)
def test_the_hosts_that_see_a_difference(old: Shared, new: Shared, hosts: set[str] | None) -> None:
    assert touched(old, new) == hosts
