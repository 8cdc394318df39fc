"""The agents' side: inventory in, desired state out, reports in."""
