"""Settings: one TOML file for the controller, one for an agent. Every field's docstring is its documentation.

An unknown key, a wrong type or a value out of range is an error that names the key, the value and what would do.
The environment overrides nothing.
"""

import dataclasses
import difflib
import re
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mooring.errors import Invalid

C = TypeVar("C")
Lines = Mapping[str, int]
"""The line of each key of a table, counted from 1; under the empty key, the table's own."""

_FILE_MAX_BYTES = 1_048_576
_SCALARS = {str: "text", int: "a number", float: "a number", bool: "true or false"}
_ITEMS = {str: "texts", int: "numbers", dict: "tables"}
_QUOTA_MAX = 2_147_483_647
_MTU_MAX = 65_535
_HEADER = re.compile(r"""\s*\[\[?\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]*))""", re.ASCII)
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""", re.ASCII)


def _setting(
    default: Any, doc: str, *, low: float | None = None, high: float | None = None, one_of: tuple[str, ...] = ()
) -> Any:
    metadata = {"doc": doc, "low": low, "high": high, "one_of": one_of}
    if isinstance(default, type):  # a table of settings inside a table
        return field(default_factory=default, metadata=metadata)
    if isinstance(default, (list, dict, tuple)):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class QuotaConfig:
    """``[controller.quotas]``: what a project may have of each; -1 is no limit. Its own limits are set by API."""

    network: int = _setting(100, "Networks of a project.", low=-1, high=_QUOTA_MAX)
    subnet: int = _setting(100, "Subnets of a project.", low=-1, high=_QUOTA_MAX)
    port: int = _setting(500, "Ports of a project, those of its servers included.", low=-1, high=_QUOTA_MAX)
    subnetpool: int = _setting(-1, "Subnet pools of a project.", low=-1, high=_QUOTA_MAX)
    address_scope: int = _setting(-1, "Address scopes of a project.", low=-1, high=_QUOTA_MAX)
    rbac_policy: int = _setting(10, "RBAC policies of a project.", low=-1, high=_QUOTA_MAX)
    security_group: int = _setting(10, "Security groups of a project.", low=-1, high=_QUOTA_MAX)
    security_group_rule: int = _setting(100, "Security group rules of a project.", low=-1, high=_QUOTA_MAX)


@dataclass(frozen=True, slots=True)
class UcsmConfig:
    """``[controller.ucsm]``: the UCS Manager that makes the port profiles on its fabric interconnects."""

    url: str = _setting("", "Its URL, as in `https://ucsm.example.org`; empty: nobody here manages port profiles.")
    user: str = _setting("", "Whom to log in as; needs the privileges ls-network and ext-lan-config.")
    password_file: str = _setting("", "File with the password, on its first line; read again at each login.")
    ca_file: str = _setting("", "Certificates to trust, in PEM; empty: the system's.")
    verify: bool = _setting(True, "Whether its certificate is checked.")
    profile_path: str = _setting("fabric/lan/profiles", "The distinguished name under which port profiles are.")
    vlan_path: str = _setting("fabric/lan", "The distinguished name under which VLANs are.")
    owner: str = _setting(
        "mooring", "The mark on what this cloud makes there; another cloud on the same manager needs another."
    )
    host_network_io: str = _setting(
        "high-perf-reqd", "`hostNwIOPerf` of the profiles: passed-through VFs need the high one.",
        one_of=("high-perf-reqd", "none"),
    )  # fmt: skip
    timeout_s: int = _setting(10, "How long one answer may take, in seconds.", low=1, high=120)
    interval_s: int = _setting(60, "Seconds between two looks at what is there.", low=1, high=3600)


@dataclass(frozen=True, slots=True)
class ControllerConfig:
    """``[controller]`` of ``controller.toml``."""

    listen: str = _setting("127.0.0.1:8780", "Address and port to serve all APIs on.")
    url: str = _setting("", "The URL that clients reach; empty: made from the request's own Host header.")
    state: str = _setting("/var/lib/mooring", "Folder of the database and of the bootstrap credentials.")
    region: str = _setting("RegionOne", "The region's name in the service catalog.")
    token_ttl_s: int = _setting(3600, "How long a token lives, in seconds.", low=60, high=86_400)
    agent_down_s: int = _setting(75, "Seconds without a word after which a host counts as dead.", low=2, high=3600)
    mechanism_drivers: tuple[str, ...] = _setting(
        ("sriovnicswitch", "linuxbridge", "openvswitch"), "ML2 mechanism drivers, asked in this order."
    )
    bind_wait_s: float = _setting(
        0.5,
        "How long a change waits for a mechanism driver that does not promise to answer at once, in seconds.",
        low=0.05,
        high=10,
    )
    hook_wait_s: float = _setting(
        10.0, "The same after the change is on disk, where only its caller waits.", low=0.05, high=300
    )
    driver: Mapping[str, Mapping[str, Any]] = _setting(
        {}, "`[controller.driver.NAME]`: the options of the mechanism driver of that name, which documents them."
    )
    network_vlan_ranges: tuple[str, ...] = _setting(
        (),
        "Neutron's `physnet[:min:max]` entries: VLANs for networks that name none. Read again on SIGHUP.",
    )
    global_physnet_mtu: int = _setting(
        1500, "The MTU of every physical network that has none of its own. Read again on SIGHUP.", low=68, high=_MTU_MAX
    )
    physical_network_mtus: Mapping[str, int] = _setting(
        {}, "Physical network to its MTU, where it is smaller than the global one. Read again on SIGHUP.",
        low=68, high=_MTU_MAX,
    )  # fmt: skip
    default_vnic_type: str = _setting(
        "normal",
        "The vnic type of a nic that names only a network which has no default.",
        one_of=("normal", "direct", "macvtap"),
    )
    cpu_allocation_ratio: float = _setting(4.0, "Virtual CPUs sold for each real one.", low=0.1, high=1000)
    ram_allocation_ratio: float = _setting(1.0, "MiB sold for each real one.", low=0.1, high=100)
    disk_allocation_ratio: float = _setting(1.0, "GiB sold for each real one.", low=0.1, high=100)
    body_max_bytes: int = _setting(
        262_144, "Largest request body that is read; an agent's may be 64 times that.", low=1024
    )
    page_max: int = _setting(
        1000,
        "Most rows in one answer of the compute and image APIs, and of functions in Mooring's own.",
        low=1,
        high=100_000,
    )
    metrics_from: tuple[str, ...] = _setting(
        ("127.0.0.1", "::1"), "Addresses that may read `/metrics`, which wants no token."
    )
    dhcp_hosts_per_network: int = _setting(
        1, "How many hosts serve DHCP for each network, of those that offer it; 0: none.", low=0, high=16
    )
    log_format: str = _setting("text", "`text` for people, `json` for machines.", one_of=("text", "json"))
    ucsm: UcsmConfig = _setting(UcsmConfig, "The manager of the upstream switches.")  # noqa: RUF009 - a field
    quotas: QuotaConfig = _setting(QuotaConfig, "Objects that a project may have.")  # noqa: RUF009 - a field


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """``[agent]`` of ``agent.toml``, with the host's own ``[[device_spec]]`` entries beside it."""

    controller: str = _setting("http://127.0.0.1:8780", "The controller's URL.")
    key_file: str = _setting("/etc/mooring/agent.key", "File with the host's key, from `mooring host add`.")
    state: str = _setting("/var/lib/mooring-agent", "Folder of the agent's journal.")
    sysfs: str = _setting("/sys", "Where sysfs is mounted.")
    libvirt_uri: str = _setting("qemu:///system", "libvirt connection; local ones only.")
    domain_type: str = _setting(
        "kvm", "Who runs the guests: `kvm`, or `qemu` for a host without KVM.", one_of=("kvm", "qemu")
    )
    images: str = _setting("/var/lib/mooring/images", "Folder of the images, each as `IMAGE_ID.DISK_FORMAT`.")
    servers: str = _setting("/var/lib/mooring/servers", "Folder of the servers' own disks and console logs.")
    simulate: str = _setting(
        "", "Folder of a simulated host, made by `mooring up --simulate`; empty: this very machine."
    )
    report_interval_s: int = _setting(25, "Longest silence towards the controller, in seconds.", low=1, high=60)
    rescan_interval_s: int = _setting(30, "Seconds between two looks at the host's devices.", low=1, high=3600)
    pulse_interval_s: int = _setting(
        2, "Seconds between two looks at the VFs in use, which find what no event told.", low=1, high=60
    )
    bridge_mappings: Mapping[str, str] = _setting(
        {}, "Physical network to the bridge for `normal` ports: a VLAN-aware one of Linux, or one of Open vSwitch."
    )
    interface_mappings: Mapping[str, str] = _setting(
        {}, "Physical network to the ordinary network device for `normal` ports of the `macvtap` driver."
    )
    dhcp: bool = _setting(False, "Whether this host serves DHCP, with dnsmasq, by the netdevs of `dhcp_interfaces`.")
    dhcp_interfaces: Mapping[str, str] = _setting(
        {}, "Physical network to the netdev by which DHCP is served on it: a VF's, a PF's, any."
    )
    dhcp_lease_s: int = _setting(86_400, "How long a DHCP lease lasts, in seconds.", low=120, high=31_536_000)
    log_format: str = _setting("text", "`text` for people, `json` for machines.", one_of=("text", "json"))


