"""SIGHUP has a controller read its file again: networks get VLANs of the new ranges, and keep those that they have."""

import os
import signal
from pathlib import Path

from mooring.testing.client import wait_until
from mooring.testing.rig import START_MAX_S, Rig

NETWORKS = "/network/v2.0/networks"
VLAN = "provider:segmentation_id"


def test_vlan_ranges_follow_the_file_on_sighup(tmp_path: Path) -> None:
    rig = Rig(tmp_path, '[controller]\nnetwork_vlan_ranges = ["physnet1:100:100"]\n')
    try:
        rig.start_controller()
        first = rig.client.want(201, "POST", NETWORKS, {"network": {}})["network"]
        assert (first[VLAN], first["mtu"]) == (100, 1500)
        rig.client.want(409, "POST", NETWORKS, {"network": {}})
        text = '[controller]\nnetwork_vlan_ranges = ["physnet2:7:7"]\nglobal_physnet_mtu = 9000\n'
        (tmp_path / "controller.toml").write_text(text)
        assert rig.controller is not None
        os.kill(rig.controller.pid, signal.SIGHUP)
        wait_until(lambda: rig.client.call("POST", NETWORKS, {"network": {}}).status == 201, START_MAX_S, "a VLAN")
        second = next(each for each in rig.client.want(200, "GET", NETWORKS)["networks"] if each["id"] != first["id"])
        assert (second["provider:physical_network"], second[VLAN], second["mtu"]) == ("physnet2", 7, 9000)
        assert rig.client.want(200, "GET", f"{NETWORKS}/{first['id']}")["network"][VLAN] == 100
        assert rig.findings() == []
        assert rig.controller.stop() == 0
    finally:
        rig.close()
