"""``/compute/v2.1/flavors/{id}/os-extra_specs``."""

import re
from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import Microversion, any_version, versioned
from mooring.api.compute.shapes import At, TextMap, envelope
from mooring.errors import Invalid
from mooring.service import flavors
from mooring.service.flavors import EXTRA_SPECS_MAX

_SPECS = TextMap(re.compile(r"[a-zA-Z0-9\-_:. ]{1,255}", re.ASCII), EXTRA_SPECS_MAX, numbers=True)


@any_version
async def list_extra_specs(call: Call) -> Reply:
    who, ident = call.who, call.params["flavor_id"]
    flavor = await call.controller.store.read(lambda tx: flavors.get_flavor(tx, who, ident))
    return Reply(HTTPStatus.OK, {"extra_specs": dict(flavor.extra_specs)})


@any_version
async def show_extra_spec(call: Call) -> Reply:
    who, ident, key = call.who, call.params["flavor_id"], call.params["key"]
    flavor = await call.controller.store.read(lambda tx: flavors.get_flavor(tx, who, ident))
    return Reply(HTTPStatus.OK, {key: flavors.get_extra_spec(flavor, key)})


@versioned
async def add_extra_specs(call: Call, version: Microversion) -> Reply:
    specs = envelope(call.json(), "extra_specs", _SPECS, version)
    who, ident = call.who, call.params["flavor_id"]
    await call.controller.store.write(lambda tx: flavors.set_extra_specs(tx, who, ident, specs))
    return Reply(HTTPStatus.OK, {"extra_specs": specs})


@versioned
async def update_extra_spec(call: Call, version: Microversion) -> Reply:
    """``{key: value}`` for the key of the path, and nothing else."""
    specs = _SPECS.read(call.json(), At("extra_specs", version))
    who, ident, key = call.who, call.params["flavor_id"], call.params["key"]
    if set(specs) != {key}:
        raise Invalid(f"Request body and URI mismatch: the body has {sorted(specs)}, the path {key!r}")
    await call.controller.store.write(lambda tx: flavors.set_extra_specs(tx, who, ident, specs))
    return Reply(HTTPStatus.OK, specs)


@any_version
async def delete_extra_spec(call: Call) -> Reply:
    who, ident, key = call.who, call.params["flavor_id"], call.params["key"]
    await call.controller.store.write(lambda tx: flavors.unset_extra_spec(tx, who, ident, key))
    return Reply(HTTPStatus.OK)