@dataclass(frozen=True, slots=True)
class AgentFile:
    """A whole ``agent.toml``."""

    agent: AgentConfig
    device_specs: tuple[Mapping[str, object], ...] = ()
    device_spec_lines: tuple[Lines, ...] = field(default=(), compare=False)
    """Where each of them stands; empty when that cannot be told."""
    path: Path | None = field(default=None, compare=False)
    """Where it was read."""


def load_controller(path: Path) -> ControllerConfig:
    """Read ``controller.toml``. Raises Invalid with the key and the way out."""
    tables, _ = _read(path, {"controller"})
    return _section(ControllerConfig, tables.get("controller", {}), f"{path}: [controller]")


def load_agent(path: Path) -> AgentFile:
    """Read ``agent.toml``. The device specs are checked by ``core/devspec_entries.py``."""
    tables, text = _read(path, {"agent", "device_spec"})
    specs = tables.get("device_spec", [])
    if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
        raise Invalid(f"{path}: device_spec is not a list of tables", hint="write each as [[device_spec]]")
    agent = _section(AgentConfig, tables.get("agent", {}), f"{path}: [agent]")
    return AgentFile(agent, tuple(specs), _lines_of(text, "device_spec", specs), path)


def _lines_of(text: str, name: str, tables: Sequence[Mapping[str, object]]) -> tuple[Lines, ...]:
    """For each ``[[name]]`` in ``text``, from which ``tables`` came; empty when the lines cannot be told.

    ``tomllib`` tells no lines, so this looks at how lines start, and holds what it finds against what was parsed.
    """
    found: list[dict[str, int]] = []
    is_inside = False
    for number, line in enumerate(text.split("\n"), start=1):
        if (header := _HEADER.match(line)) is not None:
            is_inside = name in header.groups()
            found += [{"": number}] if is_inside else []
        elif is_inside and (key := _KEY.match(line)) is not None:
            found[-1].setdefault(key[1] or key[2] or key[3] or "", number)
    if len(found) != len(tables):
        return ()
    pairs = zip(found, tables, strict=True)
    return tuple({key: at for key, at in one.items() if key in table or not key} for one, table in pairs)


