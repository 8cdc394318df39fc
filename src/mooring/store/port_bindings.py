"""The inactive bindings of ports; the active one is the port's own."""

from mooring.model.port import Binding, PortBinding
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.tx import Tx

PORT_BINDINGS = Records(tables.port_bindings, PortBinding, nested={"binding": Binding})


def of_port(tx: Tx, port_id: str) -> list[PortBinding]:
    return PORT_BINDINGS.where(tx, port_id=port_id)


def on_host(tx: Tx, port_id: str, host: str) -> PortBinding | None:
    return PORT_BINDINGS.first(tx, port_id=port_id, binding_host=host)
