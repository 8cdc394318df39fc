"""Is this host fit to serve VFs to guests? From what was found there to findings, each with its way out.

What is said of single PFs and their VFs is in ``core/pfcheck.py``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mooring.core.devspec import DeviceSpec
from mooring.model.survey import BridgeKind, FileState, LibvirtAnswer, Loading, Platform, Survey

CAP_NET_ADMIN = 12
"""linux/capability.h."""
KERNEL_MIN = (6, 1)
LIBVIRT_MIN = 9_000_000
LIBVIRT_BRIDGE_VLAN_MIN = 11_000_000
"""The first that puts VLAN tags on the ports of a Linux bridge."""
ISO_PROGRAMS = ("xorrisofs", "genisoimage", "mkisofs")
"""Any of them will do, for config drives."""
DISK_PROGRAM = "qemu-img"
LIBVIRT_PROGRAMS = ("libvirtd", "virtqemud")
PROGRAMS = (DISK_PROGRAM, *ISO_PROGRAMS, *LIBVIRT_PROGRAMS)

_GRUB = "in GRUB_CMDLINE_LINUX of /etc/default/grub, then run update-grub and reboot"
_SWITCHED_OFF = frozenset({"iommu=off", "intel_iommu=off", "amd_iommu=off"})
_INTEL, _AMD = "GenuineIntel", "AuthenticAMD"
_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    """VFs are served all the same."""
    BAD = "bad"
    """It keeps VFs from being served."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    about: str
    text: str
    way_out: str = ""
    """The command or the firmware setting that mends it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an agent.toml wants of its host."""

    is_from_file: bool = False
    """There is an agent.toml. Without one, nothing is handed out, and that is not held against the host."""
    specs: tuple[DeviceSpec, ...] = ()
    domain_type: str = "kvm"
    bridge_mappings: Mapping[str, str] = field(default_factory=dict)


def check_platform(survey: Survey, rules: Rules) -> tuple[Finding, ...]:
    """What is said of the host as a whole, in the order in which it is mended."""
    return tuple(_findings(survey, rules))


def _findings(survey: Survey, rules: Rules) -> Iterator[Finding]:
    platform = survey.platform
    yield _kernel(platform)
    yield _iommu(platform)
    yield from _interrupts(platform)
    yield from _vfio(platform)
    yield _kvm(platform, survey.libvirt, rules)
    yield from _libvirt(survey.libvirt, survey.programs, rules)
    yield from _programs(survey.programs)
    yield _privileges(survey)
    yield from _files(survey)
    yield from _bridges(survey.bridges, rules)
    if not rules.is_from_file:
        yield Finding(
            Level.WARN, "agent.toml", "there is none, so that nothing is handed out",
            "mooring host join --controller URL --key-file - writes one",
        )  # fmt: skip


def _kernel(platform: Platform) -> Finding:
    match = _RELEASE.match(platform.kernel)
    if match is None:
        return Finding(Level.WARN, "kernel", "its release cannot be told")
    if (int(match[1]), int(match[2])) < KERNEL_MIN:
        oldest = ".".join(map(str, KERNEL_MIN))
        return Finding(Level.WARN, "kernel", f"{platform.kernel} is older than {oldest}", f"use {oldest} or later")
    return Finding(Level.OK, "kernel", platform.kernel)


def _iommu(platform: Platform) -> Finding:
    about = "IOMMU"
    if platform.iommu_group_count:
        units = ", ".join(platform.iommu_units[:4])
        return Finding(Level.OK, about, f"{platform.iommu_group_count} groups{f', by {units}' if units else ''}")
    off = [word for word in platform.command_line if word in _SWITCHED_OFF]
    if off:
        return Finding(
            Level.BAD, about, f"the kernel's command line has {off[0]}", f"take {off[0]} out {_GRUB}"
        )  # fmt: skip
    if platform.iommu_tables:
        tables = ", ".join(platform.iommu_tables)
        if platform.cpu_vendor == _INTEL:
            way_out = f"add intel_iommu=on iommu=pt {_GRUB}"
        elif platform.cpu_vendor == _AMD:
            way_out = f"`dmesg | grep AMD-Vi` says why; amd_iommu=force_enable iommu=pt may do: add it {_GRUB}"
        else:
            way_out = "use a kernel that is built with this IOMMU's driver; `dmesg | grep -i iommu` says more"
        return Finding(Level.BAD, about, f"the firmware has one ({tables}), and the kernel does not use it", way_out)
    text = "the firmware shows none" if platform.iommu_tables is not None else "the kernel has made no IOMMU group"
    return Finding(Level.BAD, about, text, _switch_on_iommu(platform))


