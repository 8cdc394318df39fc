"""A whole cloud in the lab: the controller on this machine, and a real agent in each host.

What an operator would do once is done here once: hosts are added, their files written, their bridge made, the guest's
image registered. Everything after that goes through the public API.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.host import LabHost
from lab.lab import Lab
from lab.layer import GUEST_IMAGE
from lab.qemu import NVME_ADDRESS
from mooring.main import CLOUDS
from mooring.testing.client import ApiClient, wait_until
from mooring.testing.rig import Rig

PF1_VFS, PF2_VFS = 4, 3
WHOLE_PF, WHOLE_PF_VFS = "0000:81:00.1", 1
"""It is handed out whole, or by its VF."""
PHYSNET2_FUNCTIONS = PF2_VFS + 1 + WHOLE_PF_VFS
BRIDGE, OVS_BRIDGE = "br1", "br2"
STATE = "/var/lib/mooring"
AGENT_LOG = f"{STATE}/agent.log"
AGENT_FILE = f"{STATE}/agent.toml"
#: Under emulation, on a busy machine; what is waited for takes a tenth of it as a rule.
READY_LIMIT_S = 180.0
BOOT_LIMIT_S = 240.0
GONE_LIMIT_S = 90.0

_OK = 200
_SHOWN_CHARACTERS = 3000
_HERE_FROM_INSIDE = "10.0.2.2"
_AGENT_TOML = """\
[agent]
controller = "http://{inside}:{port}"
key_file = "{state}/agent.key"
state = "{state}/agent"
images = "{state}/images"
servers = "{state}/servers"
report_interval_s = 10

[agent.bridge_mappings]
physnet1 = "{bridge}"
physnet2 = "{ovs_bridge}"

[[device_spec]]
pf = "0000:01:00.0"
physical_network = "physnet1"
num_vfs = {pf1_vfs}

[[device_spec]]
pf = "0000:81:00.0"
physical_network = "physnet2"
num_vfs = {pf2_vfs}

[[device_spec]]
pf = "{whole_pf}"
physical_network = "physnet2"
whole = true
num_vfs = {whole_pf_vfs}

