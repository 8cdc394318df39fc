"""UCS Manager's XML API in words of ours: the documents to send, and what its answers say.

Methods and objects are those of Cisco's "UCS Manager XML API Programmer's Guide" and of the object model that its SDK
documents: ``vnicProfile`` below ``fabric/lan/profiles``, in it a ``vnicEtherIf`` for each VLAN by the name of its
``fabricVlan``, and a ``vmVnicProfCl`` that says which virtual switches may use it. A document names its objects by
distinguished name (dn), or inside of another object by the relative one (rn).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from mooring.errors import Conflict, Invalid, MooringError, Unauthenticated, Unreachable, Unsupported
from mooring.model.port_profile import PortProfile
from mooring.upstream.port_profiles import UpstreamProfile

PROFILE_CLASS, VLAN_CLASS = "vnicProfile", "fabricVlan"
_NAME = re.compile(r"[-.:_a-zA-Z0-9]{1,31}", re.ASCII)
_OWNER = re.compile(r"[-.:_a-zA-Z0-9]{1,16}", re.ASCII)
_DECLARATION = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_PUT, _GONE = "created,modified", "deleted"
"""The first makes an object, or makes it the same: so saying it again changes nothing."""
_ANY_SWITCH = ".*"
#: Those of ``fabricVlan``: the fabric interconnect keeps the others for itself.
_VLANS = (range(1, 4043), range(4048, 4094))
_SHOWN_MAX_CHARS = 200

NO_SUCH_OBJECT, WRONG_PASSWORD, WRONG_COOKIE = "102", "551", "552"


class CookieError(MooringError):
    """The manager does not know our session any more: log in anew."""


@dataclass(frozen=True, slots=True)
class Names:
    """Where a cloud's objects are on its manager, and how they are marked."""

    profile_path: str = "fabric/lan/profiles"
    vlan_path: str = "fabric/lan"
    owner: str = "mooring"
    host_network_io: str = "high-perf-reqd"

    def check(self) -> None:
        """Raises Invalid for an owner that no object could be called by."""
        if _OWNER.fullmatch(self.owner) is None:
            raise Invalid(
                f"[controller.ucsm] owner = {self.owner!r} is not a name for UCS Manager",
                hint="1 to 16 letters, digits, and - . : _",
            )

    @property
    def mark(self) -> str:
        return f"Mooring ({self.owner})"

    def profile_dn(self, name: str) -> str:
        return f"{self.profile_path}/vnic-{name}"

    def vlan_name(self, vlan: int) -> str:
        return f"{self.owner}-{vlan}"


def why_not(profile: PortProfile) -> str | None:
    """Why UCS Manager could not have the profile."""
    if _NAME.fullmatch(profile.name) is None:
        return f"UCS Manager takes names of 1 to 31 letters, digits, and - . : _, and {profile.name!r} is none"
    reserved = [str(vlan) for vlan in profile.vlans if not any(vlan in part for part in _VLANS)]
    if reserved:
        return f"UCS Manager keeps VLAN {', '.join(reserved)} for itself"
    return None


def login(user: str, password: str) -> Element:
    return Element("aaaLogin", inName=user, inPassword=password)


def refresh(user: str, password: str, cookie: str) -> Element:
    return Element("aaaRefresh", inName=user, inPassword=password, inCookie=cookie)


def logout(cookie: str) -> Element:
    return Element("aaaLogout", inCookie=cookie)


def resolve_class(cookie: str, name: str, *, with_children: bool) -> Element:
    return Element("configResolveClass", cookie=cookie, classId=name, inHierarchical=_word(with_children))


def resolve_dn(cookie: str, dn: str) -> Element:
    return Element("configResolveDn", cookie=cookie, dn=dn, inHierarchical="true")


def put_vlan(cookie: str, names: Names, vlan: int) -> Element:
    """A VLAN of ours, on both fabric interconnects."""
    name = names.vlan_name(vlan)
    dn = f"{names.vlan_path}/net-{name}"
    request, config = _configure(cookie, dn)
    SubElement(
        config, VLAN_CLASS, dn=dn, name=name, id=str(vlan), compressionType="included", defaultNet="no",
        sharing="none", status=_PUT,
    )  # fmt: skip
    return request


def put_profile(
    cookie: str, names: Names, profile: PortProfile, vlan_names: Mapping[int, str], excess: Iterable[str]
) -> Element:
    """The profile with all that belongs to it, in one transaction of the manager. ``excess`` are VLANs by name."""
    dn = names.profile_dn(profile.name)
    request, config = _configure(cookie, dn)
    made = SubElement(
        config, PROFILE_CLASS, dn=dn, name=profile.name, descr=names.mark, maxPorts=str(profile.max_ports),
        hostNwIOPerf=names.host_network_io, policyOwner="local", status=_PUT,
    )  # fmt: skip
    for vlan in profile.vlans:
        name = vlan_names[vlan]
        is_native = "yes" if vlan == profile.vlans[0] else "no"
        SubElement(made, "vnicEtherIf", rn=f"if-{name}", name=name, defaultNet=is_native, status=_PUT)
    for name in excess:
        SubElement(made, "vnicEtherIf", rn=f"if-{name}", name=name, status=_GONE)
    SubElement(
        made, "vmVnicProfCl", rn=f"cl-{names.owner}", name=names.owner, orgPath=_ANY_SWITCH, dcName=_ANY_SWITCH,
        swName=_ANY_SWITCH, policyOwner="local", status=_PUT,
    )  # fmt: skip
    return request


