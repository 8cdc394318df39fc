"""The stock that placing goes by, and the table by which a PF and its VFs exclude each other (nova.md 2.4).

Whatever is claimed, given back, reported or rolled back: the stock is what the database says, a server gets a function
exactly when Nova's table allows it, and the auditor has nothing to say.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.lifecycle import OWNED_STATES
from mooring.core.placing import HostView
from mooring.errors import Conflict
from mooring.model.group import PciSelector
from mooring.model.host import Liveness, NumaCell, OfferedFunction
from mooring.model.network import Network
from mooring.model.pci import PciAddress
from mooring.model.port import VnicType
from mooring.model.server import Server
from mooring.model.vf import VfState
from mooring.service.aggregates import add_host, create_aggregate, remove_host
from mooring.service.flavors import FlavorWish, create_flavor
from mooring.service.groups import GroupWish, create_group
from mooring.service.liveness import Heartbeats
from mooring.service.placement import Choice, choose
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish, create_servers, host_wish, look_up_wish
from mooring.service.stock import Stockroom
from mooring.store.hosts import HOSTS
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx
from mooring.testing.controller import make_controller
from mooring.testing.outside import SeededIds, SteppedClock
from tests.unit.service.by_hand import ADMIN, HOST, PF, VFS, WHOLE, Hand

SEQUENCES = 40
ACTIONS = ("take a VF", "take a VF", "take the PF", "turn", "turn", "give back", "reboot", "roll back", "lose a VF")


def views(stockroom: Stockroom, tx: Tx) -> tuple[HostView, ...]:
    """Without the numbers of their shapes, which are each stock's own."""
    return tuple(replace(view, shape=None) for view in stockroom.of(tx).hosts())


def kept(hand: Hand) -> tuple[HostView, ...]:
    """The stock as it was kept up to date, which has to be that of a controller that starts now."""
    fresh = Stockroom(hand.world.config)
    mine, anew = hand.write(lambda tx: (views(hand.world.stock, tx), views(fresh, tx)))
    assert mine == anew
    return mine


@contextmanager
def host_by_hand() -> Iterator[Hand]:
    """PF with three VFs, of which either may go; another PF that goes whole only."""
    with tempfile.TemporaryDirectory() as folder:
        clock = SteppedClock()
        controller = make_controller(Path(folder), clock=clock, ids=SeededIds())
        hand = Hand(controller, clock)
        del hand.offers[WHOLE]
        hand.offers[PF] = replace(hand.offers[PF], is_offered=True, reason="")
        hand.join()
        yield hand
        controller.store.close()


class Play:
    """Servers that come and go on one host, against Nova's table."""

    def __init__(self, hand: Hand):
        self._hand = hand
        self._network: Network = hand.network()
        self._servers: list[Server] = []
        self._lost: dict[PciAddress, OfferedFunction] = {}

    def act(self, action: str, choice: int) -> None:
        match action:
            case "take a VF":
                self._take(VnicType.DIRECT, is_allowed=self._may_take_a_vf())
            case "take the PF":
                self._take(VnicType.DIRECT_PHYSICAL, is_allowed=self._may_take_the_pf())
            case "turn":
                self._hand.run()
            case "give back" if self._servers:
                self._hand.delete(self._servers.pop(choice % len(self._servers)))
            case "reboot":
                self._hand.reboot()
            case "roll back":
                self._roll_back()
            case "lose a VF":
                self._lose_or_find(VFS[choice % len(VFS)])

    def _state(self, address: PciAddress) -> VfState:
        return self._hand.device(address).state

    def _may_take_a_vf(self) -> bool:
        """VF.claim: the VF is available, and its PF is not somebody's."""
        is_pf_owned = self._state(PF) in OWNED_STATES | {VfState.QUARANTINED}
        return not is_pf_owned and any(self._state(vf) is VfState.AVAILABLE for vf in VFS)

    def _may_take_the_pf(self) -> bool:
        """PF.claim: the PF is available, and so are all VFs that there are."""
        there = {self._state(vf) for vf in VFS} - {VfState.GONE}
        return self._state(PF) is VfState.AVAILABLE and there <= {VfState.AVAILABLE}

    def _take(self, vnic_type: VnicType, *, is_allowed: bool) -> None:
        port = self._hand.port(self._network, vnic_type)
        server = self._hand.create(port)
        assert (server.host is not None) is is_allowed, server.fault
        self._servers.append(server)

    def _roll_back(self) -> None:
        """A server is made, and then what made it fails."""
        hand, network = self._hand, self._network
        flavor = hand.write(
            lambda tx: create_flavor(tx, hand.world, ADMIN, FlavorWish(hand.world.ids.uuid(), 64, 1, 1))
        )
        port = hand.port(network, VnicType.DIRECT)
        before = kept(hand)

        def fail(tx: Tx) -> None:
            wish = ServerWish("vm", flavor.id, nics=(NicWish(port_id=port.id),))
            create_servers(tx, hand.world, ADMIN, wish)
            hand.world.stock.of(tx)
            raise Conflict("something went wrong later on")

        with suppress(Conflict):
            hand.write(fail)
        assert kept(hand) == before

    def _lose_or_find(self, address: PciAddress) -> None:
        if self._lost:
            self._hand.put(self._lost)
            self._lost = {}
        else:
            self._lost = self._hand.remove(address)


