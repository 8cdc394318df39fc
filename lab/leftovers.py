"""What a lab that was killed may leave in its run folder: sockets, and in theory a QEMU."""

import os
import shutil
import signal
from pathlib import Path


def sweep(folder: Path) -> list[int]:
    """End QEMUs that a dead lab left in this folder, and empty it. The processes that were ended.

    Call it only while holding the folder's lock, which a living lab holds. A process id that a pid file names may
    since be somebody else's: it is ended only when its command line names this folder.
    """
    ended = []
    for file in folder.glob("*.pid"):
        pid = int(file.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and f"{folder}/".encode() in command.read_bytes():
            os.kill(pid, signal.SIGKILL)
            ended.append(pid)
    for path in folder.iterdir():
        if path.name == "lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return ended
