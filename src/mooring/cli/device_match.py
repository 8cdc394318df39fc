"""``mooring device match``: what a spec, ours or Nova's, would hand out, device by device, and which entry decided."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mooring.cli.options import FILE, as_json
from mooring.cli.text import print_json
from mooring.cli.text_file import read_text
from mooring.errors import Invalid, MooringError

if TYPE_CHECKING:
    from mooring.core.device_file import DeviceFile
    from mooring.core.device_match import Answer
    from mooring.core.devspec import DeviceSpec
    from mooring.core.nova_devspec import NovaHost

_FILE_MAX_BYTES = 64 * 1024 * 1024
_REGEX_MAX_S = 10.0


@click.command(short_help="What would this spec hand out, and which entry decides?")
@click.option("--spec", type=FILE, required=True, metavar="FILE", help="An agent.toml, or its [[device_spec]] alone.")
@click.option("--nova", "is_nova", is_flag=True, help="FILE is a nova.conf, or its device_spec as JSON.")
@click.option("--sysfs", type=FILE, metavar="DIR", help="The devices of this sysfs tree: /sys, or a recording.")
@click.option("--devices", type=FILE, metavar="FILE", help="The devices of this JSON file.")
@click.option("--against", type=FILE, metavar="OLD", help="Print only what changes from this agent.toml.")
@click.option("--against-nova", type=FILE, metavar="OLD", help="Print only what changes from this nova.conf.")
@as_json
def match(
    spec: Path,
    is_nova: bool,
    sysfs: Path | None,
    devices: Path | None,
    against: Path | None,
    against_nova: Path | None,
    is_json: bool,
) -> int:
    """Print what a spec would hand out, device by device, and which entry decided or why none.

    No controller is asked, and nothing is changed. With --against, preview a change: only what would be handed out
    otherwise than by the old file is printed. Exit code 0 when the spec was read, 1 when it was refused.
    """
    from mooring.cli.match_text import changes_object, match_object, print_changes, print_match

    try:
        old, new = _answers(Rules(spec, is_nova), _old(against, against_nova), sysfs, devices)
    except MooringError as refused:
        if not is_json:
            raise
        # A spec that is refused is an answer of this command: it goes where its answers go.
        print_json({"error": {"code": refused.code, "message": refused.message, "hint": refused.hint}})
        return 1
    if is_json:
        print_json(match_object(new.answers) if old is None else changes_object(old.answers, new.answers))
    elif old is None:
        print_match(new.answers, new.entries)
    else:
        print_changes(old.answers, new.answers)
    return 0


@dataclass(frozen=True, slots=True)
class Rules:
    """A file of specs."""

    path: Path
    is_nova: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of one."""

    answers: "Sequence[Answer]"
    entries: Sequence[int | None]
    """For each entry its line, if that is known."""


def _old(against: Path | None, against_nova: Path | None) -> Rules | None:
    if against is not None and against_nova is not None:
        raise Invalid("--against and --against-nova were both given", hint="give one of them")
    if against is not None:
        return Rules(against, is_nova=False)
    return None if against_nova is None else Rules(against_nova, is_nova=True)


def _answers(
    new: Rules, old: Rules | None, sysfs: Path | None, devices: Path | None
) -> "tuple[Answers | None, Answers]":
    from mooring.core.device_file import parse_device_file

    if (sysfs is None) == (devices is None):
        raise Invalid(
            "one of --sysfs and --devices is needed" if sysfs is None else "--sysfs and --devices were both given",
            hint="--sysfs /sys are the devices of this host",
        )
    if devices is not None:
        file = parse_device_file(read_text(devices, _FILE_MAX_BYTES))
        return (None if old is None else _of_file(old, file)), _of_file(new, file)
    from mooring.cli.sysfs import unpacked
    from mooring.host.sysfs import find_root

    with unpacked(sysfs or Path()) as folder:
        root = find_root(folder)
        return (None if old is None else _of_tree(old, root)), _of_tree(new, root)


def _of_file(rules: Rules, file: "DeviceFile") -> Answers:
    from mooring.core.device_match import native_answers

    if rules.is_nova:
        return _nova(rules, file.nova_host())
    specs = _specs(rules)
    return Answers(native_answers(file.functions(), specs, {}), [spec.line for spec in specs])


def _of_tree(rules: Rules, root: Path) -> Answers:
    from mooring.core.device_match import native_answers, nova_host_of, worth_telling
    from mooring.core.devspec import concerned
    from mooring.host.host_use import host_uses
    from mooring.host.occupants import occupants_of
    from mooring.host.sysfs import read_functions
    from mooring.host.traits import CardTraits

    functions = CardTraits.of(root).added_to(read_functions(root))
    if rules.is_nova:
        answers = _nova(rules, nova_host_of(functions))
        return replace(answers, answers=worth_telling(answers.answers, functions))
    specs = _specs(rules)
    named = concerned(functions, specs)
    uses = host_uses(root, [one for one in functions if one.address in named], occupants_of(root))
    answers = Answers(native_answers(functions, specs, uses), [spec.line for spec in specs])
    return replace(answers, answers=worth_telling(answers.answers, functions))


def _specs(rules: Rules) -> "tuple[DeviceSpec, ...]":
    from mooring.config import load_agent
    from mooring.core.devspec_entries import parse_device_specs

    file = load_agent(rules.path)
    return parse_device_specs(file.device_specs, file.device_spec_lines)


def _nova(rules: Rules, host: "NovaHost") -> Answers:
    from mooring.core.device_match import nova_answers
    from mooring.core.nova_devspec import parse_nova_specs, read_nova_text

    with limited(_REGEX_MAX_S):
        specs = parse_nova_specs(read_nova_text(read_text(rules.path, _FILE_MAX_BYTES)), host)
        return Answers(nova_answers(specs, host), [None] * len(specs))


@contextmanager
def limited(limit_s: float) -> Iterator[None]:
    """A regular expression may take for ever, and Nova has no limit for it; ``re`` looks for signals meanwhile.

    Raises Invalid after ``limit_s``.
    """
    if threading.current_thread() is not threading.main_thread():  # only there are signals heard
        yield
        return

    def stop(*_: object) -> None:
        raise Invalid(
            f"matching is not done after {limit_s:g} s", code="PciDeviceWrongAddressFormat",
            hint="a regular expression in address repeats what repeats",
        )  # fmt: skip

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
