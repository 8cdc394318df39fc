"""Floor 2: where Neutron and Mooring meet. ML2 drivers of either run in the other (extra ``[neutron]``)."""
