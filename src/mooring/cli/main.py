"""The ``mooring`` command: its groups, its help, and the ring in which every error ends with a hint.

It has to start fast, so that a command module imports click and little else, and a command fetches what it works with
when it runs.
"""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

import mooring
from mooring.cli.audit import audit
from mooring.cli.config import config
from mooring.cli.db import db
from mooring.cli.device import device
from mooring.cli.driver import driver
from mooring.cli.event import event
from mooring.cli.explain import explain
from mooring.cli.failure import from_click, tell
from mooring.cli.host import host
from mooring.cli.pci_group import pci_group
from mooring.cli.port_profile import port_profile
from mooring.cli.run import agent, controller, demo, up
from mooring.errors import HostFault, MooringError

FAILED = 1
INTERRUPTED = 130
"""128 and the number of SIGINT, as a shell reports it."""

_CHAPTERS = {
    "Run": (up, controller, agent, demo),
    "Look": (host, device, pci_group, port_profile, explain, event, audit),
    "Set up": (config, driver, db),
}


class Mooring(click.Group):
    """The root: help in chapters, and one exit for every error."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each command, under the chapter that it belongs to."""
        del ctx
        width = max(len(name) for name in self.commands)
        for chapter, commands in _CHAPTERS.items():
            with formatter.section(chapter):
                formatter.write_dl([(f"{one.name or '':<{width}}", one.get_short_help_str(60)) for one in commands])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line and exit: 0 when all is well, 1 when not, 130 after ctrl-C."""
        words = list(sys.argv[1:] if args is None else args)
        del standalone_mode, windows_expand_args  # this is the outermost ring, and there is no Windows host
        try:
            code = super().main(words, prog_name or "mooring", complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as help_wanted:
            click.echo(help_wanted.format_message())
            code = 0
        except click.ClickException as wrong:
            _fail(from_click(wrong, _path(self, words)), words)
        except MooringError as error:
            _fail(error, words)
        except BrokenPipeError:
            _quieten()
            code = FAILED
        except OSError as broken:
            where = f"{broken.filename}: " if broken.filename else ""
            _fail(HostFault(f"{where}{broken.strerror or broken}"), words)
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        raise SystemExit(code if isinstance(code, int) else 0)


def _path(root: click.Command, words: Sequence[str]) -> str:
    """The command that these words name, as far as they do."""
    path, command = "mooring", root
    for word in words:
        below = command.commands.get(word) if isinstance(command, click.Group) else None
        if below is None:
            break
        path, command = f"{path} {word}", below
    return path


def _fail(error: MooringError, words: Sequence[str]) -> NoReturn:
    tell(error, is_json="--json" in words)
    raise SystemExit(FAILED)


def _quieten() -> None:
    """Whoever read our output went away; the interpreter would complain when it flushes the rest at its end."""
    sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open until the process ends


@click.group("mooring", cls=Mooring, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(mooring.__version__, message="mooring %(version)s")
def main() -> None:
    """SR-IOV networking for virtual machines on plain KVM hosts, with OpenStack's APIs.

    Exit codes: 0 all is well, 1 an error, a finding or a no, 130 ctrl-C.
    """


for _commands in _CHAPTERS.values():
    for _command in _commands:
        main.add_command(_command)
