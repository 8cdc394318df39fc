"""Floor 2, the machine: sysfs, netlink, libvirt. The only floor that imports pyroute2 or libvirt."""
