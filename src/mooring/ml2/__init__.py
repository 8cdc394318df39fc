"""Floor 1: binding drivers, with the method names and meanings of Neutron's ML2. Pure: they decide, and do nothing."""
