"""The product's own processes, with an appointment: ``kill -9`` of itself at a named step.

``python -m mooring.testing.faulty controller STATE HOST:PORT STEP N`` and
``python -m mooring.testing.faulty agent AGENT.TOML STEP N`` die at the N-th time that STEP is reached.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from mooring.agent.main import run_agent
from mooring.config import ControllerConfig, load_agent
from mooring.main import run_controller
from mooring.model.outside import AgentStep, ControllerStep


class KillAt:
    """``Steps`` that end the process the hard way, as a power cut or the OOM killer would."""

    def __init__(self, step: AgentStep | ControllerStep, times: int):
        self._step = step
        self._left = times
        self._lock = threading.Lock()

    def reach(self, step: AgentStep | ControllerStep) -> None:
        if step is not self._step:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    kind, *rest = arguments
    if kind == "controller":
        state, listen, step, times = rest
        config = ControllerConfig(state=state, listen=listen)
        run_controller(config, lambda line: None, KillAt(ControllerStep(step), int(times)))
    else:
        file, step, times = rest
        run_agent(load_agent(Path(file)), KillAt(AgentStep(step), int(times)))


if __name__ == "__main__":
    main(sys.argv[1:])