@settings(max_examples=SEQUENCES, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=24))
def test_a_pf_and_its_vfs_are_given_as_novas_table_says_and_the_stock_keeps_up(steps: list[tuple[str, int]]) -> None:
    with host_by_hand() as hand:
        play = Play(hand)
        for action, choice in steps:
            play.act(action, choice)
            kept(hand)
            assert hand.findings() == []


def test_the_stock_follows_what_is_said_of_the_host_itself(hand: Hand) -> None:
    cell = NumaCell(0, (0, 1), 4096, 0)

    def change(tx: Tx) -> None:
        host = HOSTS.first(tx, name=HOST)
        assert host is not None
        HOSTS.update(tx, replace(host, is_enabled=False, disabled_reason="tests", numa_cells=(cell,)))

    hand.write(change)
    (view,) = kept(hand)
    assert (view.is_enabled, view.disabled_reason, view.cells.cells) == (False, "tests", (cell,))


def test_what_the_cells_of_servers_take_is_counted_by_node(hand: Hand) -> None:
    server = hand.create()
    hand.write(lambda tx: SERVERS.update(tx, replace(server, numa_nodes=(0, 1))))
    (view,) = kept(hand)
    assert {node: (use.vcpus, use.memory_mib) for node, use in view.cells.used.items()} == {0: (0, 32), 1: (0, 32)}


def test_minimum_rates_that_are_promised_are_taken_off_the_link(hand: Hand) -> None:
    hand.put({PF: replace(hand.offers[PF], function=replace(hand.offers[PF].function, link_speed_mbps=10_000))})
    port = hand.port(hand.network(), profile={"pci_min_rate_mbps": 4000})
    assert hand.create(port).host == HOST
    (view,) = kept(hand)
    assert {pool.link_speed_mbps for pool in view.pools if pool.pf == PF} == {6000}


def test_the_stock_follows_aggregates_and_pci_groups_and_forgets_what_was_rolled_back(hand: Hand) -> None:
    selector = PciSelector(aggregates=("rack",))
    hand.write(lambda tx: create_group(tx, hand.world, ADMIN, GroupWish("fast", (PciSelector(vendor_id="8086"),))))
    assert {pool.groups for pool in kept(hand)[0].pools} == {frozenset({"fast"})}
    rack = hand.write(lambda tx: create_aggregate(tx, hand.world, ADMIN, "rack"))
    hand.write(lambda tx: create_group(tx, hand.world, ADMIN, GroupWish("racked", (selector,))))
    before = kept(hand)

    def fail(tx: Tx) -> None:
        add_host(tx, ADMIN, rack.id, HOST)
        hand.world.stock.of(tx)
        raise Conflict("something went wrong later on")

    with suppress(Conflict):
        hand.write(fail)
    assert kept(hand) == before
    hand.write(lambda tx: add_host(tx, ADMIN, rack.id, HOST))
    assert {pool.groups for pool in kept(hand)[0].pools} == {frozenset({"fast", "racked"})}
    hand.write(lambda tx: remove_host(tx, ADMIN, rack.id, HOST))
    assert kept(hand) == before


class Fickle(Heartbeats):
    """Hears from a host only after it was asked once."""

    def __init__(self) -> None:
        super().__init__(SteppedClock(), 75)
        self._asked = 0

    def of(self, host: str) -> Liveness:
        self._asked += 1
        return Liveness.ALIVE if self._asked > 1 and host == HOST else Liveness.UNKNOWN


def test_a_host_that_is_heard_from_while_it_is_being_asked_takes_the_server(hand: Hand) -> None:
    port = hand.port(hand.network())
    flavor = hand.write(lambda tx: create_flavor(tx, hand.world, ADMIN, FlavorWish("late", 64, 1, 1)))
    wish = ServerWish("vm", flavor.id, nics=(NicWish(port_id=port.id),))
    world = replace(hand.world, heartbeats=Fickle())
    asked = hand.write(lambda tx: choose(tx, world, host_wish(wish, look_up_wish(tx, world, ADMIN, wish))))
    assert isinstance(asked, Choice)
    assert asked.host == HOST
