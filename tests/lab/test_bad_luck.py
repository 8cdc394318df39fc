"""What goes wrong around a server on a real host: each reaches its owner with the reason, and nothing is left over."""

import pytest

from lab.cloud import BOOT_LIMIT_S, READY_LIMIT_S, STATE, LabCloud
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")

_STRANGER = """\
<domain type='kvm'><name>mooring-{server}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>
"""


def fault(cloud: LabCloud, server_id: str) -> str:
    """Wait until the server is in ERROR; the fault as an admin reads it."""
    cloud.wait(lambda: (cloud.server(server_id) or {}).get("status") == "ERROR", BOOT_LIMIT_S, "the server is in ERROR")
    return str((cloud.server(server_id) or {})["fault"])


@pytest.mark.parametrize(("content", "words"), [(None, "could not be found"), ("not a disk at all", "qcow2")])
def test_an_image_that_will_not_do_is_the_servers_fault_and_leaves_nothing(
    cloud: LabCloud, flavor: str, nets: Nets, content: str | None, words: str
) -> None:
    wish = {"name": "broken", "disk_format": "qcow2", "container_format": "bare"}
    image = cloud.client.want(201, "POST", "/image/v2/images", wish)["id"]
    if content is not None:
        cloud.lab["n0"].put_file(f"{STATE}/images/{image}.qcow2", content)
    server = cloud.boot("broken", "n0", flavor, [cloud.make_port(nets.blue)], image=image)
    assert words in fault(cloud, server)
    cloud.delete(server)
    assert cloud.lab["n0"].sh(f"ls {STATE}/servers").strip() == ""


def test_a_domain_of_somebody_elses_with_the_servers_name_is_not_touched(
    cloud: LabCloud, flavor: str, nets: Nets
) -> None:
    host = cloud.lab["n0"]
    cloud.kill_agent("n0")
    server = cloud.boot("named", "n0", flavor, [cloud.make_port(nets.blue)])
    host.put_file(f"{STATE}/stranger.xml", _STRANGER.format(server=server))
    host.sh(f"virsh define {STATE}/stranger.xml")
    before = host.sh(f"virsh dumpxml mooring-{server}")
    try:
        cloud.start_agent("n0")
        assert f"mooring-{server}" in fault(cloud, server)
        cloud.client.want(204, "DELETE", f"/compute/v2.1/servers/{server}")
        cloud.wait(lambda: cloud.server(server) is None, READY_LIMIT_S, "the server is gone")
        assert host.sh(f"virsh dumpxml mooring-{server}") == before
    finally:
        host.sh(f"virsh undefine mooring-{server}")


def test_a_libvirt_that_dies_and_comes_back_is_waited_for(cloud: LabCloud, flavor: str, nets: Nets) -> None:
    host = cloud.lab["n0"]
    host.sh("pkill -KILL -x libvirtd")
    server = cloud.boot("patient", "n0", flavor, [cloud.make_port(nets.blue)])
    cloud.wait(lambda: "agent-retries" in cloud.agent_log("n0"), READY_LIMIT_S, "the agent misses libvirt")
    host.sh("rm -f /run/libvirtd.pid; lab-services")
    cloud.wait_active(server)


def test_a_full_disk_is_the_servers_fault_and_heals(cloud: LabCloud, flavor: str, nets: Nets) -> None:
    host = cloud.lab["n0"]
    host.sh(f"mkdir -p {STATE}/servers; mount -t tmpfs -o size=64k tmpfs {STATE}/servers")
    try:
        server = cloud.boot("full", "n0", flavor, [cloud.make_port(nets.blue)])
        assert "space" in fault(cloud, server)
    finally:
        host.sh(f"umount {STATE}/servers")
    cloud.wait(lambda: (cloud.server(server) or {}).get("status") == "ACTIVE", BOOT_LIMIT_S, "it runs after all")
