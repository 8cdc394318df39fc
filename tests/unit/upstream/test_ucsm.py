"""UCS Manager's client against a manager over HTTP: what is made there, and what becomes of every mishap."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.config import UcsmConfig
from mooring.errors import Conflict, Invalid, MooringError, Unauthenticated, Unreachable, Unsupported
from mooring.model.port_profile import PortProfile
from mooring.testing.ucsm import FakeUcsManager, Mishap
from mooring.upstream.port_profiles import UpstreamProfile, is_same
from mooring.upstream.ucsm import UcsmClient
from mooring.upstream.ucsm_xml import Names, read_answer, read_profiles, read_vlans

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOLD = PortProfile("p1", "gold", NOW, NOW, (100, 5, 7), (), max_ports=12)
PATH = "fabric/lan/profiles/vnic-gold"
#: A request is tried this often before it is given up.
TRIES = 3


class Bench:
    """A manager, a client of it, and a clock that stands still until told."""

    def __init__(self, folder: Path, manager: FakeUcsManager):
        self.manager = manager
        self.password = folder / "password"
        self.password.write_text(f"{manager.password}\n")
        self.config = UcsmConfig(
            url=manager.url, user=manager.user, password_file=str(self.password), timeout_s=1, owner="west"
        )
        self.now_s = 0.0
        self.slept: list[float] = []
        self.client = self.another()

    def another(self, **changes: object) -> UcsmClient:
        config = replace(self.config, **changes)  # type: ignore[arg-type]  # settings by name
        return UcsmClient(config, clock=lambda: self.now_s, sleep=self.slept.append)

    def found(self) -> UpstreamProfile:
        return self.client.profiles()["gold"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeUcsManager() as manager:
        yield Bench(tmp_path, manager)


def test_a_profile_is_made_with_its_vlans_the_first_native_and_reads_back_the_same(bench: Bench) -> None:
    assert dict(bench.client.profiles()) == {}
    bench.client.put(GOLD)
    assert bench.manager.vlans_of("gold") == {100: True, 5: False, 7: False}
    shown = bench.manager.profile("gold")
    assert shown is not None
    assert (shown["maxPorts"], shown["hostNwIOPerf"], shown["descr"]) == ("12", "high-perf-reqd", "Mooring (west)")
    assert bench.found() == UpstreamProfile("gold", (100, 5, 7), 12, is_ours=True)
    assert is_same(GOLD, bench.found())


def test_a_vlan_that_the_manager_has_under_another_name_is_used(bench: Bench) -> None:
    bench.manager.put("fabricVlan", "fabric/lan/net-blue", name="blue", id="100", defaultNet="no")
    bench.client.put(replace(GOLD, vlans=(100,)))
    assert bench.manager.vlans_of("gold") == {100: True}
    assert "fabric/lan/net-west-100" not in bench.manager.dns()


def test_a_changed_profile_loses_the_vlans_that_it_has_no_more(bench: Bench) -> None:
    bench.client.put(GOLD)
    bench.client.put(replace(GOLD, vlans=(200, 7), max_ports=13))
    assert bench.manager.vlans_of("gold") == {200: True, 7: False}
    assert bench.found() == UpstreamProfile("gold", (200, 7), 13, is_ours=True)


def test_putting_and_deleting_twice_is_as_once(bench: Bench) -> None:
    for _ in range(2):
        bench.client.put(GOLD)
    assert is_same(GOLD, bench.found())
    for _ in range(2):
        bench.client.delete("gold")
    assert bench.manager.profile_names() == set()
    assert not [dn for dn in bench.manager.dns() if dn.startswith("fabric/lan/profiles")]


@pytest.mark.parametrize("missing", [f"{PATH}/cl-west", f"{PATH}/if-west-100"])
def test_a_half_made_profile_is_not_the_same_and_is_made_whole(bench: Bench, missing: str) -> None:
    bench.client.put(GOLD)
    bench.manager.take(missing)
    assert not is_same(GOLD, bench.found())
    bench.client.put(GOLD)
    assert is_same(GOLD, bench.found())


@pytest.mark.parametrize("act", [lambda client: client.put(GOLD), lambda client: client.delete("gold")])
def test_a_profile_without_our_mark_is_never_touched(bench: Bench, act: Callable[[UcsmClient], None]) -> None:
    bench.manager.put("vnicProfile", PATH, name="gold", descr="by hand", maxPorts="3", hostNwIOPerf="none")
    with pytest.raises(Conflict, match=r"not marked as 'Mooring \(west\)'"):
        act(bench.client)
    shown = bench.manager.profile("gold")
    assert shown is not None
    assert (shown["maxPorts"], bench.manager.vlans_of("gold")) == ("3", {})
    assert not bench.found().is_ours


# --- mishaps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", [Mishap.UNAVAILABLE, Mishap.GARBAGE, Mishap.OTHER_ANSWER, Mishap.LOST_ANSWER])
@pytest.mark.parametrize("at", range(6))
def test_one_mishap_at_any_request_is_made_up_for(bench: Bench, mishap: Mishap, at: int) -> None:
    for _ in range(at):
        bench.manager.suffer(Mishap.NONE)
    bench.manager.suffer(mishap)
    bench.client.put(GOLD)
    assert is_same(GOLD, bench.found())
    assert len(bench.slept) == 1


@pytest.mark.parametrize("mishap", [Mishap.UNAVAILABLE, Mishap.GARBAGE, Mishap.OTHER_ANSWER, Mishap.LOST_ANSWER])
def test_a_mishap_that_lasts_is_unreachable_after_a_few_tries(bench: Bench, mishap: Mishap) -> None:
    bench.manager.suffer_until_told(mishap)
    with pytest.raises(Unreachable):
        bench.client.profiles()
    assert len(bench.slept) == TRIES - 1


def test_a_manager_that_hangs_is_unreachable_after_the_timeout(bench: Bench) -> None:
    bench.manager.suffer_until_told(Mishap.HANG)
    with pytest.raises(Unreachable, match="did not answer aaaLogin: TimeoutError"):
        bench.client.profiles()
    bench.manager.let_go()


def test_nobody_at_the_address_is_unreachable(bench: Bench) -> None:
    with pytest.raises(Unreachable, match="did not answer aaaLogin"):
        bench.another(url="http://127.0.0.1:1").profiles()


def test_a_session_that_the_manager_forgot_is_opened_anew(bench: Bench) -> None:
    bench.client.put(GOLD)
    bench.manager.suffer(Mishap.FORGET_SESSIONS)
    assert is_same(GOLD, bench.found())
    assert bench.manager.logins == 2


def test_a_manager_that_forgets_every_session_is_unreachable(bench: Bench) -> None:
    bench.client.profiles()
    bench.manager.suffer(Mishap.FORGET_SESSIONS, Mishap.NONE, Mishap.FORGET_SESSIONS)
    with pytest.raises(Unreachable, match="though it was made just now"):
        bench.client.profiles()


def test_what_is_half_made_when_the_manager_breaks_is_an_error_and_is_made_whole_the_next_time(bench: Bench) -> None:
    for vlan in GOLD.vlans:
        bench.manager.put("fabricVlan", f"fabric/lan/net-v{vlan}", name=f"v{vlan}", id=str(vlan), defaultNet="no")
    bench.manager.suffer(Mishap.NONE, Mishap.NONE, Mishap.NONE, Mishap.HALF)
    with pytest.raises(Unsupported, match="the rest was too much"):
        bench.client.put(GOLD)
    assert bench.manager.vlans_of("gold") == {}
    assert not is_same(GOLD, bench.found())
    bench.client.put(GOLD)
    assert is_same(GOLD, bench.found())


def test_a_refusal_is_told_in_the_managers_words_and_not_repeated(bench: Bench) -> None:
    bench.client.profiles()
    bench.manager.suffer(Mishap.REFUSE)
    with pytest.raises(Unsupported, match="the manager does not want to"):
        bench.client.delete("gold")
    assert bench.slept == []


# --- sessions and secrets --------------------------------------------------------------------------------------


def test_one_session_serves_until_half_of_its_time_then_is_refreshed_and_is_closed_at_the_end(bench: Bench) -> None:
    for now_s in (0.0, 299.0):
        bench.now_s = now_s
        bench.client.profiles()
    assert bench.manager.requests.count("aaaLogin") == 1
    bench.now_s = 301.0
    bench.client.profiles()
    assert (bench.manager.requests.count("aaaRefresh"), bench.manager.logins, bench.manager.sessions) == (1, 1, 1)
    bench.now_s = 2_000.0
    bench.client.profiles()
    assert bench.manager.logins == 2
    bench.client.close()
    assert bench.manager.requests[-1] == "aaaLogout"


def test_a_session_that_cannot_be_refreshed_is_opened_anew(bench: Bench) -> None:
    bench.client.profiles()
    bench.now_s = 400.0
    bench.manager.suffer(Mishap.FORGET_SESSIONS)
    bench.client.profiles()
    assert (bench.manager.requests.count("aaaRefresh"), bench.manager.logins) == (1, 2)


def test_closing_raises_nothing_when_the_manager_is_away(bench: Bench) -> None:
    bench.client.profiles()
    bench.manager.suffer_until_told(Mishap.UNAVAILABLE)
    bench.client.close()


def test_a_wrong_password_is_unauthenticated_and_a_new_one_is_read_at_the_next_try(bench: Bench) -> None:
    bench.password.write_text("wrong")
    with pytest.raises(Unauthenticated, match="Authentication failed"):
        bench.client.profiles()
    bench.password.write_text(bench.manager.password)
    assert dict(bench.client.profiles()) == {}


def test_a_password_file_that_is_not_there_is_named(bench: Bench) -> None:
    bench.password.unlink()
    with pytest.raises(Invalid, match=f"password_file {bench.password} cannot be read"):
        bench.client.profiles()


def test_no_password_and_no_cookie_is_in_a_log_or_in_an_error(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    for mishap in Mishap:
        if mishap is Mishap.HANG:
            continue
        bench.manager.suffer_until_told(mishap)
        client = bench.another()
        for act in (client.profiles, lambda client=client: client.put(GOLD), client.close):
            try:
                act()
            except MooringError as error:
                said.append(f"{error.message} {error.hint} {error.facts}")
    told = caplog.text + " ".join(said)
    assert said
    assert bench.manager.password not in told
    assert not any(cookie in told for cookie in bench.manager.cookies_ever)


# --- settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "ucsm.example.org"}, "is no URL"),
        ({"url": "ftp://ucsm.example.org"}, "is no URL"),
        ({"user": ""}, "has a url and no user"),
        ({"password_file": ""}, "has a url and no password_file"),
        ({"owner": ""}, "is not a name for UCS Manager"),
        ({"owner": "a cloud"}, "is not a name for UCS Manager"),
        ({"url": "https://ucsm.example.org", "ca_file": "/nowhere"}, "ca_file"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_at_the_start(
    bench: Bench, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        bench.another(**changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"name": "x" * 31}, None),
        ({"name": "x" * 32}, "takes names of 1 to 31"),
        ({"name": "two words"}, "takes names of 1 to 31"),
        ({"vlans": (4042, 4048, 4093)}, None),
        ({"vlans": (100, 4043, 4094)}, "keeps VLAN 4043, 4094 for itself"),
    ],
)
def test_what_the_manager_could_never_have_is_known_without_asking(
    bench: Bench, changes: dict[str, object], reason: str | None
) -> None:
    said = bench.client.why_not(replace(GOLD, **changes))  # type: ignore[arg-type]  # fields by name
    assert (said is None) == (reason is None)
    assert (reason or "") in (said or "")
    assert bench.manager.requests == ()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"<a", b"<" * 100_000, b"<a>" * 20_000, b"not xml",
        b'<!DOCTYPE a [<!ENTITY x "y">]><configResolveClass response="yes">&x;</configResolveClass>',
    ],
)  # fmt: skip
def test_whatever_comes_back_is_unreachable_at_worst(body: bytes) -> None:
    with pytest.raises(Unreachable):
        read_answer("configResolveClass", body)


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from(["dn", "name", "id", "maxPorts", "descr", "defaultNet"]), st.text(max_size=40)),
    st.lists(st.sampled_from(["vnicEtherIf", "vmVnicProfCl", "x"]), max_size=4),
)
def test_objects_with_any_attributes_are_read_or_left_out(attributes: dict[str, str], parts: list[str]) -> None:
    answer = ET.Element("configResolveClass", response="yes")
    inside = ET.SubElement(answer, "outConfigs")
    for kind in ("fabricVlan", "vnicProfile"):
        found = ET.SubElement(inside, kind, {**attributes, "dn": f"fabric/lan/profiles/{attributes.get('dn', '')}"})
        for part in parts:
            ET.SubElement(found, part, attributes)
    (shown,) = read_profiles(answer, Names(), read_vlans(answer, Names()))
    assert shown.name == attributes.get("name", "")
    assert not shown.is_whole
