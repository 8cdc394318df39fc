"""The demo's story: the three cases of the 2013 thread, as commands with what each must answer."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the story. It is as told when its exit code and its output are."""

    command: str
    """As a person would type it; split like a shell does."""
    told: str = ""
    """What the story says before it."""
    shows: tuple[str, ...] = ()
    """Texts that the output must hold."""
    is_refused: bool = False
    """The command must fail."""
    tries_max: int = 1
    """A host needs a moment; the command is asked again, half a second apart."""


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    steps: Sequence[Step]


_ACTIVE = "-c name -c status -c OS-EXT-SRV-ATTR:host"
_NARROW = "--max-width 98"
_BOUND = f"-c binding_vif_type -c binding_vif_details -c binding_profile -c status {_NARROW}"

STORY: Sequence[Chapter] = (
    Chapter(
        "The hosts: two kinds of cards, and the recording of a real kernel",
        (
            Step(
                "mooring host list", "Three hosts joined, each with an agent in a process of its own.", ("sim1", "sim3")
            ),
            Step(
                "openstack network agent list -c Host -c 'Agent Type' -c Alive", "Neutron's clients see them as agents."
            ),
            Step("openstack hypervisor list -c 'Hypervisor Hostname' -c State", "Nova's see hypervisors.", ("up",)),
            Step("openstack flavor create --vcpus 2 --ram 1024 --disk 10 small", shows=("small",)),
            Step(
                f"openstack image create --disk-format qcow2 --container-format bare debian {_NARROW}",
                shows=("active",),
            ),
        ),
    ),
    Chapter(
        "Case 1: SR-IOV ports on one upstream switch",
        (
            Step(
                "openstack network create --provider-network-type vlan --provider-physical-network physnet1"
                " --provider-segment 100 blue",
                "Networks name a physical network and a VLAN.",
            ),
            Step(
                "openstack subnet create --network blue --subnet-range 192.0.2.0/24 blue-v4 -c cidr -c allocation_pools"
            ),
            Step(
                "openstack port create --network blue --vnic-type direct db-data -c mac_address -c fixed_ips -c status"
            ),
            Step(
                "openstack port create --network blue --vnic-type macvtap db-backup"
                " -c mac_address -c fixed_ips -c status"
            ),
            Step(
                "openstack server create --flavor small --image debian --nic port-id=db-data --nic port-id=db-backup db"
                " -c id -c name",
                "A server takes ports made beforehand: one VF passed through, one as macvtap.",
            ),
            Step(
                f"openstack server show db {_ACTIVE}",
                "ACTIVE means that every setting was read back from the card.",
                ("ACTIVE",),
                tries_max=20,
            ),
            Step(f"openstack port show db-data {_BOUND}", shows=("hw_veb", "pci_slot", "ACTIVE")),
            Step("mooring device list", "Who owns what, PF by PF:", ("db",)),
            Step(
                "virsh dumpxml db", "What its hypervisor, a simulated one here, was given:", ("hostdev", "passthrough")
            ),
        ),
    ),
    Chapter(
        "Case 2: SR-IOV and ordinary ports on one physical network",
        (
            Step("openstack port create --network blue --vnic-type normal web-mgmt -c mac_address -c fixed_ips"),
            Step("openstack port create --network blue --vnic-type direct web-data -c mac_address -c fixed_ips"),
            Step(
                "openstack server create --flavor small --image debian"
                " --nic port-id=web-mgmt --nic port-id=web-data web"
                " -c id -c name",
                "Only a host with a bridge and a free VF on physnet1 can take this one.",
            ),
            Step(f"openstack server show web {_ACTIVE}", "", ("ACTIVE", "sim2"), tries_max=20),
            Step(
                "openstack network create --provider-network-type vlan --provider-physical-network physnet1"
                " --provider-segment 100 clash",
                "A VLAN belongs to one network. The second is refused, and told why:",
                ("100", "in use"),
                is_refused=True,
            ),
        ),
    ),
    Chapter(
        "Case 3: NICs on different upstream switches, and VFs that the host keeps",
        (
            Step(
                "openstack network create --provider-network-type vlan --provider-physical-network physnet2"
                " --provider-segment 200 --extra-property name=mooring:default_vnic_type,value=direct green",
                "This network's ports are SR-IOV by default, so that nobody has to make them beforehand.",
            ),
            Step("openstack subnet create --network green --subnet-range 198.51.100.0/24 green-v4 -c cidr"),
            Step("openstack server create --flavor small --image debian --nic net-id=green app1 -c id -c name"),
            Step("openstack server create --flavor small --image debian --nic net-id=green app2 -c id -c name"),
            Step(
                f"openstack server show app2 {_ACTIVE}",
                "Only sim3 reaches physnet2, over ens99f0; its VFs 2 and 3 are excluded.",
                ("ACTIVE", "sim3"),
                tries_max=20,
            ),
            Step("openstack server create --flavor small --image debian --nic net-id=green app3 -c id -c name"),
            Step(
                f"openstack server show app3 -c status -c fault {_NARROW}",
                "Nothing is left for a third. Its fault says what is missing, where, and how much:",
                ("ERROR", "No valid host"),
            ),
            Step(
                "mooring explain --flavor small --image debian --nic net-id=green",
                "The same engine answers before anything is created:",
                ("sim1", "sim3"),
                is_refused=True,
            ),
            Step("mooring device list --host sim3", "", ("app1", "app2")),
            Step(
                "mooring pci-group create west --select host=sim1,address=0000:81:*.*"
                " --select host=sim3,address=0000:01:*.*",
                "Bus 0000:81 leads to one switch in sim1 and to another in sim3. A PCI group takes such tuples:",
                ("PCI group west is made", "on 2 hosts"),
            ),
            Step(
                "mooring explain --flavor small --image debian --nic net-id=blue,pci-group=west",
                "Who asks for it gets a function of one of these cards, or hears why not:",
                ("2 hosts would do", "no VF of PCI group west on physnet1"),
            ),
        ),
    ),
    Chapter(
        "Giving back",
        (
            Step("openstack server delete app1", "The domain goes, then the baseline is applied and read back."),
            Step("openstack server show app1", "", ("No", "app1"), is_refused=True, tries_max=20),
            Step("openstack server delete app3"),
            Step("openstack server create --flavor small --image debian --nic net-id=green app4 -c id -c name"),
            Step(
                f"openstack server show app4 {_ACTIVE}",
                "The freed VF serves the next.",
                ("ACTIVE", "sim3"),
                tries_max=20,
            ),
            Step("mooring device list --host sim3", "", ("app4",)),
            Step("mooring audit", "And the auditor finds nothing wrong:", ()),
        ),
    ),
)
