"""The reconciler: what is wanted and what the upstream manager has become the same, whatever happens in between."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.api.call import Controller
from mooring.config import ControllerConfig, UcsmConfig
from mooring.main import ROOT
from mooring.model.port_profile import PortProfile, ProfileKind, UpstreamState
from mooring.service.port_profiles import ProfileWish, create_profile, delete_profile, update_profile
from mooring.service.upstream import Reconciler, settle_unmanaged
from mooring.store.port_profiles import PROFILES
from mooring.testing.client import wait_until
from mooring.testing.controller import make_controller
from mooring.testing.ucsm import FakeUcsManager, Mishap
from mooring.upstream.ucsm import UcsmClient

INTERVAL_S = 60.0


class Bench:
    """A controller's database, a manager over HTTP, and the reconciler between them, turned by hand."""

    def __init__(self, folder: Path, manager: FakeUcsManager):
        self.manager = manager
        password = folder / "password"
        password.write_text(manager.password)
        self.ucsm = UcsmConfig(url=manager.url, user=manager.user, password_file=str(password), timeout_s=2)
        self.controller: Controller = make_controller(folder / "state", ControllerConfig(ucsm=self.ucsm))
        self.store, self.world = self.controller.store, self.controller.world
        client = UcsmClient(self.ucsm, sleep=lambda _: None)
        self.reconciler = Reconciler(self.store, client, INTERVAL_S)
        self.turn = self.reconciler.turn

    def make(self, name: str = "gold", *vlans: int, **more: Any) -> PortProfile:
        wish = ProfileWish(name, vlans or (100,), **more)
        return self.store.write_now(lambda tx: create_profile(tx, self.world, ROOT, wish))

    def change(self, profile: str, /, **changes: Any) -> PortProfile:
        return self.store.write_now(lambda tx: update_profile(tx, self.world, ROOT, profile, changes))

    def delete(self, name: str) -> None:
        self.store.write_now(lambda tx: delete_profile(tx, ROOT, name))

    def state(self, name: str = "gold") -> tuple[str, str]:
        found = self.store.read_now(lambda tx: PROFILES.first(tx, name=name))
        assert found is not None
        return found.upstream.value, found.upstream_reason


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeUcsManager() as manager:
        made = Bench(tmp_path, manager)
        try:
            yield made
        finally:
            made.store.close()


def test_a_profile_is_pending_until_it_was_read_back_upstream(bench: Bench) -> None:
    bench.make("gold", 100, 5)
    assert bench.state() == ("pending", "")
    assert bench.turn() == INTERVAL_S
    assert bench.state() == ("present", "")
    assert bench.manager.vlans_of("gold") == {100: True, 5: False}


def test_a_turn_in_which_nothing_differs_asks_and_writes_nothing_more(bench: Bench) -> None:
    made = bench.make()
    bench.turn()
    before = len(bench.manager.requests)
    assert bench.turn() == INTERVAL_S
    assert bench.manager.requests[before:] == ("configResolveClass", "configResolveClass")
    found = bench.store.read_now(lambda tx: PROFILES.get(tx, made.id))
    assert found is not None
    assert found.revision_number == made.revision_number


def test_what_somebody_changed_or_deleted_upstream_is_put_right(bench: Bench) -> None:
    bench.make("gold", 100, 5)
    bench.turn()
    bench.manager.take("fabric/lan/profiles/vnic-gold/if-mooring-5")
    bench.turn()
    assert bench.manager.vlans_of("gold") == {100: True, 5: False}
    bench.manager.take("fabric/lan/profiles/vnic-gold")
    bench.turn()
    assert bench.manager.profile_names() == {"gold"}
    assert bench.state() == ("present", "")


def test_a_changed_profile_is_pending_again_and_follows(bench: Bench) -> None:
    bench.make("gold", 100)
    bench.turn()
    bench.change("gold", vlans=(100, 7), max_ports=3)
    assert bench.state() == ("pending", "")
    bench.turn()
    assert (bench.state(), bench.manager.vlans_of("gold")) == (("present", ""), {100: True, 7: False})
    bench.change("gold", description="of no matter upstream")
    assert bench.state() == ("present", "")


def test_a_renamed_profile_goes_under_its_old_name_and_a_deleted_one_goes(bench: Bench) -> None:
    bench.make("gold", 100)
    bench.make("silver", 200)
    bench.turn()
    bench.change("gold", name="platinum")
    bench.delete("silver")
    bench.turn()
    assert bench.manager.profile_names() == {"platinum"}


def test_what_was_deleted_while_the_manager_was_away_goes_when_it_is_back(bench: Bench) -> None:
    bench.make()
    bench.turn()
    bench.delete("gold")
    bench.manager.suffer_until_told(Mishap.UNAVAILABLE)
    assert bench.turn() < INTERVAL_S
    bench.manager.suffer_until_told(None)
    bench.turn()
    assert bench.manager.profile_names() == set()


