"""What is measured, counted in memory, and Prometheus' text format of it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

#: name, type, help: documented in docs/reference/metrics.md, and a test compares.
METRICS: Sequence[tuple[str, str, str]] = (
    ("mooring_requests_total", "counter", "Requests answered, by service, method and status."),
    ("mooring_request_seconds_total", "counter", "Time spent answering, by service and method."),
    ("mooring_devices", "gauge", "Functions that are handed out, by kind, physical network and state."),
    ("mooring_devices_degraded", "gauge", "Functions in use and not as wanted, by physical network."),
    ("mooring_claims", "gauge", "Functions that have an owner."),
    ("mooring_servers", "gauge", "Servers, by status."),
    ("mooring_hosts", "gauge", "Hosts, by liveness."),
    ("mooring_port_profiles", "gauge", "Port profiles, by what the upstream manager has of them."),
    ("mooring_agent_streams", "gauge", "Agents that are listening at this moment."),
)


Samples = Mapping[str, Sequence[tuple[Mapping[str, object], float]]]
"""Metric name to (labels, value)."""


class Metrics:
    """Counters of one process; only the event loop touches them."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: defaultdict[tuple[str, str], float] = defaultdict(float)

    def served(self, service: str, method: str, status: int, took_s: float) -> None:
        self._requests[service, method, status] += 1
        self._seconds[service, method] += took_s

    def samples(self) -> Samples:
        return {
            "mooring_requests_total": [
                ({"service": s, "method": m, "status": code}, n) for (s, m, code), n in self._requests.items()
            ],
            "mooring_request_seconds_total": [
                ({"service": s, "method": m}, seconds) for (s, m), seconds in self._seconds.items()
            ],
        }


def text(samples: Samples) -> str:
    """All of ``METRICS``, in order, in the exposition format."""
    lines: list[str] = []
    for name, kind, about in METRICS:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        for labels, value in samples.get(name, ()):
            inside = ",".join(f'{key}="{_escaped(str(item))}"' for key, item in labels.items())
            lines.append(f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
