"""Floor 2: the managers of the switches upstream of the hosts, which know port profiles."""
