"""The product's own processes, with an appointment: ``kill -9`` of itself at a named step.

``python -m mooring.testing.faulty controller STATE HOST:PORT STEP ARMED`` and
``python -m mooring.testing.faulty agent AGENT.TOML STEP ARMED`` die when STEP is reached and the file ARMED exists.
"""

import os
import signal
import sys
from pathlib import Path

from mooring.config import ControllerConfig, load_agent
from mooring.model.outside import AgentStep, ControllerStep


class KillAt:
    """``Steps`` that end the process the hard way, as a power cut or the OOM killer would."""

    def __init__(self, step: AgentStep | ControllerStep, armed: Path):
        self._step = step
        self._armed = armed

    def reach(self, step: AgentStep | ControllerStep) -> None:
        if step is self._step and self._armed.exists():
            os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    kind, *rest = arguments
    if kind == "controller":
        from mooring.main import run_controller  # noqa: PLC0415 - an emulated host takes seconds to load either

        state, listen, step, armed = rest
        config = ControllerConfig(state=state, listen=listen)
        run_controller(config, lambda _: None, KillAt(ControllerStep(step), Path(armed)))
    else:
        from mooring.agent.main import run_agent  # noqa: PLC0415 - see above

        file, step, armed = rest
        run_agent(load_agent(Path(file)), KillAt(AgentStep(step), Path(armed)))


if __name__ == "__main__":
    main(sys.argv[1:])
