"""Floor 3, the host's half of the story: observe, plan, journal, apply, read back, report.

Plain synchronous code, one turn at a time. Everything that it does to the machine goes through ``host/machine.py``'s
protocols, everything that it says to the controller through ``uplink.Uplink``.
"""
