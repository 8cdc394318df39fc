"""``make fuzz``: every target of fuzz/targets.py under atheris, each for a while; what it finds is kept.

Inputs that reach new code are kept in ``.fuzz/TARGET/corpus`` and are where the next run starts; one that breaks a
target is in ``.fuzz/TARGET`` as ``crash-...``, and ``--text FILE`` runs it again without atheris.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".fuzz"
TEXT_MAX_BYTES = 1024
WORK_LIMIT_S = 1.0
HANGS_AFTER_S = 20
STARTS_WITHIN_S = 60


def text_of(raw: bytes) -> str:
    """As a program gets its arguments: what is no UTF-8 is there too."""
    return raw.decode("utf-8", "surrogateescape")


def fuzz(name: str, seconds: int) -> None:
    """Runs one target and ends the process."""
    import atheris  # noqa: PLC0415 - no test and no other target of the Makefile needs it

    with atheris.instrument_imports(include=["mooring", "fuzz"]):
        from fuzz.targets import TARGETS, run  # noqa: PLC0415 - instrumented as it is imported
    target, home = TARGETS[name], FOLDER / name
    corpus = home / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed.encode())

    def once(raw: bytes) -> None:
        began_s = time.process_time()
        run(target, text_of(raw))
        took_s = time.process_time() - began_s
        if took_s > WORK_LIMIT_S:
            raise TimeoutError(f"{name} worked for {took_s:.1f} s")

    options = [
        f"-max_total_time={seconds}", f"-max_len={TEXT_MAX_BYTES}", f"-timeout={HANGS_AFTER_S}",
        f"-artifact_prefix={home}/", "-print_final_stats=1", "-verbosity=0", str(corpus),
    ]  # fmt: skip
    # Not that for regular expressions: it breaks by itself on those that Nova's specs bring.
    atheris.enabled_hooks.add("str")
    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def again(name: str, text: Path) -> None:
    """One text that broke a target, with the whole traceback."""
    from fuzz.targets import TARGETS, run  # noqa: PLC0415 - the fuzzer imports it in its own way

    run(TARGETS[name], text_of(text.read_bytes()))


def fuzz_all(names: list[str], seconds: int) -> int:
    broken = []
    for name in names:
        command = [sys.executable, __file__, "--only", "--seconds", str(seconds), name]
        began_s = time.monotonic()
        done = subprocess.run(
            command, cwd=FOLDER.parent, capture_output=True, text=True, errors="replace", check=False,
            timeout=seconds + HANGS_AFTER_S + STARTS_WITHIN_S,
        )  # fmt: skip
        runs = next((line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line), "?")
        print(f"{name}: {runs} texts in {time.monotonic() - began_s:.0f} s", end="")
        print(": BROKEN" if done.returncode else "", flush=True)
        if done.returncode:
            broken.append(name)
            kept = [line for line in done.stderr.splitlines() if "written to" in line]
            print("\n".join([done.stdout.strip() or done.stderr[-3000:], *kept]), file=sys.stderr)
    if broken:
        print(f"broken: {', '.join(broken)}; the texts are in {FOLDER}", file=sys.stderr)
    return 1 if broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="a name of fuzz/targets.py; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--text", type=Path, metavar="FILE", help="run just this text, which broke TARGET")
    parser.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "src")]
    if options.only:
        fuzz(options.targets[0], options.seconds)
    from fuzz.targets import TARGETS  # noqa: PLC0415 - imported before, it would not be instrumented

    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if options.text is not None:
        if len(options.targets) != 1:
            parser.error("--text needs the one TARGET that it broke")
        again(options.targets[0], options.text)
        return 0
    return fuzz_all(options.targets or list(TARGETS), options.seconds)


if __name__ == "__main__":
    sys.exit(main())
