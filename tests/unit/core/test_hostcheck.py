"""What a bare host lacks, and for each lack the command or the firmware setting that mends it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mooring.core import hostcheck
from mooring.core.hostcheck import Finding, Level, Rules, check_platform
from mooring.host.configdrive import MAKE_ISO
from mooring.host.qemu_img import QEMU_IMG
from mooring.model.survey import BridgeKind, FileState, LibvirtAnswer, Loading, Platform, Survey

FIT_PLATFORM = Platform(
    kernel="6.12.43+deb12-amd64",
    command_line=("quiet", "intel_iommu=on"),
    cpu_vendor="GenuineIntel",
    cpu_virtualizes=True,
    iommu_tables=("DMAR",),
    iommu_units=("dmar0",),
    iommu_group_count=23,
    interrupts_are_remapped=True,
    vfio_pci=Loading.LOADED,
    has_vfio_device=True,
    has_kvm_device=True,
)
FIT = Survey(
    platform=FIT_PLATFORM,
    libvirt=LibvirtAnswer(11_003_000, "QEMU", 10_000_002),
    programs=frozenset({"qemu-img", "genisoimage", "libvirtd"}),
    is_root=True,
    capabilities=1 << 12,
    folders={"/state": FileState.GOOD, "/images": FileState.GOOD},
    key_file=FileState.GOOD,
    bridges={"br-physnet1": BridgeKind.VLAN_AWARE},
)
RULES = Rules(is_from_file=True, bridge_mappings={"physnet1": "br-physnet1"})
OFF = {"iommu_group_count": 0, "iommu_units": (), "interrupts_are_remapped": False}
SILENT = LibvirtAnswer(silence="it says nothing", hint="ask again")


def found(survey: Survey, about: str, rules: Rules = RULES) -> Sequence[Finding]:
    return [one for one in check_platform(survey, rules) if one.about == about]


def test_a_host_that_has_everything_gets_nothing_but_ok_and_no_advice() -> None:
    findings = check_platform(FIT, RULES)
    assert {(one.level, one.way_out) for one in findings} == {(Level.OK, "")}
    assert [one.about for one in findings] == [
        "kernel", "IOMMU", "interrupt remapping", "VFIO", "KVM", "libvirt", "programs", "privileges", "folders",
        "host key", "bridge br-physnet1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("about", "platform", "level", "text", "way_out"),
    [
        ("kernel", {"kernel": "5.10.0-20-amd64"}, "warn", "older than 6.1", "use 6.1"),
        ("kernel", {"kernel": "6.1.0"}, "ok", "6.1.0", ""),
        ("kernel", {"kernel": "10.0.1"}, "ok", "10.0.1", ""),
        ("kernel", {"kernel": ""}, "warn", "cannot be told", ""),
        ("IOMMU", OFF, "bad", "the firmware has one (DMAR)", "add intel_iommu=on iommu=pt in GRUB_CMDLINE_LINUX"),
        (
            "IOMMU", {**OFF, "command_line": ("quiet", "intel_iommu=off")},
            "bad", "the kernel's command line has intel_iommu=off", "take intel_iommu=off out in GRUB_CMDLINE_LINUX",
        ),
        (
            "IOMMU", {**OFF, "cpu_vendor": "AuthenticAMD", "iommu_tables": ("IVRS",)},
            "bad", "the firmware has one (IVRS)", "amd_iommu=force_enable",
        ),
        ("IOMMU", {**OFF, "cpu_vendor": None, "iommu_tables": ("IORT",)}, "bad", "IORT", "this IOMMU's driver"),
        ("IOMMU", {**OFF, "iommu_tables": ()}, "bad", "the firmware shows none", "enable VT-d in the firmware"),
        (
            "IOMMU", {**OFF, "iommu_tables": (), "cpu_vendor": "AuthenticAMD"},
            "bad", "the firmware shows none", "enable IOMMU (AMD-Vi) in the firmware",
        ),
        (
            "IOMMU", {**OFF, "iommu_tables": (), "is_guest": True},
            "bad", "the firmware shows none", "<iommu model='intel'>",
        ),
        ("IOMMU", {**OFF, "iommu_tables": None, "cpu_vendor": None}, "bad", "no IOMMU group", "SMMU"),
        (
            "interrupt remapping", {"interrupts_are_remapped": False},
            "bad", "off: vfio hands nothing to a guest", "in the firmware",
        ),
        (
            "interrupt remapping", {"interrupts_are_remapped": False, "command_line": ("intremap=off",)},
            "bad", "off", "take intremap=off out",
        ),
        (
            "interrupt remapping", {"interrupts_are_remapped": False, "is_guest": True},
            "bad", "off", "give this virtual machine's IOMMU intremap='on'",
        ),
        (
            "interrupt remapping", {"interrupts_are_remapped": False, "allows_unsafe_interrupts": True},
            "warn", "guests forge interrupts", "in the firmware",
        ),
        ("VFIO", {"vfio_pci": Loading.MISSING}, "bad", "no module vfio-pci", "CONFIG_VFIO_PCI"),
        ("VFIO", {"vfio_pci": Loading.LOADABLE}, "warn", "not loaded", "modprobe vfio-pci"),
        ("VFIO", {"has_vfio_device": False}, "bad", "/dev/vfio/vfio is not", "modprobe -a vfio"),
        ("VFIO no-IOMMU", {"is_noiommu": True}, "warn", "all memory", "enable_unsafe_noiommu_mode"),
        ("KVM", {"has_kvm_device": False}, "bad", "no /dev/kvm", "modprobe kvm_intel"),
        ("KVM", {"has_kvm_device": False, "cpu_vendor": "AuthenticAMD"}, "bad", "no /dev/kvm", "modprobe kvm_amd"),
        ("KVM", {"has_kvm_device": False, "cpu_virtualizes": False}, "bad", "neither vmx nor svm", "enable VT-x"),
        (
            "KVM", {"has_kvm_device": False, "cpu_virtualizes": False, "is_guest": True},
            "bad", "neither vmx nor svm", "nested virtualization",
        ),
    ],
)  # fmt: skip
def test_what_the_platform_lacks_is_said_with_the_way_out(
    about: str, platform: dict[str, object], level: str, text: str, way_out: str
) -> None:
    (finding,) = found(replace(FIT, platform=replace(FIT_PLATFORM, **platform)), about)  # type: ignore[arg-type]  # from a table
    assert finding.level == level
    assert text in finding.text
    assert way_out in finding.way_out
    assert bool(finding.way_out) == bool(way_out)


def test_interrupts_are_not_spoken_of_where_they_cannot_be_told_or_there_is_no_iommu() -> None:
    for changed in ({"interrupts_are_remapped": None}, OFF):
        assert not found(replace(FIT, platform=replace(FIT_PLATFORM, **changed)), "interrupt remapping")


def test_a_host_that_emulates_by_its_own_file_needs_no_kvm() -> None:
    without = replace(FIT, platform=replace(FIT_PLATFORM, has_kvm_device=False))
    (finding,) = found(without, "KVM", replace(RULES, domain_type="qemu"))
    assert finding == Finding(Level.OK, "KVM", "not asked for: domain_type is qemu")


@pytest.mark.parametrize(
    ("about", "changes", "level", "text", "way_out"),
    [
        (
            "KVM", {"libvirt": LibvirtAnswer(11_003_000, "QEMU", 10_000_002, kvm_refusal="it is not accessible")},
            "bad", "runs no guest with it: it is not accessible", "virt-host-validate",
        ),
        (
            "libvirt", {"libvirt": SILENT, "programs": frozenset()},
            "bad", "it says nothing", "apt install libvirt-daemon-system qemu-system-x86",
        ),
        (
            "libvirt", {"libvirt": replace(SILENT, code="Unsupported"), "programs": frozenset()},
            "bad", "it says nothing", "apt install libvirt-daemon-system qemu-system-x86; then ask again",
        ),
        (
            "libvirt", {"libvirt": replace(SILENT, code="Unreachable")},
            "bad", "it says nothing", "systemctl enable --now libvirtd.service; journalctl -u libvirtd",
        ),
        (
            "libvirt", {"libvirt": replace(SILENT, code="Unreachable"), "programs": frozenset({"virtqemud"})},
            "bad", "it says nothing", "systemctl enable --now virtqemud.socket",
        ),
        (
            "libvirt", {"libvirt": replace(SILENT, code="PolicyNotAuthorized")},
            "bad", "it says nothing", "run this as root",
        ),
        ("libvirt", {"libvirt": replace(SILENT, code="HostFault")}, "bad", "it says nothing", "ask again"),
        (
            "libvirt", {"libvirt": LibvirtAnswer(8_000_000, "QEMU", 6_002_000)},
            "warn", "libvirt 8.0.0, QEMU 6.2.0: older than 9.0.0", "install libvirt 9.0.0",
        ),
        (
            "libvirt", {"libvirt": LibvirtAnswer(9_000_000, "QEMU", 7_002_022)},
            "warn", "libvirt 9.0.0, QEMU 7.2.22: no VLAN on a Linux bridge", "libvirt 11.0.0",
        ),
        (
            "programs", {"programs": frozenset({"xorrisofs"})},
            "bad", "there is no qemu-img: servers get no disk", "apt install qemu-utils",
        ),
        ("programs", {"programs": frozenset({"qemu-img"})}, "bad", "no xorrisofs or genis", "apt install xorriso"),
        (
            "programs", {"programs": frozenset()},
            "bad", "there is no qemu-img, and no xorrisofs", "apt install qemu-utils xorriso",
        ),
        ("privileges", {"capabilities": ~(1 << 12)}, "bad", "no CAP_NET_ADMIN", "container"),
        ("privileges", {"is_root": False, "capabilities": 0}, "warn", "does not run as root", "sudo mooring host"),
        ("folders", {"folders": {"/state": FileState.DENIED}}, "bad", "/state cannot be written", "ls -ld /state"),
        (
            "folders", {"folders": {"/state": FileState.DENIED}, "is_root": False},
            "warn", "/state cannot be written", "ls -ld /state",
        ),
        (
            "folders", {"folders": {"/a": FileState.MISSING, "/b": FileState.MISSING, "/c": FileState.GOOD}},
            "warn", "/a, /b: not there yet", "install -d -m 0711 /a /b",
        ),
        ("host key", {"key_file": FileState.MISSING}, "bad", "not there", "mooring host add NAME"),
        ("host key", {"key_file": FileState.EXPOSED}, "bad", "others can read", "chmod 600"),
        ("host key", {"key_file": FileState.DENIED}, "bad", "cannot be read", "chown root"),
        (
            "host key", {"key_file": FileState.DENIED, "is_root": False}, "warn", "cannot be read", "chown root",
        ),
        (
            "bridge br-physnet1", {"bridges": {}},
            "warn", "not there; physnet1 has no `normal` ports", "ip link add br-physnet1 type bridge vlan_filtering 1",
        ),
        (
            "bridge br-physnet1", {"bridges": {"br-physnet1": BridgeKind.PLAIN}},
            "warn", "does not filter VLANs", "ip link set br-physnet1 type bridge vlan_filtering 1",
        ),
        (
            "bridge br-physnet1", {"bridges": {"br-physnet1": BridgeKind.OTHER}},
            "warn", "no bridge", "not its uplink",
        ),
        (
            "bridge br-physnet1", {"bridges": {"br-physnet1": BridgeKind.OPEN_VSWITCH}},
            "ok", "Open vSwitch bridge, for physnet1", "",
        ),
    ],
)  # fmt: skip
def test_what_else_is_missing_is_said_with_the_way_out(
    about: str, changes: dict[str, object], level: str, text: str, way_out: str
) -> None:
    (finding,) = found(replace(FIT, **changes), about)  # type: ignore[arg-type]  # from a table
    assert finding.level == level
    assert text in finding.text
    assert way_out in finding.way_out
    assert bool(finding.way_out) == bool(way_out)


def test_bridges_are_asked_of_libvirt_only_where_the_host_has_some() -> None:
    old = replace(FIT, libvirt=LibvirtAnswer(9_000_000, "QEMU", 7_002_000))
    assert found(old, "libvirt", Rules(is_from_file=True))[0].level is Level.OK


def test_without_an_agent_toml_the_way_to_one_is_told_and_nothing_is_held_against_the_host() -> None:
    (finding,) = found(replace(FIT, key_file=None), "agent.toml", Rules())
    assert finding.level is Level.WARN
    assert "mooring host join" in finding.way_out
    assert not found(replace(FIT, key_file=None), "host key", Rules())


def test_the_programs_looked_for_are_those_that_the_agent_runs() -> None:
    assert MAKE_ISO.names == hostcheck.ISO_PROGRAMS
    assert QEMU_IMG.names == (hostcheck.DISK_PROGRAM,)