def test_a_profile_of_somebody_else_is_left_alone_and_ours_of_that_name_fails(bench: Bench) -> None:
    bench.manager.put("vnicProfile", "fabric/lan/profiles/vnic-gold", name="gold", descr="by hand", maxPorts="3")
    bench.manager.put("vnicProfile", "fabric/lan/profiles/vnic-old", name="old", descr="Mooring (east)", maxPorts="3")
    bench.make()
    bench.turn()
    state, reason = bench.state()
    assert state == "failed"
    assert "not marked as 'Mooring (mooring)'" in reason
    assert bench.manager.profile_names() == {"gold", "old"}
    bench.manager.take("fabric/lan/profiles/vnic-gold")
    bench.turn()
    assert bench.state() == ("present", "")


def test_one_profile_that_fails_keeps_no_other_from_its_place(bench: Bench) -> None:
    bench.make("aaa with spaces", 100)
    bench.make("bbb", 4094)
    bench.make("gold", 200)
    assert bench.turn() < INTERVAL_S
    assert bench.state("gold") == ("present", "")
    assert "takes names of 1 to 31" in bench.state("aaa with spaces")[1]
    assert bench.state("bbb") == ("failed", "UCS Manager keeps VLAN 4094 for itself")


def test_of_a_manager_that_is_away_what_was_there_is_still_said_to_be(bench: Bench) -> None:
    bench.make("gold", 100)
    bench.turn()
    bench.make("silver", 200)
    bench.manager.suffer_until_told(Mishap.UNAVAILABLE)
    bench.turn()
    assert bench.state("gold") == ("present", "")
    state, reason = bench.state("silver")
    assert (state, "HTTP 503" in reason) == ("failed", True)


def test_failing_turns_wait_longer_each_time_up_to_a_limit_and_no_more_after_a_good_one(bench: Bench) -> None:
    bench.make()
    bench.manager.suffer_until_told(Mishap.GARBAGE)
    waits = [bench.turn() for _ in range(12)]
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == 300.0
    assert bench.reconciler.failed_turns == 12
    bench.manager.suffer_until_told(None)
    assert bench.turn() == INTERVAL_S
    assert bench.reconciler.failed_turns == 0


@pytest.mark.parametrize("mishap", [Mishap.HALF, Mishap.REFUSE, Mishap.FORGET_SESSIONS, Mishap.LOST_ANSWER])
@pytest.mark.parametrize("at", range(9))
def test_after_a_mishap_at_any_request_the_next_turns_end_at_the_same(bench: Bench, mishap: Mishap, at: int) -> None:
    bench.make("gold", 100, 5)
    bench.make("silver", 200)
    bench.manager.put("vnicProfile", "fabric/lan/profiles/vnic-x", name="x", descr="Mooring (mooring)", maxPorts="3")
    bench.manager.suffer(*[Mishap.NONE] * at, mishap)
    bench.turn()
    assert bench.turn() == INTERVAL_S
    assert bench.manager.profile_names() == {"gold", "silver"}
    assert bench.manager.vlans_of("gold") == {100: True, 5: False}
    assert {bench.state(), bench.state("silver")} == {("present", "")}


def test_a_change_during_a_turn_is_not_written_over(bench: Bench) -> None:
    bench.make("gold", 100)

    class Meddling:
        """The client, beside whom somebody changes the profile."""

        def __init__(self, client: UcsmClient):
            self.why_not, self.put, self.delete, self.close = client.why_not, client.put, client.delete, client.close
            self._client = client

        def profiles(self) -> Any:
            found = self._client.profiles()
            bench.change("gold", max_ports=len(bench.manager.requests))
            return found

    Reconciler(bench.store, Meddling(UcsmClient(bench.ucsm)), INTERVAL_S).turn()
    assert bench.state() == ("pending", "")
    bench.turn()
    assert bench.state() == ("present", "")


def test_a_kind_that_the_manager_has_not_is_nobodys_to_manage(bench: Bench) -> None:
    bench.make("bridge", 300, kind=ProfileKind.BR)
    assert bench.state("bridge") == ("unmanaged", "")
    assert bench.turn() == INTERVAL_S
    assert bench.state("bridge") == ("unmanaged", "the manager has no profiles of kind 802.1BR")
    assert bench.manager.profile_names() == set()


def test_a_start_without_a_manager_knows_nothing_and_one_with_a_manager_looks_again(bench: Bench) -> None:
    made = bench.make()
    bench.turn()
    bench.store.write_now(lambda tx: settle_unmanaged(tx, is_managed=False))
    assert bench.state() == ("unmanaged", "")
    bench.store.write_now(lambda tx: settle_unmanaged(tx, is_managed=True))
    assert bench.state() == ("pending", "")
    found = bench.store.read_now(lambda tx: PROFILES.get(tx, made.id))
    assert found == replace(made, upstream=UpstreamState.PENDING, upstream_at=found.upstream_at if found else None)


def test_on_its_thread_it_wakes_for_each_change_and_lets_its_session_go_at_the_end(bench: Bench) -> None:
    bench.reconciler.start()
    try:
        bench.make()
        wait_until(lambda: bench.state()[0] == "present", 10, "the profile is upstream")
        bench.delete("gold")
        wait_until(lambda: not bench.manager.profile_names(), 10, "the profile is gone upstream")
    finally:
        bench.reconciler.stop()
    assert bench.manager.requests[-1] == "aaaLogout"
    assert bench.manager.sessions == 0
