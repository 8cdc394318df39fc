"""Simulated hosts, shipped: a sysfs tree on disk, a VF table and a hypervisor, with the quirks of real cards."""