def _switch_on_iommu(platform: Platform) -> str:
    if platform.is_guest:
        return (
            "this host is itself a virtual machine: give it an IOMMU, in libvirt "
            "<iommu model='intel'><driver intremap='on' caching_mode='on'/></iommu> on machine type q35"
        )
    if platform.cpu_vendor == _INTEL:
        return f"enable VT-d in the firmware, and add intel_iommu=on iommu=pt {_GRUB}"
    if platform.cpu_vendor == _AMD:
        return "enable IOMMU (AMD-Vi) in the firmware; the kernel then uses it without being told"
    return "enable the IOMMU (SMMU) in the firmware"


def _interrupts(platform: Platform) -> Iterator[Finding]:
    """Without remapping a guest can forge interrupts with a VF, and vfio refuses to hand one to it."""
    about = "interrupt remapping"
    if platform.interrupts_are_remapped is None or not platform.iommu_group_count:
        return
    if platform.interrupts_are_remapped:
        yield Finding(Level.OK, about, "on")
        return
    off = next((word for word in platform.command_line if word in ("intremap=off", "nointremap")), None)
    way_out = f"take {off} out {_GRUB}" if off else "enable interrupt remapping (or x2APIC) in the firmware"
    if platform.is_guest and off is None:
        way_out = "give this virtual machine's IOMMU intremap='on'"
    if platform.allows_unsafe_interrupts:
        text = "off, and allow_unsafe_interrupts lets guests forge interrupts"
        yield Finding(Level.WARN, about, text, way_out)
    else:
        yield Finding(Level.BAD, about, "off: vfio hands nothing to a guest", way_out)


def _vfio(platform: Platform) -> Iterator[Finding]:
    if platform.vfio_pci is Loading.MISSING:
        yield Finding(
            Level.BAD, "VFIO", f"kernel {platform.kernel} has no module vfio-pci",
            "install the modules of the running kernel (apt install linux-image-amd64), or build CONFIG_VFIO_PCI",
        )  # fmt: skip
    elif platform.vfio_pci is Loading.LOADABLE:
        yield Finding(
            Level.WARN, "VFIO", "vfio-pci is not loaded; libvirt loads it for the first guest",
            "modprobe vfio-pci; echo vfio-pci > /etc/modules-load.d/vfio-pci.conf keeps it at every boot",
        )  # fmt: skip
    elif not platform.has_vfio_device:
        yield Finding(
            Level.BAD, "VFIO", "vfio-pci is there and /dev/vfio/vfio is not", "modprobe -a vfio vfio_iommu_type1"
        )
    else:
        yield Finding(Level.OK, "VFIO", "vfio-pci and /dev/vfio/vfio are there")
    if platform.is_noiommu:
        yield Finding(
            Level.WARN, "VFIO no-IOMMU", "on: a guest may get a device that reads and writes all memory",
            "echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode, and take it out of /etc/modprobe.d",
        )  # fmt: skip


def _kvm(platform: Platform, libvirt: LibvirtAnswer, rules: Rules) -> Finding:
    if rules.domain_type != "kvm":
        return Finding(Level.OK, "KVM", f"not asked for: domain_type is {rules.domain_type}")
    if platform.has_kvm_device and libvirt.kvm_refusal:
        text = f"/dev/kvm is there, and libvirt runs no guest with it: {libvirt.kvm_refusal}"
        return Finding(Level.BAD, "KVM", text, "virt-host-validate qemu says more; is /dev/kvm of the group kvm?")
    if platform.has_kvm_device:
        return Finding(Level.OK, "KVM", "/dev/kvm is there")
    if platform.cpu_virtualizes is False:
        way_out = "enable VT-x or AMD-V (SVM) in the firmware"
        if platform.is_guest:
            way_out = "give this virtual machine nested virtualization (<cpu mode='host-passthrough'/>)"
        return Finding(Level.BAD, "KVM", "no /dev/kvm: the processor shows neither vmx nor svm", way_out)
    module = {_INTEL: "kvm_intel", _AMD: "kvm_amd"}.get(platform.cpu_vendor or "", "kvm")
    return Finding(Level.BAD, "KVM", "no /dev/kvm", f"modprobe {module}; when it refuses, dmesg says why")


def _libvirt(answer: LibvirtAnswer, programs: frozenset[str], rules: Rules) -> Iterator[Finding]:
    if answer.silence:
        yield Finding(Level.BAD, "libvirt", answer.silence, _wake_libvirt(answer, programs))
        return
    text = f"libvirt {_version(answer.version)}, {answer.hypervisor} {_version(answer.hypervisor_version)}"
    if answer.version < LIBVIRT_MIN:
        oldest = _version(LIBVIRT_MIN)
        yield Finding(Level.WARN, "libvirt", f"{text}: older than {oldest}", f"install libvirt {oldest} or later")
    elif rules.bridge_mappings and answer.version < LIBVIRT_BRIDGE_VLAN_MIN:
        first = _version(LIBVIRT_BRIDGE_VLAN_MIN)
        yield Finding(
            Level.WARN, "libvirt", f"{text}: no VLAN on a Linux bridge",
            f"for `normal` ports on a VLAN install libvirt {first} or later (Debian 12: from bookworm-backports)",
        )  # fmt: skip
    else:
        yield Finding(Level.OK, "libvirt", text)


