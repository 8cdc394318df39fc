"""Mooring: SR-IOV networking for virtual machines on plain KVM hosts, with OpenStack's APIs."""

__version__ = "0.1.0"
