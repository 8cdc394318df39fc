"""Running other programs: the machine's, and those of the lab's Debian root, which need not be on the machine."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

_TAIL_LINES = 15


def say(line: str) -> None:
    """One line to whoever waits for the lab."""
    sys.stderr.write(f"lab: {line}\n")
    sys.stderr.flush()


def run(
    argv: Sequence[str],
    *,
    limit_s: float,
    hint: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Standard output of a program that has to end well within ``limit_s``.

    Raises ``LabError`` with the program's last lines, and ``hint``, when it is missing, fails or takes too long.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not on this machine", hint) from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{argv[0]} was not done after {limit_s:.0f} s", hint) from None
    if done.returncode:
        said = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise LabError(f"{' '.join(argv)[:200]}: exit {done.returncode}\n{said}", hint)
    return done.stdout


def loaded(root: Path, program: str) -> list[str]:
    """How to start a program of the Debian root on this machine: its own loader with its own libraries."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path", str(libraries), f"{root}/{program}"]


def inside(root: Path, work: Path, script: str, *, limit_s: float, hint: str) -> str:
    """Run a shell script in the Debian root, with ``work`` as its /mnt; the root itself is left as it was.

    The mount lives in a namespace of its own, so that nothing is left behind when this process is killed.
    """
    mounts = 'mount --bind "$2" "$1/mnt" && mount --bind /proc "$1/proc"'
    enter = f'{mounts} && cd / && exec chroot "$1" /bin/sh -euc "$3"'
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", enter, "sh", str(root), str(work), script]
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return run(argv, limit_s=limit_s, hint=hint, env=path)


def ext4(root: Path, content: Path | None, image: Path, *, size_mib: int, label: str, journal: bool = False) -> None:
    """Make a sparse ext4 disk of ``size_mib`` that holds what the folder ``content`` holds."""
    with image.open("wb") as file:
        file.truncate(size_mib << 20)
    filled = ["-d", str(content)] if content else []
    features = ["-O", "metadata_csum_seed" if journal else "^has_journal"]
    argv = [*loaded(root, "sbin/mke2fs"), "-q", "-F", "-t", "ext4", "-m", "0", "-L", label, *features]
    config = {"MKE2FS_CONFIG": f"{root}/etc/mke2fs.conf"}
    run([*argv, *filled, str(image)], limit_s=300, hint="is the disk of the lab's folder full?", env=config)


def size_mib(folder: Path) -> int:
    """Room for the folder as an ext4 disk: its blocks, an inode each, and a quarter on top."""
    files = [path.lstat() for path in folder.rglob("*")]
    return (sum(each.st_blocks * 512 + 4096 for each in files) * 5 // 4 >> 20) + 16
