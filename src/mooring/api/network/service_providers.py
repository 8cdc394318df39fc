"""What clients of Neutron ask for whether or not a cloud has it: nothing is routed here, so these lists are empty."""

from mooring.api.call import Call, Reply
from mooring.errors import Unsupported


async def service_providers(call: Call) -> Reply:
    """List the providers of services beyond networks and ports: none."""
    del call
    return Reply(body={"service_providers": []})


async def floating_ips(call: Call) -> Reply:
    """List floating addresses: none. Nova asks for those of a server's ports."""
    del call
    return Reply(body={"floatingips": []})


async def routers(call: Call) -> Reply:
    """List routers: none. Clients look for those of a network before they delete it."""
    del call
    return Reply(body={"routers": []})


async def make_router(call: Call) -> Reply:
    """Make a router: refused, with the reason."""
    del call
    raise Unsupported(
        "There are no routers here: networks are the data centre's own, and its switches and gateways route.",
        hint="give the subnet the gateway of the physical network with gateway_ip",
    )


async def make_floating_ip(call: Call) -> Reply:
    """Make a floating address: refused, with the reason."""
    del call
    raise Unsupported(
        "Floating IP addresses need a router, and this cloud has none: its networks are the data centre's own.",
        hint="put the server's port on a network that is reachable from where its users are",
    )