def delete_profile(cookie: str, names: Names, name: str) -> Element:
    dn = names.profile_dn(name)
    request, config = _configure(cookie, dn)
    SubElement(config, PROFILE_CLASS, dn=dn, name=name, status=_GONE)
    return request


def _configure(cookie: str, dn: str) -> tuple[Element, Element]:
    request = Element("configConfMo", cookie=cookie, dn=dn, inHierarchical="true")
    return request, SubElement(request, "inConfig")


def read_answer(method: str, body: bytes) -> Element:
    """The answer to ``method``.

    Raises Unreachable for what is no answer to it, Unauthenticated for a wrong password, CookieError for a session
    that is over, Conflict for an object that is not there, and Unsupported for any other refusal, in its words.
    """
    try:
        text = body.decode()
        if _DECLARATION.search(text) is not None:
            raise Unreachable("UCS Manager's answer declares entities, which its API never does")
        answer = ET.fromstring(text)  # noqa: S314 - declarations were refused above
    except (ET.ParseError, UnicodeDecodeError, RecursionError) as broken:
        raise Unreachable(f"UCS Manager's answer to {method} is no XML: {broken}", hint="is url its URL?") from broken
    code, words = answer.get("errorCode", ""), answer.get("errorDescr", "")[:_SHOWN_MAX_CHARS]
    if code == WRONG_PASSWORD:
        raise Unauthenticated(
            f"UCS Manager does not let us in: {words}", hint="check user and password_file in [controller.ucsm]"
        )
    if code == WRONG_COOKIE:
        raise CookieError(f"UCS Manager does not know our session: {words}")
    if code == NO_SUCH_OBJECT:
        raise Conflict(f"UCS Manager says to {method}: {words}")
    if code:
        raise Unsupported(f"UCS Manager refuses {method}: {words} (error {code})", facts={"error_code": code})
    if answer.tag != method:
        raise Unreachable(f"UCS Manager answered {method} with {answer.tag[:_SHOWN_MAX_CHARS]}")
    return answer


def read_vlans(answer: Element, names: Names) -> dict[str, int]:
    """Name to id, of the VLANs that reach both fabric interconnects."""
    found: dict[str, int] = {}
    for vlan in answer.iterfind(f"outConfigs/{VLAN_CLASS}"):
        is_global = vlan.get("dn", "") == f"{names.vlan_path}/net-{vlan.get('name', '')}"
        if is_global and vlan.get("id", "").isdecimal():
            found[vlan.get("name", "")] = int(vlan.get("id", ""))
    return found


def read_profiles(answer: Element, names: Names, vlans: Mapping[str, int]) -> Iterator[UpstreamProfile]:
    """Those of a ``configResolveClass``, and the one of a ``configResolveDn``."""
    for found in (*answer.iterfind(f"outConfigs/{PROFILE_CLASS}"), *answer.iterfind(f"outConfig/{PROFILE_CLASS}")):
        if found.get("dn", "").startswith(f"{names.profile_path}/"):
            yield _profile(found, names, vlans)


def _profile(found: Element, names: Names, vlans: Mapping[str, int]) -> UpstreamProfile:
    parts = {one.get("name", ""): one.get("defaultNet") in ("yes", "true") for one in found.iterfind("vnicEtherIf")}
    native = next((vlans.get(name, 0) for name, is_native in parts.items() if is_native), 0)
    tagged = sorted(vlans.get(name, 0) for name, is_native in parts.items() if not is_native)
    ports = found.get("maxPorts", "")
    is_whole = (
        found.find("vmVnicProfCl") is not None
        and native > 0
        and 0 not in tagged
        and found.get("hostNwIOPerf", names.host_network_io) == names.host_network_io
    )
    return UpstreamProfile(
        found.get("name", ""), (native, *tagged), int(ports) if ports.isdecimal() else 0,
        found.get("descr", "") == names.mark, is_whole,
    )  # fmt: skip


def read_parts(answer: Element) -> list[str]:
    """The names of the VLANs of the profile in a ``configResolveDn``."""
    return [one.get("name", "") for one in answer.iterfind(f"outConfig/{PROFILE_CLASS}/vnicEtherIf")]


def _word(value: bool) -> str:
    return "true" if value else "false"
