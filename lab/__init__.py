"""The lab: two emulated hosts with real kernels, real SR-IOV cards' drivers and real libvirt, on wires of our own.

``python -m lab`` is the command; ``lab.lab.Lab`` is the same for tests. README.md says what it can and costs.
"""