[[device_spec]]
address = "{nvme}"
tags = ["disk"]
"""
# What a distribution's network configuration would do at each boot.
_NETWORK = """\
ip link add {bridge} type bridge vlan_filtering 1
ip link set uplink1 master {bridge}
bridge vlan add vid 2-4094 dev uplink1
ip link set uplink1 up
ip link set {bridge} up
lab-ovs start
ovs-vsctl --may-exist add-br {ovs_bridge} -- --may-exist add-port {ovs_bridge} uplink2
ip link set uplink2 up
"""
#: What packaging/systemd gives the agent of root's powers, and no more.
_POWERS = "+net_admin"
#: What mooring-agent.service.d/dhcp.conf of packaging/systemd adds to that.
DHCP_POWERS = "+sys_admin,+net_raw,+net_bind_service,+setuid,+setgid,+kill"


class LabCloud:
    """``folder`` takes the controller's state and log. Use as a context; ``lab`` is started and closed by others."""

    def __init__(self, lab: Lab, folder: Path):
        self.lab = lab
        folder.mkdir(exist_ok=True)
        self.rig = Rig(folder)
        self._agents: dict[str, int] = {}
        self.powers: dict[str, str] = {}
        """What the agent of a host has besides the unit's, as ``setpriv`` spells it."""
        self.image_id = ""

    @property
    def client(self) -> ApiClient:
        return self.rig.client

    @property
    def clouds_file(self) -> Path:
        """What an `openstack` client needs to know."""
        return self.rig.state / CLOUDS

    def start(self) -> None:
        """Everything, until all VFs are there to be had."""
        self.rig.start_controller()
        self.image_id = self._register_guest()
        for host in self.lab.hosts:
            self._set_up(host)
        for host in self.lab.hosts:
            self.start_agent(host.name)
        self.wait_available()

    def close(self) -> None:
        self.rig.close()

    # -- agents

    def start_agent(self, name: str, *steps: str) -> None:
        """With a step, one that will kill itself there once ``armed`` exists inside."""
        host = self.lab[name]
        plain = ["mooring", "agent", "--config", AGENT_FILE]
        faulty = ["python3", "-m", "mooring.testing.faulty", "agent", AGENT_FILE, *steps, f"{STATE}/armed"]
        powers = ",".join(filter(None, ("-all", _POWERS, self.powers.get(name))))
        as_the_unit = ("setpriv", f"--bounding-set={powers}", "--inh-caps=-all", "--no-new-privs")
        self._agents[name] = host.spawn([*as_the_unit, *(faulty if steps else plain)], log=AGENT_LOG)

    def agent_is_dead(self, name: str) -> bool:
        return self.lab[name].run(["test", "-d", f"/proc/{self._agents[name]}"], check=False).code != 0

    def kill_agent(self, name: str) -> None:
        self.lab[name].run(["kill", "-9", str(self._agents[name])], check=False)
        wait_until(lambda: self.agent_is_dead(name), READY_LIMIT_S, f"the agent of {name} is dead")

    def agent_log(self, name: str) -> str:
        return self.lab[name].read_file(AGENT_LOG).decode(errors="replace")

    def power_cycle(self, name: str) -> None:
        """Take a host's power away and bring it and its agent back."""
        host = self.lab[name]
        host.power_cycle()
        self._configure_network(host)
        host.wait_libvirt()
        self.start_agent(name)

    # -- what the API shows

    def devices(self, host: str, **want: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.want(200, "GET", "/mooring/v1/pci-devices")["pci_devices"]
        return [
            one for one in found if one["host"] == host and all(one.get(name) == value for name, value in want.items())
        ]

    def wait_available(self, limit_s: float = READY_LIMIT_S) -> None:
        """Until every function that the hosts offer is free."""
        each = PF1_VFS + PHYSNET2_FUNCTIONS + 1  # and the NVMe disk

        def all_free() -> bool:
            return all(len(self.devices(host.name, state="available")) == each for host in self.lab.hosts)

        self.wait(all_free, limit_s, "all functions are available")

    def wait(self, is_so: Callable[[], bool], limit_s: float, what: str) -> None:
        """``wait_until``, whose failure brings the devices and the agents' last words along."""
        try:
            wait_until(is_so, limit_s, what, pause_s=0.3)
        except AssertionError as late:
            states = [
                f"{one['host']} {one['address']} {one['state']} {one['reason']}"
                for host in self.lab.hosts
                for one in self.devices(host.name, is_offered=True)
            ]
            logs = [self.agent_log(host.name)[-_SHOWN_CHARACTERS:] for host in self.lab.hosts]
            raise AssertionError("\n".join([str(late), *states, *logs])) from late

    # -- servers

    def make_network(self, name: str, physnet: str, vlan: int | None, cidr: str) -> str:
        """Of everybody's use; without a VLAN it is a flat one. Returns its id."""
        wish: dict[str, object] = {"name": name, "shared": True, "provider:physical_network": physnet}
        wish["provider:network_type"] = "vlan" if vlan else "flat"
        if vlan:
            wish["provider:segmentation_id"] = vlan
        made = self.client.want(201, "POST", "/network/v2.0/networks", {"network": wish})["network"]
        subnet = {"network_id": made["id"], "ip_version": 4, "cidr": cidr}
        self.client.want(201, "POST", "/network/v2.0/subnets", {"subnet": subnet})
        return str(made["id"])

    def make_port(self, network_id: str, vnic_type: str = "direct", ip: str = "", **more: object) -> dict[str, Any]:
        wish = {"network_id": network_id, "binding:vnic_type": vnic_type, **more}
        if ip:
            wish["fixed_ips"] = [{"ip_address": ip}]
        made: dict[str, Any] = self.client.want(201, "POST", "/network/v2.0/ports", {"port": wish})["port"]
        return made

    def port(self, port_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.want(200, "GET", f"/network/v2.0/ports/{port_id}")["port"]
        return found

    def slot(self, port_id: str) -> str:
        """The PCI address of the function that a bound port has."""
        return str(self.port(port_id)["binding:profile"]["pci_slot"])

    def vf_index(self, host: str, port_id: str) -> int:
        return int(self.devices(host, address=self.slot(port_id))[0]["vf_index"])

    def driver(self, host: str, address: str) -> str:
        """The driver of a function, inside; empty for none."""
        link = f"/sys/bus/pci/devices/{address}/driver"
        return self.lab[host].run(["readlink", link], check=False).out.strip().rpartition("/")[2]

    @contextmanager
    def another_project(self) -> Iterator[None]:
        """Within it, this cloud's calls are those of an admin of another project."""
        name, password, mine = "theirs", "theirs-and-secret", self.client
        project = mine.want(201, "POST", "/identity/v3/projects", {"project": {"name": name}})["project"]["id"]
        user = {"name": name, "password": password}
        user_id = mine.want(201, "POST", "/identity/v3/users", {"user": user})["user"]["id"]
        roles = mine.want(200, "GET", "/identity/v3/roles?name=admin")["roles"]
        mine.want(204, "PUT", f"/identity/v3/projects/{project}/users/{user_id}/roles/{roles[0]['id']}")
        self.rig.client = ApiClient.login(self.rig.url, name, password, name)
        try:
            yield
        finally:
            self.rig.client.close()
            self.rig.client = mine

    def clear(self) -> None:
        """Delete all servers and ports, until every function is free again; whoever died is started again."""
        for host in self.lab.hosts:
            host.sh(f"rm -f {STATE}/armed")
            if self.agent_is_dead(host.name):
                self.start_agent(host.name)
        listed = self.client.want(200, "GET", "/compute/v2.1/servers?all_tenants=1")["servers"]
        self.delete(*[str(one["id"]) for one in listed])
        for port in self.client.want(200, "GET", "/network/v2.0/ports")["ports"]:
            self.client.want(204, "DELETE", f"/network/v2.0/ports/{port['id']}")

    def boot(
        self, name: str, host: str, flavor: str, ports: Sequence[Mapping[str, Any]], pings: Sequence[str] = (),
        image: str = "", **orders: str,
    ) -> str:  # fmt: skip
        """A server on that host, of the lab's guest; returns its id at once.

        It pings ``pings`` and tells so on its console; ``orders`` are more of what inside/guest-init obeys.
        """
        wish = {
            "name": name, "flavorRef": flavor, "imageRef": image or self.image_id,
            "metadata": {"ping": ",".join(pings), **orders}, "availability_zone": f"nova:{host}",
            "networks": [{"port": port["id"]} for port in ports],
        }  # fmt: skip
        made = self.client.want(202, "POST", "/compute/v2.1/servers", {"server": wish})["server"]
        return str(made["id"])

    def server(self, server_id: str) -> dict[str, Any] | None:
        answer = self.client.call("GET", f"/compute/v2.1/servers/{server_id}")
        return answer.body["server"] if answer.status == _OK else None

    def wait_active(self, *server_ids: str) -> None:
        def status(server_id: str) -> str:
            return str((self.server(server_id) or {}).get("status"))

        def all_active() -> bool:
            found = [status(server_id) for server_id in server_ids]
            if "ERROR" in found:
                raise AssertionError(f"in ERROR: {[(self.server(one) or {}).get('fault') for one in server_ids]}")
            return set(found) == {"ACTIVE"}

        self.wait(all_active, BOOT_LIMIT_S, f"{server_ids} are ACTIVE")

    def delete(self, *server_ids: str) -> None:
        """Until they are gone, and every function is free again."""
        for server_id in server_ids:
            self.client.want(204, "DELETE", f"/compute/v2.1/servers/{server_id}")
        self.wait(lambda: all(self.server(one) is None for one in server_ids), GONE_LIMIT_S, "the servers are gone")
        self.wait_available(GONE_LIMIT_S)

    def console(self, name: str, server_id: str) -> str:
        """All that a guest said so far; empty before its first word."""
        path = f"{STATE}/servers/{server_id}/console.log"
        return self.lab[name].run(["cat", path], check=False).out.replace("\r", "")

    def wait_said(self, name: str, server_id: str, words: str, limit_s: float = BOOT_LIMIT_S) -> None:
        try:
            wait_until(lambda: words in self.console(name, server_id), limit_s, f"{words!r}", pause_s=0.5)
        except AssertionError as late:
            raise AssertionError(f"{late}; the console of {server_id}:\n{self.console(name, server_id)}") from late

    # -- once

    def _register_guest(self) -> str:
        wish = {"name": "lab-guest", "disk_format": "qcow2", "container_format": "bare"}
        return str(self.client.want(201, "POST", "/image/v2/images", wish)["id"])

    def _set_up(self, host: LabHost) -> None:
        key = self.client.want(201, "POST", "/mooring/v1/hosts", {"host": {"name": host.name}})["host"]["key"]
        port = self.rig.address.rpartition(":")[2]
        text = _AGENT_TOML.format(
            inside=_HERE_FROM_INSIDE,
            port=port,
            state=STATE,
            bridge=BRIDGE,
            ovs_bridge=OVS_BRIDGE,
            pf1_vfs=PF1_VFS,
            pf2_vfs=PF2_VFS,
            whole_pf=WHOLE_PF,
            whole_pf_vfs=WHOLE_PF_VFS,
            nvme=NVME_ADDRESS,
        )
        host.put_file(AGENT_FILE, text)
        host.put_file(f"{STATE}/agent.key", f"{key}\n", mode=0o600)
        host.sh(f"mkdir -p {STATE}/images; cp {GUEST_IMAGE} {STATE}/images/{self.image_id}.qcow2")
        self._configure_network(host)
        host.wait_libvirt()

    @staticmethod
    def _configure_network(host: LabHost) -> None:
        host.sh(_NETWORK.format(bridge=BRIDGE, ovs_bridge=OVS_BRIDGE))
