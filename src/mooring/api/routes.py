"""Every (method, path) and the function that serves it. Each service lists its own; this is the sum."""

from collections.abc import Sequence

from mooring.api import openapi
from mooring.api.agent.routes import ROUTES as AGENT
from mooring.api.call import Route
from mooring.api.compute.routes import ROUTES as COMPUTE
from mooring.api.identity.routes import ROUTES as IDENTITY
from mooring.api.image.routes import ROUTES as IMAGE
from mooring.api.metrics import ROUTES as METRICS
from mooring.api.mooring.routes import ROUTES as MOORING
from mooring.api.network.routes import ROUTES as NETWORK

_SERVED: Sequence[Route] = (
    *IDENTITY,
    *NETWORK,
    *COMPUTE,
    *IMAGE,
    *AGENT,
    *MOORING,
    *METRICS,
)

ROUTES: Sequence[Route] = (*_SERVED, openapi.route(_SERVED))