def _read(path: Path, known: set[str]) -> tuple[dict[str, Any], str]:
    try:
        with path.open("rb") as stream:
            text = stream.read(_FILE_MAX_BYTES).decode()
        tables = tomllib.loads(text)
    except OSError as missing:
        raise Invalid(f"{path}: {missing.strerror or missing}", hint="give the file's path with --config") from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise Invalid(f"{path}: {broken}", hint="the file is TOML: key = value, text in quotes") from broken
    _refuse_unknown(tables, known, str(path))
    return tables, text


def _refuse_unknown(given: Mapping[str, object], known: set[str], where: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            raise Invalid(f"{where}: unknown key {key}", hint=hint)


def _section(kind: type[C], given: object, where: str) -> C:
    if not isinstance(given, dict):
        raise Invalid(f"{where} is not a table", hint=f"write {where.rpartition(': ')[2]} on a line of its own")
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # C is always a dataclass
    _refuse_unknown(given, set(fields), where)
    hints = typing.get_type_hints(kind)
    return kind(**{key: _checked(value, hints[key], fields[key], where) for key, value in given.items()})


def _checked(value: object, annotation: Any, known: "dataclasses.Field[Any]", where: str) -> object:
    what = f"{where}: {known.name} = {value!r}"
    hint = str(known.metadata["doc"])
    if dataclasses.is_dataclass(annotation):
        return _section(annotation, value, f"{where.removesuffix(']')}.{known.name}]")  # type: ignore[arg-type]  # a type
    if annotation is float and type(value) is int:
        value = float(value)
    if annotation in _SCALARS:
        if type(value) is not annotation:
            raise Invalid(f"{what} is not {_SCALARS[annotation]}", hint=hint)
    elif typing.get_origin(annotation) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Invalid(f"{what} is not a list of texts", hint=hint)
        value = tuple(value)
    else:
        item_kind = typing.get_args(annotation)[1]
        if item_kind not in _SCALARS:
            item_kind = dict
        if not isinstance(value, dict) or not all(type(item) is item_kind for item in value.values()):
            raise Invalid(f"{what} is not a table of {_ITEMS[item_kind]}", hint=hint)
    one_of = known.metadata["one_of"]
    if one_of and value not in one_of:
        raise Invalid(f"{what} is not one of them", hint=f"one of {', '.join(one_of)}")
    low, high = known.metadata["low"], known.metadata["high"]
    numbers = list(value.values()) if isinstance(value, dict) else [value]
    if any(
        isinstance(number, (int, float))
        and ((low is not None and number < low) or (high is not None and number > high))
        for number in numbers
    ):
        raise Invalid(f"{what} is out of range", hint=f"{hint} From {low} to {high if high is not None else 'any'}.")
    return value