def _wake_libvirt(answer: LibvirtAnswer, programs: frozenset[str]) -> str:
    daemon = next((name for name in LIBVIRT_PROGRAMS if name in programs), None)
    if daemon is None:
        hint = f"; then {answer.hint}" if answer.code == "Unsupported" else ""
        return f"apt install libvirt-daemon-system qemu-system-x86{hint}"
    if answer.code == "Unreachable":
        unit = "libvirtd.service" if daemon == "libvirtd" else "virtqemud.socket"
        return f"systemctl enable --now {unit}; journalctl -u {daemon} says why it does not answer"
    if answer.code == "PolicyNotAuthorized":
        return "run this as root, or as a user of the group libvirt"
    return answer.hint


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _programs(programs: frozenset[str]) -> Iterator[Finding]:
    iso = next((name for name in ISO_PROGRAMS if name in programs), None)
    missing = [] if DISK_PROGRAM in programs else [(DISK_PROGRAM, "qemu-utils")]
    if iso is None:
        missing.append((" or ".join(ISO_PROGRAMS), "xorriso"))
    if missing:
        text = f"there is no {', and no '.join(name for name, _ in missing)}"
        packages = " ".join(package for _, package in missing)
        yield Finding(Level.BAD, "programs", f"{text}: servers get no disk", f"apt install {packages}")
    else:
        yield Finding(Level.OK, "programs", f"{DISK_PROGRAM} and {iso} are there")


def _privileges(survey: Survey) -> Finding:
    """Netlink asks for the capability; sysfs for the owner of its files, who is root."""
    about = "privileges"
    if not survey.is_root:
        text = "this check does not run as root, and the agent does; what root sees may differ"
        return Finding(Level.WARN, about, text, "sudo mooring host check")
    if not survey.capabilities >> CAP_NET_ADMIN & 1:
        way_out = "a container? run the agent on the host itself, by its systemd unit"
        return Finding(Level.BAD, about, "root here has no CAP_NET_ADMIN", way_out)
    return Finding(Level.OK, about, "root, with CAP_NET_ADMIN")


def _files(survey: Survey) -> Iterator[Finding]:
    worst = Level.BAD if survey.is_root else Level.WARN
    denied = [path for path, state in survey.folders.items() if state is FileState.DENIED]
    missing = [path for path, state in survey.folders.items() if state is FileState.MISSING]
    if denied:
        text = f"{', '.join(denied)} cannot be written"
        yield Finding(worst, "folders", text, f"ls -ld {' '.join(denied)}; is the file system mounted read-only?")
    if missing:
        way_out = f"mooring-agent.service makes them; by hand: install -d -m 0711 {' '.join(missing)}"
        yield Finding(Level.WARN, "folders", f"{', '.join(missing)}: not there yet", way_out)
    if survey.folders and not denied and not missing:
        yield Finding(Level.OK, "folders", f"{', '.join(survey.folders)} can be written")
    if survey.key_file is FileState.MISSING:
        way_out = "mooring host add NAME makes a key, on a machine with an admin's login"
        yield Finding(Level.BAD, "host key", "key_file is not there", way_out)
    elif survey.key_file is FileState.EXPOSED:
        yield Finding(Level.BAD, "host key", "others can read key_file", "chmod 600 the file that key_file names")
    elif survey.key_file is FileState.DENIED:
        yield Finding(worst, "host key", "key_file cannot be read", "chown root the file that key_file names")
    elif survey.key_file is FileState.GOOD:
        yield Finding(Level.OK, "host key", "key_file is there, and nobody else reads it")


def _bridges(bridges: Mapping[str, BridgeKind], rules: Rules) -> Iterator[Finding]:
    """One that is missing keeps ``normal`` ports away, and VFs not."""
    for physnet, bridge in rules.bridge_mappings.items():
        about = f"bridge {bridge}"
        match bridges.get(bridge, BridgeKind.MISSING):
            case BridgeKind.VLAN_AWARE:
                yield Finding(Level.OK, about, f"a Linux bridge with VLANs, for {physnet}")
            case BridgeKind.OPEN_VSWITCH:
                yield Finding(Level.OK, about, f"an Open vSwitch bridge, for {physnet}")
            case BridgeKind.PLAIN:
                way_out = f"ip link set {bridge} type bridge vlan_filtering 1"
                yield Finding(Level.WARN, about, f"it does not filter VLANs; {physnet} has no `normal` ports", way_out)
            case BridgeKind.OTHER:
                text = f"it is a network device and no bridge; {physnet} has no `normal` ports"
                yield Finding(Level.WARN, about, text, "name a bridge in bridge_mappings, not its uplink")
            case BridgeKind.MISSING:
                way_out = f"ip link add {bridge} type bridge vlan_filtering 1; then put the uplink into it"
                yield Finding(Level.WARN, about, f"it is not there; {physnet} has no `normal` ports", way_out)
